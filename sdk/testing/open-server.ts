import { makeTestApp, type TestApp } from '../../server/testing/make-app.ts';
import type { Timing } from '../src/index.ts';

/** The whole product behind a real port. */
export interface TestServer extends TestApp {
  readonly url: string;
  readonly port: number;
  /** Moves the server's clock on. */
  pass(seconds: number): void;
}

/** Starts the product on a free port. */
export async function openServer(options?: Parameters<typeof makeTestApp>[0]): Promise<TestServer> {
  const it = await makeTestApp(options);
  const url = await it.app.listen({ port: 0, host: '127.0.0.1' });
  const pass = (seconds: number) => {
    it.clock.now = new Date(it.clock.now.getTime() + seconds * 1_000);
  };
  return { ...it, url, port: Number(new URL(url).port), pass };
}

/** The clock of a server for a client of it; timers run that many times faster than they say. */
export function timingOf({ clock }: Pick<TestApp, 'clock'>, { speed = 1 } = {}): Timing {
  return {
    now: () => clock.now.getTime(),
    random: Math.random,
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds / speed);
      return () => clearTimeout(timer);
    },
  };
}

/** A fetch that keeps the paths it was asked for, and can be made to fail. */
export function watchFetch(options: { onAnswer?: (path: string, answer: Response) => void } = {}) {
  const paths: string[] = [];
  const watched: typeof fetch = async (...request) => {
    const { pathname } = new URL(new Request(...request).url);
    paths.push(pathname);
    const answer = await fetch(...request);
    options.onAnswer?.(pathname, answer);
    return answer;
  };
  const count = (path: string) => paths.filter((one) => one === path).length;
  return { fetch: watched, paths, count };
}

/** A fetch whose answers from a path are held back until they are let go. */
export function holdAnswers(...paths: string[]) {
  const gates = new Map(
    paths.map((path) => [path, { reached: Promise.withResolvers(), left: Promise.withResolvers() }]),
  );
  const { fetch: watched, count } = watchFetch();
  const gated: typeof fetch = async (...request) => {
    const answer = await watched(...request);
    const gate = gates.get(new URL(new Request(...request).url).pathname);
    gate?.reached.resolve(undefined);
    await gate?.left.promise;
    return answer;
  };
  const reached = async (path: string) => void (await gates.get(path)?.reached.promise);
  const letGo = (path: string) => {
    gates.get(path)?.left.resolve(undefined);
    gates.delete(path);
  };
  return { fetch: gated, count, reached, letGo };
}
