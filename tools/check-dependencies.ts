import type { ICruiseResult } from 'dependency-cruiser';
import { collapseFeatures, findRing } from './dependency-rules/feature-graph.ts';
import { fileRules } from './dependency-rules/file-rules.ts';
import { readModules } from './dependency-rules/read-modules.ts';

/** First pass: file by file. */
function findFileFaults({ summary }: ICruiseResult): string[] {
  const comments = new Map(fileRules.map((rule) => [rule.name, rule.comment]));
  return summary.violations.map(({ rule, from, to, cycle }) => {
    const path = cycle ? [from, ...cycle.map((step) => step.name)] : [...new Set([from, to])];
    return `${rule.name}: ${path.join(' → ')}\n    ${comments.get(rule.name)}`;
  });
}

/** Second pass: each feature folder counts as one module. */
function findFeatureFaults({ modules }: ICruiseResult): string[] {
  const ring = findRing(collapseFeatures(modules));
  if (!ring) return [];
  const advice = 'Let the lower feature take a function or offer a registration, and let app/ join the two.';
  return [`no-ring-of-features: ${ring.join(' → ')}\n    ${advice}`];
}

/** That modules were read at all is checked too: TypeScript that cannot be read breaks no rule. */
function findFaults(result: ICruiseResult): string[] {
  const ours = result.modules.filter(({ source, coreModule }) => !coreModule && !source.includes('node_modules'));
  process.stdout.write(`${ours.length} modules\n`);
  if (!ours.some(({ source }) => source.endsWith('.ts'))) {
    return ['No TypeScript module was read: does this dependency-cruiser know this version of TypeScript?'];
  }
  return [...findFileFaults(result), ...findFeatureFaults(result)];
}

const faults = findFaults(await readModules(fileRules));
for (const fault of faults) process.stdout.write(`${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
