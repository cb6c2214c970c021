import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { provideProgram } from './program.mjs';

const CADDY = {
  need: 'the tests of gateways need a Caddy',
  names: ['caddy'],
  variable: 'LATCHKEY_CADDY',
  debianPackage: 'caddy',
  otherwise: 'leave these tests out: npm test -- --without gateway',
};

/**
 * The path of a Caddy, installed where it is missing and that is allowed.
 *
 * @param {NodeJS.ProcessEnv} env
 * @throws {import('./program.mjs').ProgramMissing}
 */
export function provideCaddy(env) {
  return provideProgram(CADDY, env);
}

/** Keeps the program until standard input ends, which it does whatever this process dies of, and clears up. */
const KEEP =
  '"$1" run --adapter caddyfile --config "$2/Caddyfile" & cat >/dev/null; kill -TERM "$!"; wait "$!"; rm -rf "$2"';

/**
 * Starts a Caddy with a Caddyfile, in a folder of its own.
 *
 * @param {string} caddyfile
 * @param {Readonly<Record<string, string>>} variables That the Caddyfile reads.
 * @returns {Promise<{ readonly remove: () => Promise<void> }>}
 * @throws {import('./program.mjs').ProgramMissing}
 */
export async function startCaddy(caddyfile, variables) {
  const program = provideCaddy(process.env);
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-caddy-'));
  writeFileSync(path.join(folder, 'Caddyfile'), caddyfile, { mode: 0o600 });
  const child = spawn('sh', ['-c', KEEP, 'sh', program, folder], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
      ...variables,
    },
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const remove = async () => {
    child.stdin.end();
    await ended;
  };
  let log = '';
  for await (const line of createInterface(child.stderr)) {
    log += `${line}\n`;
    if (line.includes('serving initial configuration')) break;
    if (!/^(?:Error|run): /.test(line) && !line.includes('"level":"error"')) continue;
    await remove();
    throw new Error(`Caddy did not start: ${log}`);
  }
  child.stderr.resume();
  return { remove };
}
