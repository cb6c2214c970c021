/*
 * Runs the tests, and brings what they need.
 *
 *   npm test                                all of them
 *   npm test -- tests/http a.test.ts        those of a folder, and a file
 *   npm test -- --without browser           all but a group, which is a folder in tests/
 *   npm test -- --test-name-pattern cookie  those with such a title
 *
 * Two files run at once. The group `timing` compares durations, so it runs after
 * everything else, one file at a time.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { provideCaddy } from './caddy.mjs';
import { provideOpenssl } from './certificate.mjs';
import { provideChromium } from './chromium.mjs';
import { provideNginx } from './nginx.mjs';
import { PostgresMissing, providePostgres } from './postgres.mjs';
import { ProgramMissing } from './program.mjs';

const ROOT = path.join(import.meta.dirname, '..');
const PLACES = ['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts', 'examples/**/*.test.ts'];
const AT_ONCE = 2;
/** Where nothing is heard for longer, a file hangs or has left something open behind it. */
const SILENCE_MS = 300_000;

/** The command was called wrongly. The message is one line. */
class WrongCall extends Error {}

/** @param {string} file @param {string} group */
function belongsTo(file, group) {
  return file.startsWith(path.join('tests', group) + path.sep);
}

/**
 * Test files, below the root, and how many of them each group kept out.
 *
 * @param {readonly string[]} wanted Files and folders; none means all.
 * @param {readonly string[]} without Groups.
 */
function findTests(wanted, without) {
  const all = globSync(PLACES, { cwd: ROOT, exclude: (name) => name === 'node_modules' }).toSorted();
  const unknown = without.find((group) => !all.some((file) => belongsTo(file, group)));
  if (unknown !== undefined)
    throw new WrongCall(`--without ${unknown}: there is no test in tests/${unknown}`);
  const chosen = new Set(wanted.length === 0 ? all : wanted.flatMap((name) => testsUnder(name, all)));
  return {
    files: [...chosen].toSorted().filter((file) => !without.some((group) => belongsTo(file, group))),
    leftOut: without.map(
      (group) => /** @type {const} */ ([group, [...chosen].filter((file) => belongsTo(file, group)).length]),
    ),
  };
}

/** @param {string} name @param {readonly string[]} all */
function testsUnder(name, all) {
  const given = path.relative(ROOT, path.resolve(process.env['INIT_CWD'] ?? ROOT, name));
  const under = all.filter((file) => given === '' || file === given || file.startsWith(given + path.sep));
  if (under.length === 0) throw new WrongCall(`${name}: there is no test here`);
  return under;
}

/**
 * Whether a file may want a PostgreSQL. One that does so without a word of it gets
 * its own from `postgres-database.mjs`.
 *
 * @param {string} file
 */
function namesPostgres(file) {
  return /postgres|LATCHKEY_TEST_DATABASE_URL/i.test(readFileSync(path.join(ROOT, file), 'utf8'));
}

/**
 * Runs files and prints node's report of them, its closing summary included.
 *
 * @param {readonly string[]} files
 * @param {number} concurrency
 * @param {readonly string[]} testNamePatterns
 */
async function runFiles(files, concurrency, testNamePatterns) {
  if (files.length === 0) return;
  const controller = new AbortController();
  /** @type {Set<string>} */
  const running = new Set();
  const watchdog = setTimeout(() => {
    const names = [...running].map((file) => path.relative(ROOT, file)).join(', ');
    console.error(
      `nothing heard for ${SILENCE_MS / 1000} s; what hangs or left something open is in ${names}`,
    );
    process.exitCode = 1;
    controller.abort();
  }, SILENCE_MS);
  const events = run({
    files: files.map((file) => path.join(ROOT, file)),
    concurrency,
    execArgv: ['--conditions=latchkey-source'],
    signal: controller.signal,
    // Of one file: several times what the slowest takes on a busy machine.
    timeout: 240_000,
    testNamePatterns,
  });
  // A file as a whole is told like a test that has the file's name.
  events.on('test:dequeue', ({ name, file }) => {
    if (name === file) running.add(name);
  });
  events.on('test:complete', ({ name }) => running.delete(name));
  events.on('test:summary', ({ success }) => {
    if (!success) process.exitCode = 1;
  });
  events.on('data', () => watchdog.refresh());
  await pipeline(events, new spec(), process.stdout, { end: false });
  clearTimeout(watchdog);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      without: { type: 'string', multiple: true, default: [] },
      'test-name-pattern': { type: 'string', multiple: true, default: [] },
    },
  });
  const { files, leftOut } = findTests(positionals, values.without);
  for (const [group, count] of leftOut) {
    console.log(`without tests/${group}: ${count} ${count === 1 ? 'file is' : 'files are'} left out`);
  }
  if (files.length === 0) throw new WrongCall('no test is left to run');
  if (files.some((file) => belongsTo(file, 'browser'))) {
    process.env['LATCHKEY_CHROMIUM'] = provideChromium(process.env);
  }
  if (files.some((file) => belongsTo(file, 'gateway'))) {
    process.env['LATCHKEY_NGINX'] = provideNginx(process.env);
    process.env['LATCHKEY_CADDY'] = provideCaddy(process.env);
    process.env['LATCHKEY_OPENSSL'] = provideOpenssl(process.env);
  }
  const postgres = files.some(namesPostgres) ? await providePostgres(process.env) : null;
  if (postgres !== null) process.env['LATCHKEY_TEST_DATABASE_URL'] = postgres.url;
  // Set where a test runs this command; node would then take our files for parts of that test, and skip them.
  delete process.env['NODE_TEST_CONTEXT'];
  const patterns = values['test-name-pattern'];
  const isTiming = (/** @type {string} */ file) => belongsTo(file, 'timing');
  await runFiles(
    files.filter((file) => !isTiming(file)),
    AT_ONCE,
    patterns,
  );
  await runFiles(files.filter(isTiming), 1, patterns);
  await postgres?.remove();
  // A program that a test has left behind would keep this one waiting for what it prints.
  process.exit();
}

try {
  await main();
} catch (error) {
  const missing = error instanceof ProgramMissing || error instanceof PostgresMissing;
  if (!(error instanceof WrongCall) && !missing && !isArgumentError(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @param {unknown} error @returns {error is Error} */
function isArgumentError(error) {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
