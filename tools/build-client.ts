import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleClient } from './client/bundle-client.ts';
import { copyPapers, declareClient } from './client/declare-client.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2] ?? join(root, 'sdk/dist');

/** The package.json of what is published: one file of JavaScript, and its declarations. */
async function describePackage(): Promise<object> {
  const read = async (path: string) => JSON.parse(await readFile(join(root, path), 'utf8'));
  const { name, version, license, type, peerDependencies, peerDependenciesMeta } = await read('sdk/package.json');
  const { dependencies } = await read('contract/package.json');
  return {
    name,
    version,
    license,
    type,
    engines: { node: '>=20' },
    sideEffects: false,
    exports: { '.': { types: './types/sdk/src/index.d.ts', default: './index.js' } },
    // Its types alone are used.
    dependencies,
    peerDependencies,
    peerDependenciesMeta,
  };
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await writeFile(join(folder, 'index.js'), (await bundleClient()).code);
await declareClient(join(folder, 'types'));
await copyPapers(folder);
await writeFile(join(folder, 'package.json'), `${JSON.stringify(await describePackage(), null, 2)}\n`);
process.stdout.write(`The package is in ${folder}.\n`);
