import { isIPv6 } from 'node:net';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context } from 'hono';
import { createAuth } from './auth.ts';
import { application } from './pages.ts';

const port = Number(process.env['PORT'] ?? 3005);
const url = process.env['URL'] ?? `http://localhost:${port}`;
/** Whether a proxy of yours stands before this process; it then appends the address that it saw. */
const behindProxy = process.env['PROXY'] === '1';

// The database, and what SQLite keeps beside it, is nobody else's to read.
process.umask(0o077);
const auth = createAuth({ url, database: process.env['DATABASE'] ?? 'app.db', networkOf });
const app = application(auth, url.startsWith('https:'));

const server = serve(
  {
    fetch: app.fetch,
    port,
    hostname: process.env['HOST'] ?? '127.0.0.1',
    serverOptions: { headersTimeout: 10_000, requestTimeout: 15_000 },
  },
  () => console.log(`The example is ready at ${url}`),
);
process.once('SIGTERM', () => server.close(() => auth.close()));

/** The IPv4 address, or the /64 of an IPv6 address: one customer has at least so many. */
function networkOf(c: Context): string {
  const peer = getConnInfo(c).remote.address ?? '';
  const address = behindProxy ? (c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() ?? peer) : peer;
  const plain = address.replace(/^::ffff:(?=\d+\.)|%.*$/g, '');
  if (!isIPv6(plain)) return plain;
  // A URL's host has one spelling of it (WHATWG URL §3.5), with at most one run of zeros left out.
  const host = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const [left = [], right = []] = host.split('::').map((side) => side.split(':'));
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
