import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { useDataDir } from './data-dir.ts';

/** What is made at first start where the environment does not give it. */
export interface GeneratedSecrets {
  jwtSecret: string;
  encryptionKey: string;
}

/**
 * Reads the secrets kept in the data folder, making them at the first start. The file is readable by its owner alone
 * and appears whole or not at all, also when two processes start at once: the first one's stand.
 */
export function loadOrMakeSecrets(dataDir: string): GeneratedSecrets {
  const path = join(dataDir, 'secrets.json');
  return useDataDir(dataDir, () => {
    if (!existsSync(path)) makeSecrets(path);
    return JSON.parse(readFileSync(path, 'utf8')) as GeneratedSecrets;
  });
}

function makeSecrets(path: string): void {
  const secrets: GeneratedSecrets = {
    jwtSecret: randomBytes(48).toString('base64'),
    encryptionKey: randomBytes(48).toString('base64'),
  };
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}
