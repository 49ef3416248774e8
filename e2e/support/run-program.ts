import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** The command line of the product. */
export const mainFile = join(import.meta.dirname, '../../server/src/main.ts');

/** How a program ended. */
export interface ProgramEnd {
  code: number;
  stdout: string;
  stderr: string;
}

interface Place {
  cwd?: string | undefined;
  env?: Readonly<Record<string, string>> | undefined;
}

/** What programs of the tests get of this process's environment: nothing that says they are tested. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG };
}

/** Runs a program to its end, which is at most half a minute away. */
export function runProgram(file: string, args: readonly string[], { cwd, env }: Place = {}): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...plainEnvironment(), ...env }, timeout: 30_000, maxBuffer: 1 << 26 };
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : -1;
      resolve({ code: error ? code : 0, stdout, stderr });
    });
  });
}

/** Runs `almanac …` to its end. */
export function runAlmanac(words: readonly string[], place: Place): Promise<ProgramEnd> {
  return runProgram(process.execPath, [mainFile, ...words], place);
}
