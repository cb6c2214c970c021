/*
 * Runs the tests, and brings what they need.
 *
 *   npm test                        all of them
 *   npm test -- tests/http a.test.ts   those in a folder, and a file
 *   npm test -- --without browser   all but a group: a folder below tests/
 *
 * Two files run at once. The group `timing` compares durations, so it runs after
 * everything else and one file at a time.
 */
import { globSync, statSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { ChromiumMissing, provideChromium } from './chromium.mjs';

const ROOT = path.join(import.meta.dirname, '..');
const PLACES = ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts', 'examples/**/*.test.ts'];
const AT_ONCE = 2;
/** When nothing has been heard for so long, a test hangs, or has left something open behind it. */
const SILENCE_MS = 300_000;

/** @typedef {import('node:test').TestEvent} TestEvent */

/** A wrong call: one line, and no stack. */
class WrongCall extends Error {}

/** @param {string} file @param {string} group */
function belongsTo(file, group) {
  return file.startsWith(path.join('tests', group) + path.sep);
}

/**
 * Test files, relative to the root.
 *
 * @param {readonly string[]} wanted Files and folders; none means all.
 * @param {readonly string[]} without Groups.
 */
function findTests(wanted, without) {
  const all = globSync(PLACES, { cwd: ROOT, exclude: (name) => name === 'node_modules' }).toSorted();
  for (const group of without) {
    if (!all.some((file) => belongsTo(file, group))) {
      throw new WrongCall(`--without ${group}: there is no test in tests/${group}`);
    }
  }
  const chosen = wanted.map((name) => {
    const given = path.relative(ROOT, path.resolve(process.env['INIT_CWD'] ?? process.cwd(), name));
    const under = all.filter((file) => file === given || file.startsWith(given + path.sep) || given === '');
    if (under.length === 0) throw new WrongCall(`${name}: there is no test here`);
    return under;
  });
  const selected = wanted.length === 0 ? all : all.filter((file) => chosen.some((files) => files.includes(file)));
  return selected.filter((file) => !without.some((group) => belongsTo(file, group)));
}

/**
 * Runs files and hands on what happens, apart from the closing summary.
 *
 * @param {readonly string[]} files
 * @param {number} concurrency
 * @param {Summary} summary
 * @param {readonly string[]} patterns
 */
async function* runFiles(files, concurrency, summary, patterns) {
  if (files.length === 0) return;
  const controller = new AbortController();
  const running = new Set();
  const watchdog = setTimeout(() => {
    console.error(`no test has said anything for ${SILENCE_MS / 1000} s; running: ${[...running].join(', ')}`);
    controller.abort();
  }, SILENCE_MS);
  const stream = run({
    files: files.map((file) => path.join(ROOT, file)),
    concurrency,
    execArgv: ['--conditions=latchkey-source'],
    signal: controller.signal,
    testNamePatterns: [...patterns],
  });
  for await (const event of stream) {
    watchdog.refresh();
    if (summary.take(event)) continue;
    yield event;
  }
  clearTimeout(watchdog);
}
