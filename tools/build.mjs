/*
 * Compiles the packages to JavaScript with declarations and source maps, in the
 * order in which they need each other: a package is built against what the one
 * before gives out, never against its source, as those who install it will be.
 */
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from './manifest.mjs';
import { runTool } from './run-tool.mjs';

const ROOT = path.join(import.meta.dirname, '..');
const ORDER = ['verify', 'latchkey', 'server'];

/** @param {string} name */
function build(name) {
  const folder = path.join(ROOT, 'packages', name);
  // What was renamed or removed must not be packed from an earlier build.
  rmSync(path.join(folder, 'dist'), { recursive: true, force: true });
  runTool('tsc', ['-p', path.join(folder, 'tsconfig.build.json')], ROOT);
  const { bin, outputs } = readManifest(path.join(folder, 'package.json'));
  for (const file of [...outputs, ...bin]) {
    if (!existsSync(path.join(folder, file))) throw new Error(`packages/${name}: ${file} was not built`);
  }
  for (const file of bin) {
    const command = path.join(folder, file);
    if (!readFileSync(command, 'utf8').startsWith('#!/usr/bin/env node\n')) {
      throw new Error(`packages/${name}: ${file} has lost its first line`);
    }
    chmodSync(command, 0o755);
  }
  console.log(`built packages/${name}`);
}

for (const name of ORDER) build(name);
