import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

interface Check {
  name: string;
  command: string;
}

/** The slowest come first, so that the quick ones fill the gaps. */
const checks: Check[] = [
  { name: 'types', command: 'tsc --noEmit --pretty false' },
  { name: 'habits', command: 'vitest run --project conventions' },
  { name: 'unused code', command: 'knip --no-config-hints' },
  { name: 'style', command: 'biome check --max-diagnostics=50 .' },
  { name: 'dependency rules', command: 'node tools/check-dependencies.ts' },
];

interface Outcome extends Check {
  passed: boolean;
  seconds: number;
  output: string;
}

function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now();
  const process = spawn(check.command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  process.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  process.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    process.once('error', reject);
    process.once('close', (code) => {
      const seconds = (performance.now() - startedAt) / 1000;
      resolve({ ...check, passed: code === 0, seconds, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

function report({ name, command, passed, seconds, output }: Outcome): void {
  const line = `${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(18)} ${seconds.toFixed(1)} s\n`;
  process.stdout.write(passed ? line : `${line}$ ${command}\n${output.trimEnd()}\n\n`);
}

/** Runs the checks, as many at a time as there are processors, and tells whether all of them passed. */
async function runAll(): Promise<boolean> {
  const waiting = [...checks];
  const outcomes: Outcome[] = [];
  async function work(): Promise<void> {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const outcome = await run(check);
      report(outcome);
      outcomes.push(outcome);
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
  return outcomes.every((outcome) => outcome.passed);
}

process.exitCode = (await runAll()) ? 0 : 1;
