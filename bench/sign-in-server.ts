/*
 * One variant of sign-in, in a process of its own:
 *
 *   sign-in-server.ts latchkey <database> <secret>
 *   sign-in-server.ts bare <database>
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { availableParallelism } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { createLog, start } from '@latchkey/server';
import { verify } from '@node-rs/argon2';
import { answerParent, parameter } from './processes.ts';
import { optionsFor } from './seed.ts';

/** More passwords than this wait until one is done, as Latchkey does it. */
const THREADS = Math.min(4, availableParallelism());

if (parameter(0) === 'latchkey') await startLatchkey(parameter(1), parameter(2));
else await startBare(parameter(1));

/** The whole standalone server. */
async function startLatchkey(database: string, secret: string): Promise<void> {
  const { flush, ...log } = createLog('info');
  const running = await start(
    {
      options: optionsFor(database, secret),
      port: 0,
      host: '127.0.0.1',
      metricsSecret: null,
      logLevel: 'info',
      database,
      sources: new Map(),
    },
    log,
  );
  answerParent(running.port, async () => {
    await running.close();
    flush();
  });
}

/** The least that a sign-in by password can be: parse, look up, verify, one durable row, a cookie. */
async function startBare(database: string): Promise<void> {
  const store = new DatabaseSync(database);
  store.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const find = store.prepare('SELECT phc FROM users WHERE email = ?');
  const insert = store.prepare('INSERT INTO sessions (id, email, created_at) VALUES (?, ?, ?)');
  const inTurn = limit(THREADS);

  const signIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { email, password } = credentials(await textOf(request));
    const phc = find.get(email)?.['phc'];
    if (typeof phc !== 'string' || !(await inTurn(() => verify(phc, password)))) {
      response.writeHead(401, { 'Content-Length': 0 }).end();
      return;
    }
    const id = randomBytes(32).toString('base64url');
    insert.run(id, email, Date.now());
    const body = JSON.stringify({ email });
    const headers = { 'Content-Type': 'application/json', 'Set-Cookie': `id=${id}; HttpOnly; Path=/` };
    response.writeHead(200, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
  };
  const server = createServer((request, response) => {
    signIn(request, response).catch(() => response.writeHead(500, { 'Content-Length': 0 }).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  answerParent(typeof address === 'object' && address !== null ? address.port : 0, async () => store.close());
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function credentials(text: string): { readonly email: string; readonly password: string } {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new TypeError('the body is no object');
  if (!('email' in value) || !('password' in value)) throw new TypeError('the body has no credentials');
  return { email: String(value.email), password: String(value.password) };
}

function limit(most: number): <T>(job: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (job) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await job();
    } finally {
      // Whoever waits takes over the place, so that nobody slips in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
