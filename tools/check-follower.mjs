/*
 * Uses `@latchkey/verify` as a service does that installs its tarball alone, in an empty
 * project, on every version of Node that the package is for, beside a Latchkey that was
 * installed from its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from './own-server.mjs';
import { readTool, runTool, tryTool } from './run-tool.mjs';

const VERSIONS = ['22', '24'];
const SCRIPT = path.join(import.meta.dirname, '../tests/verifier/packed-service.mjs');

/**
 * Runs the service on each version; those that cannot be had are named, and not run.
 *
 * @param {string} work A folder to work in.
 * @param {string} tarball Of `@latchkey/verify`.
 * @param {string} server A project in which `latchkey` and its server are installed.
 */
export async function checkFollower(work, tarball, server) {
  const project = path.join(work, 'service');
  installAlone(project, tarball);
  // Beside the tarball's files, and not beside the checkout's.
  copyFileSync(SCRIPT, path.join(project, 'service.mjs'));
  for (const version of VERSIONS) {
    const node = provideNode(path.join(work, `node-${version}`), version);
    if (node === null) continue;
    const data = path.join(work, `data-${version}`);
    await besideServer(server, data, (url) => {
      const command = ['--no-install', 'latchkey', 'clients', 'create', 'orders', '--audience', 'orders'];
      const printed = readTool('npx', command, server, { LATCHKEY_DATA: data, LATCHKEY_URL: url });
      const key = /lks_\S+/.exec(printed)?.[0];
      if (key === undefined) throw new Error(`latchkey clients create prints no key:\n${printed}`);
      runTool(node, ['service.mjs'], project, { ISSUER: url, ORDERS_KEY: key });
    });
  }
}

/** @param {string} project @param {string} tarball */
function installAlone(project, tarball) {
  mkdirSync(project);
  writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  runTool('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--offline', tarball], project);
  const installed = readdirSync(path.join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  if (installed.join() !== '@latchkey') throw new Error(`@latchkey/verify brings ${installed.join(', ')}`);
  const manifest = readFileSync(path.join(project, 'node_modules/@latchkey/verify/package.json'), 'utf8');
  /** @type {Record<string, unknown>} */
  const fields = JSON.parse(manifest);
  const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'];
  const named = kinds.find((kind) => fields[kind] !== undefined);
  if (named !== undefined) throw new Error(`@latchkey/verify names ${named}`);
}

/**
 * The path of a Node of a version: the one that runs this, or one of npm, which keeps what
 * it has fetched.
 *
 * @param {string} folder @param {string} version
 */
function provideNode(folder, version) {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  if (!tryTool('npm', ['install', ...options, `${name}@${version}`], folder)) {
    console.error(
      `Node ${version} is not to be had here (${name} of npm): @latchkey/verify is not tried on it`,
    );
    return null;
  }
  const place = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  return path.join(folder, 'node_modules', name, place);
}

/** @param {string} project @param {string} data @param {(url: string) => void} work */
async function besideServer(project, data, work) {
  const port = String(await freePort());
  const command = path.join(project, 'node_modules/latchkey/dist/command/main.js');
  const child = spawn(process.execPath, [command, 'serve'], {
    cwd: project,
    env: { ...process.env, LATCHKEY_DATA: data, PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    await isReady(child.stdout);
    work(`http://localhost:${port}`);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** @param {import('node:stream').Readable} stdout */
async function isReady(stdout) {
  let text = '';
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes('"msg":"ready"')) {
      // What it says from now on is nobody's.
      stdout.resume();
      return;
    }
  }
  throw new Error(`the server ended before it was ready:\n${text}`);
}
