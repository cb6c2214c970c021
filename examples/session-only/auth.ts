// Sessions for one small application: one process, one origin, one file of SQLite.
// Every request reads its session's row, so that what is ended is over at once.
import { createHash, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { hash, verify } from '@node-rs/argon2';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { setCookie } from 'hono/cookie';
import { HTTPException } from 'hono/http-exception';

const MINUTE = 60_000;
const IDLE = 7 * 24 * 60 * MINUTE;
const ABSOLUTE = 30 * 24 * 60 * MINUTE;
/** OWASP ASVS 5.0 appendix C, Argon2id: 19 MiB, two passes, one lane. */
const ARGON2 = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Who is signed in. */
export type User = { readonly id: number; readonly email: string };
/** What `protect` leaves in the context: who asks, or `null`. */
export type Visited = { Variables: { visitor: User | null } };
/** What `requireUser` leaves there as well. */
export type SignedIn = { Variables: { visitor: User | null; user: User } };

/**
 * Opens the database and makes the doors of an application to its sessions.
 *
 * @param options.url the public origin: `https:`, or `http:` on this machine.
 * @param options.networkOf the address of who asks, by which attempts are counted.
 * @param options.now milliseconds since 1970.
 */
export function createAuth(options: {
  readonly url: string;
  readonly database: string;
  readonly networkOf: (c: Context) => string;
  readonly now?: () => number;
}) {
  const { networkOf, now = Date.now } = options;
  const { origin, protocol, hostname, port } = new URL(options.url);
  const secure = protocol === 'https:';
  if (!secure && !/^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)) throw new TypeError('use https:');
  // `__Host-`: no sibling domain can set it. http can't have that; there the port tells applications apart.
  const cookie = secure ? '__Host-session' : `session-${port}`;
  const { db, ...sql } = openDatabase(options.database);
  const count = attempts(now);
  const queued = queue();
  const nobodys = hash(randomBytes(32), ARGON2);

  /** What the store has of the cookie. Of two, a sibling domain may have planted either: none counts. */
  const presented = (c: Context): Buffer => {
    const pairs = (c.req.header('cookie') ?? '').split(/; */).filter((pair) => pair.startsWith(`${cookie}=`));
    return sha256(pairs.length === 1 ? (pairs[0] ?? '').slice(cookie.length + 1) : '');
  };
  const give = (c: Context, secret: string, maxAge: number): Response => {
    setCookie(c, cookie, secret, { path: '/', httpOnly: true, sameSite: 'Lax', secure, maxAge });
    return c.redirect('/', 303);
  };
  /** A new secret each time; what the browser brought ends. With `old`, the password changes and all end. */
  const begin = (c: Context, email: string, phc: string, old: string | null = null): Response => {
    const secret = randomBytes(32).toString('base64url');
    db.exec('BEGIN IMMEDIATE');
    try {
      if (old !== null && sql.change.run(phc, email, old).changes === 1) sql.endAll.run(email);
      sql.sweep.run(presented(c), now() - ABSOLUTE, now() - IDLE);
      // Nobody gets in by a password that was changed while it was being checked.
      const { changes } = sql.add.run(sha256(secret), now(), now(), email, phc);
      if (changes !== 1) throw refusal(409, 'The password has just changed. Sign in again.');
      db.exec('COMMIT');
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
    }
    return give(c, secret, ABSOLUTE / 1000);
  };
  /** Answers the hash that fits. An unknown address counts, costs and looks like a wrong password. */
  const check = async (c: Context, email: string, password: string): Promise<string> => {
    count(c, `network ${networkOf(c)}`, 60);
    count(c, `account ${email.toLowerCase()}`, 20);
    const phc = String(sql.passwordOf.get(email)?.['password'] ?? (await nobodys));
    if (await queued(() => verify(phc, password))) return phc;
    throw refusal(403, 'The address or the password is wrong.');
  };

  /** Goes first: the rule for cross-site requests, and who asks. Without it nobody is signed in. */
  const protect: MiddlewareHandler<Visited> = async (c, next) => {
    c.header('Cache-Control', 'no-store');
    const site = c.req.header('sec-fetch-site') ?? (c.req.header('origin') === origin ? 'same-origin' : '');
    const safe = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (!safe && site !== 'same-origin' && site !== 'none')
      throw refusal(403, 'Another site sent this form.');
    const row = sql.find.get(presented(c), now() - ABSOLUTE, now() - IDLE);
    if (row !== undefined && now() - Number(row['seen_at']) > MINUTE) sql.touch.run(now(), presented(c));
    c.set('visitor', row === undefined ? null : { id: Number(row['id']), email: String(row['email']) });
    await next();
  };
  /** Lets only those pass who are signed in, and leads the others to `/sign-in`. */
  const requireUser: MiddlewareHandler<SignedIn> = async (c, next) => {
    if (c.var.visitor == null) return c.redirect('/sign-in', 303);
    c.set('user', c.var.visitor);
    return next();
  };
  const routes = new Hono<Visited>()
    .post('/sign-up', async (c) => {
      count(c, `network ${networkOf(c)}`, 60);
      const email = await field(c, 'email');
      // ASCII alone: no two addresses look alike.
      if (!/^[!-?A-~]+@[!-?A-~]+$/.test(email)) throw refusal(400, 'This is no e-mail address.');
      const phc = await queued(newHash(await field(c, 'password')));
      if (sql.addUser.run(email, phc).changes !== 1) throw refusal(409, 'This address has an account.');
      return begin(c, email, phc);
    })
    .post('/sign-in', async (c) => {
      const email = await field(c, 'email');
      return begin(c, email, await check(c, email, await field(c, 'password')));
    })
    .post('/sign-out', (c) => {
      sql.end.run(presented(c));
      return give(c, '', 0);
    })
    .post('/sign-out-everywhere', requireUser, (c) => {
      sql.endAll.run(c.var.user.email);
      return give(c, '', 0);
    })
    .post('/password', requireUser, async (c) => {
      const { email } = c.var.user;
      const old = await check(c, email, await field(c, 'password'));
      return begin(c, email, await queued(newHash(await field(c, 'new_password'))), old);
    });
  return { protect, requireUser, routes, close: () => db.close() };
}

function openDatabase(file: string) {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY AUTOINCREMENT,
      email TEXT NOT NULL UNIQUE COLLATE NOCASE, password TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS sessions (hash BLOB PRIMARY KEY, created_at INTEGER NOT NULL,
      seen_at INTEGER NOT NULL, user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE) STRICT;
    CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user);`);
  return {
    db,
    passwordOf: db.prepare('SELECT password FROM users WHERE email = ?'),
    addUser: db.prepare('INSERT INTO users (email, password) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    change: db.prepare('UPDATE users SET password = ? WHERE email = ? AND password = ?'),
    find: db.prepare(`SELECT users.id, email, seen_at FROM sessions JOIN users ON users.id = user
      WHERE hash = ? AND created_at > ? AND seen_at > ?`),
    touch: db.prepare('UPDATE sessions SET seen_at = ? WHERE hash = ?'),
    add: db.prepare(`INSERT INTO sessions (hash, user, created_at, seen_at)
      SELECT ?, id, ?, ? FROM users WHERE email = ? AND password = ?`),
    end: db.prepare('DELETE FROM sessions WHERE hash = ?'),
    endAll: db.prepare('DELETE FROM sessions WHERE user = (SELECT id FROM users WHERE email = ?)'),
    sweep: db.prepare('DELETE FROM sessions WHERE hash = ? OR created_at <= ? OR seen_at <= ?'),
  };
}

function refusal(status: 400 | 403 | 409 | 429 | 503, message: string): HTTPException {
  return new HTTPException(status, { message });
}

/** Enough for 256 random bits: what leaks from the database signs nobody in. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A field of the form in NFC, so that a password is the same on every keyboard. */
async function field(c: Context, name: string): Promise<string> {
  const body: Record<string, unknown> = await c.req.parseBody().catch(() => ({}));
  const text = body[name];
  if (typeof text === 'string' && text.length <= 1_024) return text.normalize('NFC');
  throw refusal(400, `The form needs "${name}", of at most 1,024 characters.`);
}

/** NIST SP 800-63B-4 §3.1.1.2: at least 15 characters, and nothing about which. */
function newHash(password: string): () => Promise<string> {
  if ([...password].length < 15) throw refusal(400, 'Use 15 characters or more: some unrelated words.');
  return () => hash(password, ARGON2);
}

/** Counts in windows of ten minutes, in memory: a restart forgets. The number of keys is bounded as well. */
function attempts(now: () => number): (c: Context, key: string, most: number) => void {
  const counts = new Map<string, number>();
  let until = 0;
  return (c, key, most) => {
    if (now() >= until) {
      counts.clear();
      until = now() + 10 * MINUTE;
    }
    const count = (counts.get(key) ?? 0) + 1;
    if (count <= most && counts.size < 100_000) return void counts.set(key, count);
    c.header('Retry-After', String(Math.ceil((until - now()) / 1000)));
    throw refusal(429, 'Too many attempts. Try again in ten minutes.');
  };
}

/** A hash takes 19 MiB and a processor. Node's pool runs four at once; when twelve wait, it is full. */
function queue(): <T>(job: () => Promise<T>) => Promise<T> {
  let begun = 0;
  return async (job) => {
    if (begun >= 16) throw refusal(503, 'Too many people are signing in. Try again in a few seconds.');
    begun += 1;
    return job().finally(() => (begun -= 1));
  };
}
