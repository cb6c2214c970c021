import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { keep } from './keep.mjs';
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
  const command = [program, 'run', '--adapter', 'caddyfile', '--config', `${folder}/Caddyfile`];
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
    ...variables,
  };
  const { stderr, remove } = keep(folder, command, { env });
  let log = '';
  for await (const line of createInterface(stderr)) {
    log += `${line}\n`;
    if (line.includes('serving initial configuration')) break;
    if (!/^(?:Error|run): /.test(line) && !line.includes('"level":"error"')) continue;
    await remove();
    throw new Error(`Caddy did not start: ${log}`);
  }
  stderr.resume();
  return { remove };
}
