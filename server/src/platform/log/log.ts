import { type DestinationStream, type Logger, pino } from 'pino';

/** The structured logger every part of the server is given; one JSON line a call. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>;

interface LogOptions {
  level: string;
  destination?: DestinationStream;
}

/** Field names whose values never reach the log, wherever they stand up to two levels deep. */
const secretFields = ['password', 'token', 'access_token', 'refresh_token', 'authorization', 'cookie', 'secret', 'key'];

/** The process's loggers: one for what happens, one for the line that each request leaves. */
export interface Logs {
  readonly log: Log;
  readonly accessLog: Pick<Log, 'info'>;
}

/**
 * Makes the process's loggers, on standard output unless a destination is given. Secrets are masked by field name; the
 * access log holds fixed fields, none of them secret, so it goes without, and is written by the block.
 */
export function createLogs({ level, destination }: LogOptions): Logs {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`]);
  const output = destination ?? pino.destination({ dest: 1, sync: true });
  const accessOutput = destination ?? pino.destination({ dest: 1, sync: false, minLength: 4_096, periodicFlush: 200 });
  return {
    log: pino({ level, base: null, redact: { paths, censor: '[masked]' } }, output),
    accessLog: pino({ level, base: null }, accessOutput),
  };
}

/** Makes a logger alone, for what serves no requests. */
export function createLog(options: LogOptions): Log {
  return createLogs(options).log;
}
