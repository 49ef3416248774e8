import { createIssuersFeature, type IssuersFeature } from '#features/issuers/index.ts';
import type { Config } from '#platform/config/config.ts';
import { createLog } from '#platform/log/log.ts';
import { createOutbound } from '#platform/outbound/outbound.ts';
import { makeIssuer, type TestIssuer } from './make-issuer.ts';

/** An outside issuer and the feature that takes its tokens, with the clock and the time-outs in the test's hand. */
export interface IssuerScene {
  readonly issuer: TestIssuer;
  readonly issuers: IssuersFeature;
  readonly clock: { now: Date };
  pass(seconds: number): void;
  /** Lets all calls under way run into their time-out. */
  expireCalls(): void;
  readonly logged: string[];
  close(): Promise<void>;
}

interface SceneOptions {
  alg?: string;
  /** What is set of the issuer beside its address. */
  named?: (origin: string) => Partial<Config['issuers'][number]>;
}

export async function makeIssuerScene({ alg = 'ES256', named }: SceneOptions = {}): Promise<IssuerScene> {
  const clock = { now: new Date('2024-12-18T12:00:00Z') };
  const now = () => clock.now;
  const issuer = await makeIssuer({ alg, now });
  const logged: string[] = [];
  const log = createLog({ level: 'warn', destination: { write: (line) => logged.push(line) } });
  const timers = new Set<() => void>();
  const after = (_delayMs: number, run: () => void) => {
    timers.add(run);
    return () => timers.delete(run);
  };
  const outbound = createOutbound({ log, now, allow: [], exemptOrigins: [issuer.origin], timers: { after } });
  const usual = { issuer: issuer.origin, audience: 'almanac', jwksUri: undefined, apiKey: undefined };
  const config = { issuers: [{ ...usual, ...named?.(issuer.origin) }], tokenKey: { secret: 'unused here' } };
  return {
    issuer,
    issuers: createIssuersFeature({ config, outbound, log, now }),
    clock,
    pass: (seconds) => {
      clock.now = new Date(clock.now.getTime() + seconds * 1000);
    },
    expireCalls: () => {
      for (const run of [...timers]) run();
    },
    logged,
    close: async () => {
      await outbound.close();
      await issuer.close();
    },
  };
}
