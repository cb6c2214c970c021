import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** A program that tests need is not there, and could not be installed. The message is one line that says what to do. */
export class ProgramMissing extends Error {}

/**
 * @typedef {object} Wanted
 * @property {string} need Who needs what: the beginning of a sentence.
 * @property {readonly string[]} names What the program may be called.
 * @property {string} variable Names it in the environment.
 * @property {string} debianPackage
 * @property {string} otherwise What else can be done without it.
 */

/**
 * The path of a program: the one that its variable names, else one of the machine,
 * else Debian's, which is installed where that is allowed.
 *
 * @param {Wanted} wanted
 * @param {NodeJS.ProcessEnv} env
 * @throws {ProgramMissing}
 */
export function provideProgram(wanted, env) {
  const { need, variable, debianPackage, otherwise } = wanted;
  const missing = (/** @type {string} */ why) =>
    new ProgramMissing(
      `${why}: install one (on Debian: apt-get install ${debianPackage}), ` +
        `name one by ${variable}, or ${otherwise}`,
    );
  const named = env[variable];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw missing(`${variable} names no program (${named})`);
  }
  const found = find(wanted, env);
  if (found !== null) return found;
  if (!mayInstall(env)) throw missing(need);
  console.log(`${need}: installing Debian's`);
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', debianPackage]]) {
    const { status } = spawnSync('apt-get', ['-q', ...args], {
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw missing(`apt-get ${args[0]} failed, and ${need}`);
  }
  const installed = find(wanted, env);
  if (installed === null) throw missing(`Debian's ${debianPackage} brought no program`);
  return installed;
}

/** @param {Wanted} wanted @param {NodeJS.ProcessEnv} env */
function find({ names }, env) {
  const listed = (env['PATH'] ?? '').split(path.delimiter).filter((name) => name !== '');
  const places = names.flatMap((name) =>
    ['/usr/bin', '/usr/sbin', ...listed].map((folder) => path.join(folder, name)),
  );
  return places.find(isExecutable) ?? null;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Debian alone: elsewhere the package of that name may be something else, as Chromium's
 * on Ubuntu is a stub that asks for snap.
 *
 * @param {NodeJS.ProcessEnv} env
 */
function mayInstall(env) {
  if (process.getuid?.() !== 0) return false;
  const aptGet = (env['PATH'] ?? '')
    .split(path.delimiter)
    .some((folder) => isExecutable(path.join(folder, 'apt-get')));
  try {
    return aptGet && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}
