/*
 * Installs the packages when they differ from what package-lock.json asks for; otherwise ends at once.
 * Plain JavaScript without dependencies: it runs on whatever Node the machine has, before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const stampFile = join(root, 'node_modules', '.almanac-installed');
const runtime = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

/** The fields of a package.json that decide what is installed; a changed script is no reason to install again. */
const decisiveFields = ['workspaces', 'dependencies', 'devDependencies', 'optionalDependencies', 'overrides'];

/** @returns {string} SHA-256 of the lock file and of what the manifests ask for */
function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  const main = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const folder of ['.', ...main.workspaces]) {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    hash.update(JSON.stringify(decisiveFields.map((field) => manifest[field])));
  }
  return hash.digest('hex');
}

/** @returns {boolean} whether the last install was made from this very lock file */
function isInstalled() {
  return existsSync(runtime) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === fingerprint();
}

function markInstalled() {
  writeFileSync(stampFile, fingerprint());
}

/**
 * Runs npm without the Node of node_modules, which `npm ci` removes while it runs.
 *
 * @param {string[]} command
 */
function runNpm(command) {
  const binFolder = join(root, 'node_modules', '.bin');
  const path = (process.env.PATH || '')
    .split(delimiter)
    .filter((folder) => resolve(folder) !== binFolder)
    .join(delimiter);
  const options = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--ignore-scripts=false'];
  return spawnSync('npm', [...command, ...options], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    shell: process.platform === 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Installs from the lock file; where a platform's packages are missing from it, by the manifests. */
function install() {
  process.stderr.write('Installing packages, once until package-lock.json changes …\n');
  const attempts = [['ci'], ['install', '--no-save']].values();
  let output = '';
  for (const command of attempts) {
    const result = runNpm(command);
    if (result.status === 0 && existsSync(runtime)) {
      markInstalled();
      return;
    }
    output += `$ npm ${command.join(' ')}\n${result.error || ''}${result.stdout || ''}${result.stderr || ''}\n`;
  }
  process.stderr.write(output);
  process.stderr.write('The packages could not be installed: see above what npm said, then run the command again.\n');
  process.exitCode = 1;
}

// npm's own postinstall says --done, so that nothing is installed again after an `npm ci` by hand.
if (process.argv.includes('--done')) {
  markInstalled();
} else if (!isInstalled()) {
  install();
}
