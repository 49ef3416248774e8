import type { GeneratedPart } from './generate/generated-part.ts';
import { bringUpToDate, generatedParts, isCurrent } from './generate/generated-parts.ts';

const onlyCompare = process.argv.includes('--check');

/** Writes or compares one part; gives what there is to say of it, and whether it stands as it should. */
async function handle(part: GeneratedPart): Promise<{ news: string; isGood: boolean }> {
  if (onlyCompare) {
    const isGood = await isCurrent(part);
    return { isGood, news: isGood ? 'current' : 'out of date: run `npm run generate`' };
  }
  return { isGood: true, news: (await bringUpToDate(part)) ? 'written' : 'current' };
}

for (const part of generatedParts) {
  const fault = (error: Error) => ({ isGood: false, news: `not made: ${error.message}` });
  const { news, isGood } = await handle(part).catch(fault);
  process.stdout.write(`${part.file}${part.marker ? ` (${part.marker})` : ''}: ${news}\n`);
  if (!isGood) process.exitCode = 1;
}
