import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const passedOver = new Set(['node_modules', '.git', '.almanac', '.cache', 'coverage', 'dist']);

/** A file of the repository: its path from the root, with slashes, and its text. */
export interface RepositoryFile {
  readonly path: string;
  readonly text: string;
}

/** Lists the paths under a folder of the repository, sorted; none when there is no such folder. */
export function listPaths(folder: string): string[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  const entries = readdirSync(start, { withFileTypes: true }).filter((entry) => !passedOver.has(entry.name));
  const paths = entries.flatMap((entry) => {
    const path = relative(root, join(start, entry.name)).split(sep).join('/');
    return entry.isDirectory() ? listPaths(path) : [path];
  });
  return paths.sort();
}

/** Reads the files under a folder whose path matches. */
export function readFiles(folder: string, pattern: RegExp): RepositoryFile[] {
  const paths = listPaths(folder).filter((path) => pattern.test(path));
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** Gives `path:line: text` for each line that matches. */
export function findLines(files: readonly RepositoryFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
