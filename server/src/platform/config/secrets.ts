import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useDataDir } from './data-dir.ts';
import { configurationProblem } from './environment.ts';

/** What is made at first start where the environment does not give it. */
export interface GeneratedSecrets {
  jwtSecret: string;
  encryptionKey: string;
}

/**
 * Reads the secrets kept in the data folder, making them at the first start. The file is readable by its owner alone
 * and appears whole or not at all, also when two processes start at once: the first one's stand. Throws a configuration
 * problem where the folder cannot be written or the file is not what was kept.
 */
export function loadOrMakeSecrets(dataDir: string): GeneratedSecrets {
  const path = join(dataDir, 'secrets.json');
  const kept = useDataDir(dataDir, () => {
    if (!existsSync(path)) makeSecrets(path);
    return readSecrets(path);
  });
  if (isText(kept?.jwtSecret) && isText(kept.encryptionKey)) {
    return { jwtSecret: kept.jwtSecret, encryptionKey: kept.encryptionKey };
  }
  throw configurationProblem(
    `The file ${path} does not hold the secrets that were kept there: restore it, or set JWT_SECRET and ENCRYPTION_KEY.`,
  );
}

function makeSecrets(path: string): void {
  const secrets = {
    jwtSecret: randomBytes(48).toString('base64'),
    encryptionKey: randomBytes(48).toString('base64'),
  };
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}

function readSecrets(path: string): Partial<Record<keyof GeneratedSecrets, unknown>> | undefined {
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text) as Partial<Record<keyof GeneratedSecrets, unknown>>;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 32;
}
