import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionId } from '@latchkey/verify';
import type { Latchkey, Store } from 'latchkey';
import { bodyOf, ORIGIN, type Visit, type World } from '../http/world.ts';

/** The address from which requests of an attack come. */
export const PEER = '203.0.113.7';

/** A target with some of its members replaced; the others go on as they are. */
export function overriding<T extends object>(target: T, members: Partial<T>): T {
  return new Proxy(target, {
    get: (from, name) => {
      const replaced: unknown = Reflect.get(members, name);
      if (replaced !== undefined) return replaced;
      const value: unknown = Reflect.get(from, name);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => Reflect.apply(value, from, given);
    },
  });
}

/** A door at which calls wait while it is shut. */
export interface Door {
  /** Resolves when somebody waits at the door. */
  readonly reached: Promise<void>;
  open(): void;
  pass(): Promise<void>;
}

/** Makes a door that is shut. */
export function door(): Door {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: () => opened.resolve(),
    pass: () => {
      reached.resolve();
      return opened.promise;
    },
  };
}

/** A folder for a database's file. */
export async function folder(): Promise<{ file: string; readonly remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'latchkey-attack-'));
  return { file: join(path, 'app.db'), remove: () => rm(path, { recursive: true, force: true }) };
}

/** What each request may write, whoever makes it: who follows the log, and when a session was last seen. */
const UNTOLD = new Set(['follower', 'session_seen']);

/** All rows of a database but those that come and go by themselves. */
export function rowsOf(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database
      .prepare(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name",
      )
      .all()
      .map((row) => String(row['name']))
      .filter((name) => !UNTOLD.has(name));
    assert.ok(tables.includes('session') && tables.includes('revocation'), tables.join());
    const read = (name: string): unknown => {
      const statement = database.prepare(`select * from "${name}"`);
      statement.setReadBigInts(true);
      return statement.all();
    };
    return JSON.stringify(
      tables.map((name) => [name, read(name)]),
      (_key, value: unknown) => {
        if (typeof value === 'bigint') return value.toString();
        return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
      },
    );
  } finally {
    database.close();
  }
}

/** One operation of the OpenAPI document. */
export interface Operation {
  readonly method: string;
  /** With an id where the document has a parameter. */
  readonly path: string;
  readonly signedIn: boolean;
  /** Fields of the body. */
  readonly fields: readonly string[];
}

/** An id that nothing has. */
export const NOBODY = 'AZ3_______-_____AAAAAA'.slice(0, 21).concat('A');

/** Every operation of the document that the deployment itself publishes. */
export function operationsOf(auth: Latchkey): Operation[] {
  const operations: Operation[] = [];
  for (const [path, methods] of Object.entries(auth.openApi().paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      operations.push({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, NOBODY),
        signedIn: inside(operation, 'security', 0) !== undefined,
        fields: Object.keys(
          record(inside(operation, 'requestBody', 'content', 'application/json', 'schema', 'properties')),
        ),
      });
    }
  }
  assert.ok(operations.length >= 10, 'the document names its operations');
  return operations;
}

/** Buttons of pages, which no document names. */
export const BUTTONS: readonly Operation[] = ['/auth/account/end-session', '/auth/account/end-others'].map(
  (path) => ({ method: 'POST', path, signedIn: true, fields: [] }),
);

/** What stands inside a value, or `undefined`. */
export function inside(value: unknown, ...path: (string | number)[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

function record(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

/** Sends a request as it stands. */
export function send(auth: Latchkey, path: string, init: RequestInit): Promise<Response> {
  return auth.handler(new Request(new URL(path, ORIGIN), { duplex: 'half', ...init }), { peer: PEER });
}

/** The text that the `Set-Cookie` of an answer hands out, or fails. */
export function cookieOf(response: Response): string {
  const [line = ''] = response.headers.getSetCookie();
  assert.match(line, /=lkc_/);
  return line.slice(0, line.indexOf(';'));
}

/** A visitor who holds nothing but this cookie. */
export function holding(world: World, cookie: string | null): Visit {
  const visit = world.browser();
  visit.cookie = cookie;
  return visit;
}

/** The status that a cookie gets where somebody must be signed in. */
export async function statusOf(world: World, cookie: string | null): Promise<number> {
  return (await holding(world, cookie).get('/auth/me')).status;
}

/** The id of the session in a cookie. */
export function sessionIn(cookie: string | null): SessionId {
  const id = /=lkc_([^.]{22})\./.exec(cookie ?? '')?.[1];
  assert.ok(id !== undefined, 'the cookie names its session');
  // The pattern is that of an id.
  return id as SessionId;
}

/** The ids of a visitor's sessions. */
export async function sessionsOf(visit: Visit): Promise<string[]> {
  const { items } = await bodyOf(await visit.get('/auth/sessions?limit=200'));
  assert.ok(Array.isArray(items));
  return items.map((item) => String(inside(item, 'id')));
}

/** Has the node's copy of the log confirmed at the clock's time, by a revocation that concerns nobody. */
export async function confirmLog(world: World): Promise<void> {
  await world.auth.revoke({ client: 'nobody-uses-it' });
  assert.equal((await world.auth.status()).fresh, true);
}

/** A store, and how often a session was read from it outside of any transaction. */
export function counting(store: Store): { readonly store: Store; readonly reads: () => number } {
  let reads = 0;
  const sessions = overriding(store.sessions, {
    read: (id) => {
      reads += 1;
      return store.sessions.read(id);
    },
  });
  return { store: { ...store, sessions }, reads: () => reads };
}
