import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const NAMES = ['chromium', 'google-chrome', 'chromium-browser'];
const REMEDY =
  'install one (on Debian: apt-get install chromium), name one by LATCHKEY_CHROMIUM, ' +
  'or leave these tests out: npm test -- --without browser';

/** There is no Chromium, and none could be installed. The message is one line that says what to do. */
export class ChromiumMissing extends Error {}

/**
 * The path of a Chromium: the one that `LATCHKEY_CHROMIUM` names, else one of the
 * machine, else Debian's, which is installed where that is allowed.
 *
 * @param {NodeJS.ProcessEnv} env
 * @throws {ChromiumMissing}
 */
export function provideChromium(env) {
  const named = env['LATCHKEY_CHROMIUM'];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new ChromiumMissing(`LATCHKEY_CHROMIUM names no program (${named}): ${REMEDY}`);
  }
  const found = find(env);
  if (found !== null) return found;
  if (!mayInstall(env)) throw new ChromiumMissing(`the tests in tests/browser need a Chromium: ${REMEDY}`);
  install(env);
  const installed = find(env);
  if (installed === null) throw new ChromiumMissing(`Debian's chromium brought no program: ${REMEDY}`);
  return installed;
}

/** @param {NodeJS.ProcessEnv} env */
function find(env) {
  const folders = ['/usr/bin', ...(env['PATH'] ?? '').split(path.delimiter)].filter((name) => name !== '');
  const places = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
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
 * Debian alone: elsewhere the package of that name is something else, on Ubuntu a
 * stub that asks for snap.
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

/** @param {NodeJS.ProcessEnv} env */
function install(env) {
  console.log("The tests in tests/browser need a Chromium: installing Debian's");
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const { status } = spawnSync('apt-get', ['-q', ...args], {
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) {
      throw new ChromiumMissing(`apt-get ${args[0]} failed, and tests/browser needs a Chromium: ${REMEDY}`);
    }
  }
}
