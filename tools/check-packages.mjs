/*
 * Builds and packs the packages, and uses them as somebody does who installs
 * them: in an empty project far from this checkout, from plain JavaScript.
 *
 * The packages hold their source beside the compiled files. Source maps and
 * "go to definition" lead there, and so does the condition `latchkey-source` of
 * `exports`, which every checkout uses and no one else sets.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkFollower } from './check-follower.mjs';
import { readTool, runTool } from './run-tool.mjs';

const ROOT = path.join(import.meta.dirname, '..');
const PACKAGES = ['verify', 'latchkey', 'server'];
const IMPORTS = [
  'latchkey',
  'latchkey/hono',
  'latchkey/environment',
  'latchkey/postgres',
  'latchkey/hosting',
  'latchkey/conformance',
  '@latchkey/verify',
  '@latchkey/verify/express',
  '@latchkey/verify/fastify',
  '@latchkey/verify/hono',
  '@latchkey/verify/unsafe',
  '@latchkey/server',
];

/** What a user may write, and must be able to check with the strictest options. */
const CONSUMER = `
import { latchkey, LatchkeyError, sqlite, type Principal } from 'latchkey';
import { hono } from 'latchkey/hono';
import { type PostgresOptions, postgres } from 'latchkey/postgres';
import { readSettings, type Settings } from 'latchkey/environment';
import { securityHeaders } from 'latchkey/hosting';
import { type OpenStore, storeConformance } from 'latchkey/conformance';
import { systemClock } from '@latchkey/verify';
import { createApp, start } from '@latchkey/server';

const auth = latchkey({ url: 'http://localhost:3000', secret: undefined, store: sqlite('app.db'), clock: systemClock });
export const principal: Promise<Principal | null> = auth.authenticate(new Request('http://localhost:3000/'));
export const routes = hono(auth).routes;
export const settings: Promise<Settings> = readSettings({}, '.');
export const shared = (options: PostgresOptions) => postgres('postgres://localhost/app', options);
export const given: OpenStore | null = null;
export { createApp, LatchkeyError, securityHeaders, start, storeConformance };
// @ts-expect-error what is misspelt does not compile, so the types are there
latchkey({ urll: 'http://localhost:3000' });
`;

/** @param {string} what */
function step(what) {
  console.log(`\n${what}`);
}

/** @param {boolean} condition @param {string} message */
function demand(condition, message) {
  if (condition) return;
  throw new Error(message);
}

/** @param {string} name @param {string} folder Where the tarball goes. */
function pack(name, folder) {
  const from = path.join(ROOT, 'packages', name);
  const json = readTool('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], from);
  /** @type {readonly { filename: string, files: readonly { path: string }[] }[]} */
  const [packed] = JSON.parse(json);
  demand(packed !== undefined, `npm pack told nothing about packages/${name}`);
  const files = (packed?.files ?? []).map((file) => file.path);
  const test = files.find((file) => /\.test\./.test(file));
  demand(test === undefined, `packages/${name}: a test is packed: ${test}`);
  for (const needed of ['LICENSE', 'README.md', 'package.json']) {
    demand(files.includes(needed), `packages/${name}: ${needed} is not packed`);
  }
  checkMaps(from, files);
  checkLinks(from, files);
  return path.join(folder, packed?.filename ?? '');
}

/** @param {string} folder @param {readonly string[]} files */
function checkMaps(folder, files) {
  for (const file of files.filter((name) => name.endsWith('.map'))) {
    /** @type {{ sources: readonly string[] }} */
    const { sources } = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
    for (const source of sources) {
      const target = path.posix.join(path.posix.dirname(file), source);
      demand(files.includes(target), `${folder}: ${file} leads to ${target}, which is not packed`);
    }
  }
}

/** What the README leads to is packed beside it, but for what has an address of its own. @param {string} folder @param {readonly string[]} files */
function checkLinks(folder, files) {
  const text = readFileSync(path.join(folder, 'README.md'), 'utf8');
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(?:https?:|mailto:|#)/.test(target)) continue;
    const file = path.posix.normalize(target.replace(/#.*$/, ''));
    demand(files.includes(file), `${folder}: README.md leads to ${target}, which is not packed`);
  }
}

/** @param {string} tarball */
function checkTarball(tarball) {
  // From outside the checkout, so that nothing but the tarball is looked at.
  const folder = path.dirname(tarball);
  runTool('publint', ['run', tarball, '--strict', '--level', 'suggestion'], folder);
  readTool('attw', [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'], folder);
}

/** @param {string} project @param {readonly string[]} tarballs */
function install(project, tarballs) {
  mkdirSync(project);
  writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  runTool('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], project);
}

/** @param {string} project */
function useFromJavaScript(project) {
  const lines = IMPORTS.map(
    (name) =>
      `if (Object.keys(await import('${name}')).length === 0) throw new Error('${name} gives out nothing');`,
  );
  writeFileSync(path.join(project, 'use.js'), `${lines.join('\n')}\n`);
  runTool('node', ['use.js'], project);
}

/** @param {string} project */
function useCommand(project) {
  /** @type {{ version: string }} */
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'packages/latchkey/package.json'), 'utf8'));
  const printed = readTool('npx', ['--no-install', 'latchkey', '--version'], project).trim();
  demand(printed === version, `latchkey --version prints ${printed}, and the package is ${version}`);
  const config = readTool('npx', ['--no-install', 'latchkey', 'config'], project);
  demand(/^url +http:\/\/localhost:/m.test(config), `latchkey config prints no URL:\n${config}`);
}

/** @param {string} project */
function useFromTypeScript(project) {
  writeFileSync(path.join(project, 'consumer.ts'), CONSUMER);
  const types = path.join(ROOT, 'node_modules/@types');
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--noEmit'];
  runTool('tsc', [...options, '--typeRoots', types, '--types', 'node', 'consumer.ts'], project);
}

async function main() {
  const work = mkdtempSync(path.join(tmpdir(), 'latchkey-packages-'));
  // A step that fails ends the process where it stands.
  process.once('exit', () => rmSync(work, { recursive: true, force: true }));
  step('build');
  runTool('node', [path.join(ROOT, 'tools/build.mjs')], ROOT);
  step('pack');
  const tarballs = PACKAGES.map((name) => pack(name, work));
  step('look at what is packed');
  for (const tarball of tarballs) checkTarball(tarball);
  const project = path.join(work, 'project');
  step('install');
  install(project, tarballs);
  step('use from JavaScript, as a command, and from TypeScript');
  useFromJavaScript(project);
  useCommand(project);
  useFromTypeScript(project);
  step('follow from an empty project, on each Node that @latchkey/verify is for');
  await checkFollower(work, tarballs[0] ?? '', project);
  // A step that fails has ended the process before.
  console.log(`\npackages: ${PACKAGES.length} passed, 0 failed`);
}

await main();
