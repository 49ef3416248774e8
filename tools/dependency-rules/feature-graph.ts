import type { IModule } from 'dependency-cruiser';

/** Which features each feature imports, in the order of the alphabet. */
export type FeatureGraph = ReadonlyMap<string, readonly string[]>;

function findFeature(path: string): string | undefined {
  return /^server\/src\/features\/([^/]+)\//.exec(path)?.[1];
}

/**
 * Collapses each feature folder to one node. Done here, because dependency-cruiser's own collapse comes after its
 * rules have run, and its folder scope tells a feature's sub-folders apart.
 */
export function collapseFeatures(modules: readonly IModule[]): FeatureGraph {
  const graph = new Map<string, Set<string>>();
  for (const module of modules) {
    const feature = findFeature(module.source);
    if (feature === undefined || module.source.endsWith('.test.ts')) continue;
    const met = graph.get(feature) ?? new Set();
    graph.set(feature, met);
    for (const { resolved } of module.dependencies) {
      const other = findFeature(resolved);
      if (other !== undefined && other !== feature) met.add(other);
    }
  }
  const sorted = [...graph].sort(([one], [two]) => one.localeCompare(two));
  return new Map(sorted.map(([feature, met]) => [feature, [...met].sort()]));
}

/** Gives one ring of features, the first one repeated at its end, or undefined when there is none. */
export function findRing(graph: FeatureGraph): string[] | undefined {
  const cleared = new Set<string>();
  function follow(feature: string, path: readonly string[]): string[] | undefined {
    if (path.includes(feature)) return [...path.slice(path.indexOf(feature)), feature];
    if (cleared.has(feature)) return undefined;
    for (const next of graph.get(feature) ?? []) {
      const ring = follow(next, [...path, feature]);
      if (ring) return ring;
    }
    cleared.add(feature);
    return undefined;
  }
  for (const feature of graph.keys()) {
    const ring = follow(feature, []);
    if (ring) return ring;
  }
  return undefined;
}
