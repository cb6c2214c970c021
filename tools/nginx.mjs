import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { keep } from './keep.mjs';
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

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

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
  for (const name of TEMPORARY) mkdirSync(path.join(folder, name));
  const main = [
    'daemon off;',
    // One process: its workers would be another user's where root starts it.
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'events {}',
    'http {',
    '  access_log off;',
    ...TEMPORARY.map((name) => `  ${name}_temp_path ${folder}/${name};`),
    '  include site.conf;',
    '}',
  ];
  const all = { ...files, 'nginx.conf': `${main.join('\n')}\n`, 'site.conf': site };
  for (const [name, text] of Object.entries(all))
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  const command = [program, '-p', `${folder}/`, '-c', `${folder}/nginx.conf`, '-e', 'stderr'];
  const { stderr, remove } = keep(folder, command);
  let log = '';
  stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    log += text;
  });
  while (!(await answers(port))) {
    if (!log.includes('[emerg]')) continue;
    await remove();
    throw new Error(`nginx did not start: ${log}`);
  }
  return { log: () => log, remove };
}

/** Whether somebody listens there. @param {number} port */
async function answers(port) {
  const socket = createConnection({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
