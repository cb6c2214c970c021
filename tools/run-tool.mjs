import { spawnSync } from 'node:child_process';
import path from 'node:path';

const BIN = path.join(import.meta.dirname, '../node_modules/.bin');

/** What npm tells a script about the project that it runs in, which must not reach an npm that works elsewhere. */
const OF_THIS_PROJECT =
  /^(?:INIT_CWD$|npm_(?!config_(?:registry|cache|userconfig|globalconfig|\w*proxy|cafile)$))/i;

/**
 * Runs a program, one of the project's or one of the machine's, and ends the
 * script where it fails; what it prints is seen at once.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Readonly<Record<string, string>>} more What its environment has besides.
 */
export function runTool(program, args, cwd, more = {}) {
  const { status, error } = start(program, args, cwd, 'inherit', more);
  if (status !== 0) fail(program, args, status, error);
}

/**
 * Runs a program like `runTool`, and answers whether it did not fail.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
export function tryTool(program, args, cwd) {
  return start(program, args, cwd, 'inherit', {}).status === 0;
}

/**
 * Runs a program like `runTool`, and answers what it printed to standard output.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Readonly<Record<string, string>>} more What its environment has besides.
 */
export function readTool(program, args, cwd, more = {}) {
  const { status, error, stdout } = start(program, args, cwd, 'pipe', more);
  if (status !== 0) {
    process.stderr.write(stdout);
    fail(program, args, status, error);
  }
  return stdout;
}

/** @param {string} program @param {readonly string[]} args @param {string} cwd @param {'inherit' | 'pipe'} stdout @param {Readonly<Record<string, string>>} more */
function start(program, args, cwd, stdout, more) {
  const own = Object.entries(process.env).filter(([name]) => !OF_THIS_PROJECT.test(name));
  const PATH = `${BIN}${path.delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...Object.fromEntries(own), PATH, ...more };
  return spawnSync(program, args, { cwd, env, stdio: ['ignore', stdout, 'inherit'], encoding: 'utf8' });
}

/** @param {string} program @param {readonly string[]} args @param {number | null} status @param {Error | undefined} error @returns {never} */
function fail(program, args, status, error) {
  console.error(`${program} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
  process.exit(1);
}
