/** Lets at most so many pieces of work of one key run at a time; the others wait, first come first served. */
export interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>;
  /** How many of the key run or wait. */
  countOf(key: string): number;
}

interface Line {
  running: number;
  readonly waiting: (() => void)[];
}

export function createTurns(atOnce: number): Turns {
  const lines = new Map<string, Line>();
  return {
    countOf: (key) => {
      const line = lines.get(key);
      return line ? line.running + line.waiting.length : 0;
    },
    take: async (key, work) => {
      const line = lines.get(key) ?? { running: 0, waiting: [] };
      lines.set(key, line);
      if (line.running < atOnce) line.running += 1;
      // Whoever ends hands its place on, so that nobody slips in between.
      else await new Promise<void>((resolve) => line.waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = line.waiting.shift();
        if (next) next();
        else line.running -= 1;
        if (line.running === 0) lines.delete(key);
      }
    },
  };
}
