import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts } from './accounts.ts';
import { findProgram, type Program, startProgram, startService } from './programs.ts';
import { Wire } from './wire.ts';

const SERVICES = join(import.meta.dirname, '..');
const PYTHON = join(SERVICES, '../verifier-python');
const GATEWAY = join(SERVICES, '../../docs/gateway');
const CONDITION = '--conditions=latchkey-source';

/** What a machine may lack. */
export const OPTIONAL = ['nginx', 'python'] as const;
export type Optional = (typeof OPTIONAL)[number];

/** All that runs beside the page. */
export interface Fleet {
  readonly issuer: string;
  readonly accounts: Accounts;
  /** Between `orders` and the issuer. */
  readonly wire: Wire;
  /** Where to ask each, and `null` for what this machine lacks. */
  readonly shop: { readonly url: string; readonly behindNginx: boolean };
  readonly orders: string;
  readonly python: string | null;
  readonly control: string;
  readonly programs: readonly Program[];
}

/** A port of loopback that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
  return address.port;
}

/**
 * Starts the issuer, and then everybody who depends on it.
 *
 * @param folder for data, keys and the gateway's files.
 * @param without what not to use though it is there.
 * @param onEnd told of what is to be undone, the last first.
 */
export async function startFleet(
  folder: string,
  without: ReadonlySet<Optional>,
  onEnd: (undo: () => unknown) => void,
): Promise<Fleet> {
  const programs: Program[] = [];
  const keep = <Started extends Program>(program: Started): Started => {
    programs.push(program);
    onEnd(() => program.end());
    return program;
  };
  const run = async (name: string, env: Record<string, string>): Promise<number> => {
    const command = [process.execPath, CONDITION, join(SERVICES, `${name}.ts`)] as const;
    const started = await startService({ name, command: [...command], env: { PORT: '0', ...env } });
    return keep(started).port;
  };

  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const keys = join(folder, 'keys');
  const adminPassword = randomBytes(18).toString('base64url');
  await run('issuer', {
    PORT: String(port),
    LATCHKEY_SECRET: randomBytes(32).toString('base64'),
    DATABASE: join(folder, 'issuer.db'),
    KEYS: keys,
    ADMIN_PASSWORD: adminPassword,
  });
  const keyOf = (name: string): string => readFileSync(join(keys, name), 'utf8');

  const wire = new Wire(port);
  const via = `http://127.0.0.1:${await wire.listen()}`;
  onEnd(() => wire.close());
  const runOrders = async (): Promise<number> => {
    const billing = await run('billing', { ISSUER: issuer, CLIENT_KEY: keyOf('billing') });
    const env = { CLIENT_KEY: keyOf('orders'), BILLING: `http://127.0.0.1:${billing}` };
    return await run('orders', { ISSUER: issuer, VIA: via, ...env });
  };
  const runShop = async (): Promise<Fleet['shop']> => {
    const nginx = without.has('nginx') ? null : findProgram(['nginx', '/usr/sbin/nginx'], '-v');
    if (nginx === null) return { url: `${issuer}/`, behindNginx: false };
    const shop = await run('shop', { ISSUER: issuer });
    const gateway = await freePort();
    const files = gatewayFiles({ gateway, issuer: port, shop }, keyOf('gateway'));
    keep(await startNginx(nginx, join(folder, 'nginx'), gateway, files));
    return { url: `http://127.0.0.1:${gateway}/`, behindNginx: true };
  };
  const runPython = async (): Promise<string | null> => {
    const names = without.has('python') ? [] : ['/usr/bin/python3', 'python3'];
    const python = findProgram(names, '-c', 'import jwt, cryptography');
    if (python === null) return null;
    const started = await startService({
      name: 'orders-python',
      command: [python, join(PYTHON, 'verifier.py')],
      env: { PORT: '0', ISSUER: issuer, AUDIENCE: 'orders', CLIENT_KEY: keyOf('orders-python') },
    });
    return `http://127.0.0.1:${keep(started).port}`;
  };
  const [orders, shop, python, control] = await Promise.all([
    runOrders(),
    runShop(),
    runPython(),
    run('control', { ISSUER: issuer }),
  ]);
  return {
    issuer,
    accounts: new Accounts(issuer, adminPassword),
    wire,
    shop,
    orders: `http://127.0.0.1:${orders}`,
    python,
    control: `http://127.0.0.1:${control}`,
    programs,
  };
}

/** The configuration that we ship, with this run's addresses, and the gateway's key. */
function gatewayFiles(
  ports: { readonly gateway: number; readonly issuer: number; readonly shop: number },
  key: string,
): Readonly<Record<string, string>> {
  const changes = [
    ['listen 127.0.0.1:8080;', `listen 127.0.0.1:${ports.gateway};`],
    ['server 127.0.0.1:3000;', `server 127.0.0.1:${ports.issuer};`],
    ['server 127.0.0.1:4000;', `server 127.0.0.1:${ports.shop};`],
    ['audience=orders&', 'audience=shop&'],
  ] as const;
  let site = readFileSync(join(GATEWAY, 'nginx.conf'), 'utf8');
  for (const [shipped, ours] of changes) {
    if (!site.includes(shipped)) throw new Error(`docs/gateway/nginx.conf no longer says ${shipped}`);
    site = site.replace(shipped, ours);
  }
  return { 'nginx.conf': site, 'latchkey-key.conf': `proxy_set_header X-Latchkey-Gateway "${key}";\n` };
}

async function startNginx(
  nginx: string,
  folder: string,
  port: number,
  files: Readonly<Record<string, string>>,
): Promise<Program> {
  mkdirSync(folder, { mode: 0o700 });
  copyFileSync(join(GATEWAY, 'nginx-alone.conf'), join(folder, 'nginx-alone.conf'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const command = [nginx, '-p', `${folder}/`, '-c', `${folder}/nginx-alone.conf`, '-e', 'stderr'] as const;
  const program = startProgram({ name: 'nginx', command: [...command], env: {} });
  while (!(await answers(port))) {
    const complaints = await Promise.race([program.ended, sleep(20, null)]);
    if (complaints !== null) throw new Error(`nginx did not start: ${complaints}`);
  }
  return program;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
