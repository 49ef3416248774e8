import { expect, test } from 'vitest';
import { generatedParts, isCurrent } from '../../../tools/generate/generated-parts.ts';

test.for(generatedParts)('$file holds what the code gives now', async (part) => {
  expect(await isCurrent(part), 'run `npm run generate`').toBe(true);
});
