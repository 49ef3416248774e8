import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type GeneratedPart, replaceBetweenMarkers } from './generated-part.ts';
import { renderClientEndpoints, renderClientTypes } from './render-client.ts';
import { renderConfiguration } from './render-configuration.ts';
import { renderErrors } from './render-errors.ts';
import { renderFeatureGraph } from './render-feature-graph.ts';
import { renderOpenapi } from './render-openapi.ts';
import { renderPermissions } from './render-permissions.ts';
import { renderRights } from './render-rights.ts';

/** Everything in the repository that is made from the code. */
export const generatedParts: readonly GeneratedPart[] = [
  { file: 'ARCHITECTURE.md', marker: 'feature-graph', render: renderFeatureGraph },
  { file: 'README.md', marker: 'configuration', render: renderConfiguration },
  { file: 'docs/errors.md', render: renderErrors },
  { file: 'docs/permissions.md', render: renderPermissions },
  { file: 'docs/openapi.json', render: renderOpenapi },
  { file: 'sdk/src/generated/endpoints.ts', render: renderClientEndpoints },
  { file: 'sdk/src/generated/endpoint-types.ts', render: renderClientTypes },
  { file: 'web/public/assets/account/rights.js', render: renderRights },
];

async function compare({ file, marker, render }: GeneratedPart): Promise<{ before: string; after: string }> {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const text = await render();
  return { before, after: marker ? replaceBetweenMarkers(before, marker, text) : text };
}

/** Tells whether the part on the disk is what the code gives now. Throws when its file lacks the marker. */
export async function isCurrent(part: GeneratedPart): Promise<boolean> {
  const { before, after } = await compare(part);
  return before === after;
}

/** Writes the part where it differs, and tells whether it did. */
export async function bringUpToDate(part: GeneratedPart): Promise<boolean> {
  const { before, after } = await compare(part);
  if (before === after) return false;
  writeFileSync(part.file, after);
  return true;
}
