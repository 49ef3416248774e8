import { collapseFeatures, type FeatureGraph } from '../dependency-rules/feature-graph.ts';
import { readModules } from '../dependency-rules/read-modules.ts';

function draw(graph: FeatureGraph): string {
  const lines = [...graph].flatMap(([feature, met]) =>
    met.length === 0 ? [`  ${feature}`] : met.map((other) => `  ${feature} --> ${other}`),
  );
  return ['```mermaid', 'graph TD', ...lines, '```'].join('\n');
}

/** The graph of features, an arrow for each import of another one, as Mermaid. */
export async function renderFeatureGraph(): Promise<string> {
  const { modules } = await readModules([]);
  return draw(collapseFeatures(modules));
}
