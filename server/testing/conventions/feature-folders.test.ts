import { describe, expect, test } from 'vitest';
import { listPaths, readFiles } from './repository-files.ts';

const roles = ['feature', 'routes', 'policy', 'service', 'store', 'views', 'tables', 'jobs', 'events', 'errors'];
const mostSourceFiles = 15;
const mostIndexLines = 30;

const sources = listPaths('server/src/features').filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
const byFeature = Map.groupBy(sources, (path) => path.split('/')[3] ?? '');
const indexes = readFiles('server/src/features', /^server\/src\/features\/[^/]+\/index\.ts$/);

describe('A feature folder', () => {
  test('names the role of a file by one suffix of the closed list', () => {
    const strange = sources.filter((path) => {
      const [, ...suffixes] = path.replace(/^.*\/|\.ts$/g, '').split('.');
      return suffixes.length > 1 || suffixes.some((suffix) => !roles.includes(suffix));
    });
    expect(strange, `the roles are ${roles.join(' ')}; any other file is a plain verb phrase`).toEqual([]);
  });

  test(`has at most ${mostSourceFiles} source files`, () => {
    const large = [...byFeature].filter(([, paths]) => paths.length > mostSourceFiles).map(([feature]) => feature);
    expect(large, 'split the feature').toEqual([]);
  });

  test('has an index.ts', () => {
    const met = new Set(indexes.map(({ path }) => path.split('/')[3]));
    expect([...byFeature.keys()].filter((feature) => !met.has(feature))).toEqual([]);
  });
});

describe('The index.ts of a feature', () => {
  test(`has at most ${mostIndexLines} lines`, () => {
    const long = indexes.filter(({ text }) => text.trimEnd().split('\n').length > mostIndexLines);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test('only exports by name what other files of the feature define', () => {
    const busy = indexes.filter(({ text }) => {
      const rest = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return rest.replaceAll(/export (type )?\{[^}]*\} from '\.\/[^']+';/g, '').trim() !== '';
    });
    expect(busy.map(({ path }) => path)).toEqual([]);
  });
});
