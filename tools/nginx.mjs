import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { keep } from './keep.mjs';
import { accepts } from './own-server.mjs';
import { provideProgram } from './program.mjs';

const NGINX = {
  need: 'the tests of gateways need an nginx with auth_request',
  names: ['nginx'],
  variable: 'LATCHKEY_NGINX',
  debianPackage: 'nginx-light',
  otherwise: 'leave these tests out: npm test -- --without gateway',
};

/**
 * The path of an nginx, installed where it is missing and that is allowed.
 *
 * @param {NodeJS.ProcessEnv} env
 * @throws {import('./program.mjs').ProgramMissing}
 */
export function provideNginx(env) {
  return provideProgram(NGINX, env);
}

const ALONE = path.join(import.meta.dirname, '../docs/gateway/nginx-alone.conf');

/**
 * Starts an nginx with what would stand in its `conf.d`, in a folder of its own.
 *
 * @param {{ readonly port: number, readonly site: string, readonly files?: Readonly<Record<string, string>> }} wanted
 *   The port that the site listens on, the site, and files beside it by name.
 * @returns {Promise<{ readonly log: () => string, readonly remove: () => Promise<void> }>}
 * @throws {import('./program.mjs').ProgramMissing}
 */
export async function startNginx({ port, site, files = {} }) {
  const program = provideNginx(process.env);
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-nginx-'));
  copyFileSync(ALONE, path.join(folder, 'nginx-alone.conf'));
  for (const [name, text] of Object.entries({ ...files, 'nginx.conf': site }))
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  const command = [program, '-p', `${folder}/`, '-c', `${folder}/nginx-alone.conf`, '-e', 'stderr'];
  const { stderr, remove } = keep(folder, command);
  let log = '';
  stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    log += text;
  });
  while (!(await accepts(port))) {
    if (!log.includes('[emerg]')) continue;
    await remove();
    throw new Error(`nginx did not start: ${log}`);
  }
  return { log: () => log, remove };
}
