import { type DestinationStream, type Logger, pino } from 'pino';

/** The structured logger every part of the server is given; one JSON line a call. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>;

interface LogOptions {
  level: string;
  destination?: DestinationStream;
}

/** Field names whose values never reach the log, wherever they stand up to two levels deep. */
const secretFields = ['password', 'token', 'access_token', 'refresh_token', 'authorization', 'cookie', 'secret', 'key'];

/** Makes the process's logger. Secrets are masked by field name; the destination is standard output unless given. */
export function createLog({ level, destination }: LogOptions): Log {
  const paths = secretFields.flatMap((field) => [field, `*.${field}`]);
  const options = { level, base: null, redact: { paths, censor: '[masked]' } };
  return destination ? pino(options, destination) : pino(options, pino.destination({ dest: 1, sync: false }));
}
