import { chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { keep } from './keep.mjs';
import { freePort, unprivileged } from './own-server.mjs';
import { provideProgram } from './program.mjs';

const PGBOUNCER = {
  need: 'the tests of poolers need a PgBouncer',
  names: ['pgbouncer'],
  variable: 'LATCHKEY_PGBOUNCER',
  debianPackage: 'pgbouncer',
  otherwise: 'leave these tests out: npm test -- --without faults',
};

/**
 * Starts a PgBouncer in front of a PostgreSQL, on a free port of loopback.
 *
 * @param {{ readonly url: string }} server
 * @param {'transaction' | 'session'} mode When a connection to the server is given to somebody else.
 * @param {number} [connections] The most to the server. Few, so that clients of a transaction get different ones.
 * @returns {Promise<{ readonly url: string, readonly remove: () => Promise<void> }>}
 * @throws {import('./program.mjs').ProgramMissing}
 */
export async function startPgbouncer(server, mode, connections = 40) {
  const program = provideProgram(PGBOUNCER, process.env);
  const { hostname, port, pathname, username, password } = new URL(server.url);
  const own = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-pgbouncer-'));
  // It refuses root.
  const identity = unprivileged();
  const { uid, gid } = identity;
  if (uid !== undefined) chownSync(folder, uid, gid);
  const users = path.join(folder, 'users.txt');
  writeFileSync(users, `"${username}" "${password}"\n`, { mode: 0o644 });
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: own,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: users,
    pool_mode: mode,
    default_pool_size: connections,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const database = `${pathname.slice(1)} = host=${hostname} port=${port}`;
  writeFileSync(
    path.join(folder, 'pgbouncer.ini'),
    ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n'),
    { mode: 0o644 },
  );
  const { stderr, remove } = keep(folder, [program, path.join(folder, 'pgbouncer.ini')], identity);
  let log = '';
  for await (const line of createInterface(stderr)) {
    log += `${line}\n`;
    if (line.includes('process up')) break;
    if (line.includes('FATAL')) {
      await remove();
      throw new Error(`PgBouncer did not start: ${log}`);
    }
  }
  stderr.resume();
  const url = new URL(server.url);
  url.port = String(own);
  return { url: url.href, remove };
}
