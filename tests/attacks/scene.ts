import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Id, SessionId } from '@latchkey/verify';
import type { Latchkey, Store } from 'latchkey';
import { findId } from '../../packages/latchkey/src/foundation/ids.ts';
import { parseRootSecret } from '../../packages/latchkey/src/foundation/root-secret.ts';
import { SigningKeys } from '../../packages/latchkey/src/tokens/signing-keys.ts';
import { bodyOf, ORIGIN, TEST_SECRET, type Visit, type World } from '../http/world.ts';

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
  /** Those of them that cannot be left out. */
  readonly required: readonly string[];
  /** An endpoint of OAuth: its errors are those of RFC 6749 §5.2, and it ignores what it does not know. */
  readonly oauth: boolean;
  /** For services alone, with their key. */
  readonly service: boolean;
  /** For them too, or alone. */
  readonly takesKey: boolean;
  /** For gateways alone, with theirs, about the requests of others: `forward.test.ts` is about that. */
  readonly gateway: boolean;
}

/** An id that nothing has. */
export const NOBODY = 'AZ3_______-_____AAAAAA'.slice(0, 21).concat('A');

/** Every operation of the document that the deployment itself publishes. */
export function operationsOf(auth: Latchkey): Operation[] {
  const operations: Operation[] = [];
  for (const [path, methods] of Object.entries(auth.openApi().paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const body = inside(operation, 'requestBody', 'content', 'application/json', 'schema');
      const required = inside(body, 'required');
      const needs = (scheme: string): boolean => inside(operation, 'security', 0, scheme) !== undefined;
      const security = inside(operation, 'security');
      const refusal = record(inside(operation, 'responses', 400, 'content'));
      operations.push({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, NOBODY),
        // An empty requirement, which stands first, is of whoever needs none.
        signedIn: needs('session') && !needs('gateway'),
        fields: Object.keys(record(inside(body, 'properties'))),
        required: Array.isArray(required) ? required.map(String) : [],
        oauth: 'application/json' in refusal,
        service: needs('clientBasic'),
        takesKey: Array.isArray(security) && security.some((one) => inside(one, 'clientBasic') !== undefined),
        gateway: needs('gateway'),
      });
    }
  }
  assert.ok(operations.length >= 10, 'the document names its operations');
  assert.equal(operations.filter(({ oauth }) => oauth).length, 3, 'the document tells which speak OAuth');
  return operations;
}

/** Buttons of pages, which no document names. */
export const BUTTONS: readonly Operation[] = ['/auth/account/end-session', '/auth/account/end-others'].map(
  (path) => ({
    method: 'POST',
    path,
    signedIn: true,
    fields: [],
    required: [],
    oauth: false,
    service: false,
    takesKey: false,
    gateway: false,
  }),
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

/** The id that a text spells. */
export function idIn<Kind extends string>(text: string): Id<Kind> {
  const id = findId<Kind>(text);
  assert.ok(id !== null, 'it spells an id');
  return id;
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

/** Signs with the deployment's own key whatever is said. */
export async function ownSigner({
  store,
  clock,
}: Pick<World, 'store' | 'clock'>): Promise<(typ: string | undefined, payload: object) => string> {
  const keys = new SigningKeys({
    store,
    clock,
    rootSecret: parseRootSecret(TEST_SECRET),
    algorithm: 'EdDSA',
    keyLife: Number.POSITIVE_INFINITY,
    isRevoked: () => false,
    onRotated: () => undefined,
  });
  await keys.open();
  const { kid, algorithm: alg } = keys.current;
  const spell = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return (typ, payload) => {
    const input = `${spell({ alg, ...(typ === undefined ? {} : { typ }), kid })}.${spell(payload)}`;
    return `${input}.${keys.current.sign(input).toString('base64url')}`;
  };
}

/** A store whose log cannot be pulled while it is cut off. */
export function cuttable(inner: Store): { readonly store: Store; readonly cut: (is: boolean) => void } {
  let isCut = false;
  const log = overriding(inner.log, {
    pull: async (...given) => {
      if (isCut) throw new Error('the log cannot be pulled');
      return inner.log.pull(...given);
    },
  });
  return {
    store: { ...inner, log },
    cut: (is) => {
      isCut = is;
    },
  };
}
