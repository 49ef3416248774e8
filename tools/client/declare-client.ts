import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Writes the client's declarations to a folder, those of the contract among them, so that they need no package but typebox.
 * Throws where the client does not compile.
 */
export async function declareClient(folder: string): Promise<void> {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  // Named as roots, the files of the contract count as our own and not as a package's.
  const contract = (await readdir(join(root, 'contract'))).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const roots = [...contract.map((file) => join(root, 'contract', file)), join(root, 'sdk/src/index.ts')];
  const program = ts.createProgram(roots, {
    ...options,
    noEmit: false,
    incremental: false,
    tsBuildInfoFile: undefined as never,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: folder,
  });
  const { diagnostics, emitSkipped } = program.emit();
  const faults = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (emitSkipped || faults.length > 0) {
    throw new Error(ts.formatDiagnostics(faults, { ...ts.sys, getCanonicalFileName: String, getNewLine: () => '\n' }));
  }
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const toContract = relative(join(file, '..'), 'contract').replaceAll('\\', '/');
    const text = await readFile(join(folder, file), 'utf8');
    const moved = text
      .replace(/(['"])@almanac\/contract\/([\w-]+)\.ts\1/g, `'${toContract}/$2.js'`)
      .replace(/(['"])(\.\.?\/[\w./-]+)\.ts\1/g, "'$2.js'");
    await writeFile(join(folder, file), moved);
  }
}

/** Copies what a reader of the package looks for first. */
export async function copyPapers(folder: string): Promise<void> {
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  await cp(join(root, 'docs/client.md'), join(folder, 'README.md'));
}
