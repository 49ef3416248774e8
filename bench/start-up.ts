import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Measurement } from './measure.ts';
import { startProcess } from './start-process.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..');

/** `npm start` on a fresh clone with the packages in npm's cache, until it serves; then the same once more. */
export async function measureStartUp(): Promise<Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'almanac-clone-'));
  await run('git', ['clone', '--quiet', repository, folder]);
  const npmStart = () => startProcess({ command: 'npm', words: ['start'], folder, environment: {} });
  const first = await npmStart();
  await first.stop();
  const second = await npmStart();
  await second.stop();
  await rm(folder, { recursive: true });
  return [
    {
      name: '`npm start` on a fresh clone, packages in the npm cache, until ready',
      value: first.seconds,
      unit: 's',
      target: { below: 30 },
      detail: 'installs, makes the database, fills the demo, reads the checkout',
    },
    { name: 'Second `npm start`', value: second.seconds, unit: 's', target: { below: 3 }, detail: 'same folder' },
  ];
}
