import assert from 'node:assert/strict';
import { isFailure, type LatchkeyOptions } from 'latchkey';
import { postgresDialect } from '../../packages/latchkey/src/stores/sql/postgres-dialect.ts';
import type { PostgresLimits } from '../../packages/latchkey/src/stores/sql/postgres-driver.ts';
import type { PostgresOptions } from '../../packages/latchkey/src/stores/sql/postgres-options.ts';
import { sqlStore } from '../../packages/latchkey/src/stores/sql/sql-store.ts';
import { type PostgresServer, startPostgres } from '../../tools/postgres.mjs';
import { CLIENTS, Program } from '../http/program.ts';
import { openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';
import { openProxy, type Proxy } from './proxy.ts';

/** A node, and its own way to the server. */
export interface Node {
  readonly world: World;
  readonly way: Proxy;
}

/** A PostgreSQL of its own, and two nodes. */
export interface Scene {
  readonly server: PostgresServer;
  readonly here: Node;
  readonly there: Node;
  /** Another node by the same way as `here`; closed with the scene, if not before. */
  another(): Promise<World>;
  /** Whatever a test that failed has left stopped or frozen. */
  close(): Promise<void>;
}

interface SceneOptions {
  readonly latchkey?: Partial<LatchkeyOptions>;
  readonly postgres?: PostgresOptions;
  readonly limits?: Partial<PostgresLimits>;
}

/** Opens a scene. */
export async function openScene({ latchkey, postgres = {}, limits = {} }: SceneOptions = {}): Promise<Scene> {
  const server = await startPostgres();
  const ways: Proxy[] = [];
  const worlds: World[] = [];
  const behind = async (way: Proxy): Promise<World> => {
    const url = new URL(server.url);
    url.port = String(way.port);
    const store = sqlStore(postgresDialect(url.href, postgres, limits));
    const world = await openWorld({ clients: CLIENTS, ...latchkey }, store);
    worlds.push(world);
    return world;
  };
  const open = async (): Promise<Node> => {
    const way = await openProxy(server.port);
    ways.push(way);
    return { way, world: await behind(way) };
  };
  const close = async (): Promise<void> => {
    for (const way of ways) way.thaw();
    // What cannot be written any more must not keep the rest open.
    await Promise.allSettled(worlds.map(({ auth }) => auth.close()));
    for (const way of ways) await way.close();
    await server.remove();
  };
  try {
    const [here, there] = [await open(), await open()];
    return { server, here, there, another: () => behind(here.way), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A person with a cookie and tokens, both remembered by a node. */
export interface Person {
  readonly email: string;
  readonly visit: Visit;
  readonly program: Program;
  readonly access: string;
  readonly refresh: string;
  readonly user: string;
}

/** Signs a person up at a node, by cookie and by token, and has both checked there. */
export async function arrive({ world }: Node, email: string): Promise<Person> {
  const visit = world.browser();
  await visit.signUp(email);
  const program = new Program(world.auth);
  const { access, refresh, user } = await program.signIn(email);
  const person = { email, visit, program, access, refresh, user };
  assert.deepEqual(await checks(world, person), [200, 200]);
  return person;
}

/** Whether a node takes a person's cookie and token: 200, 401, or 503 where it cannot know. */
export async function checks(world: World, { visit, access }: Person): Promise<readonly number[]> {
  const check = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    try {
      await world.auth.require(new Headers(headers));
      return 200;
    } catch (error) {
      if (!isFailure(error)) throw error;
      return error.code === 'LK_STORE_UNAVAILABLE' ? 503 : 401;
    }
  };
  return [await check({ Cookie: visit.cookie ?? '' }), await check({ Authorization: `Bearer ${access}` })];
}

/** All that writes, or cannot be answered from memory. */
export const CALLS: readonly (readonly [
  name: string,
  call: (world: World, person: Person) => Promise<Response>,
])[] = [
  [
    'sign-up',
    (world) => world.browser().post('/auth/sign-up', { email: 'new@example.com', password: PASSWORD }),
  ],
  ['sign-in', (world, { email }) => world.browser().post('/auth/sign-in', { email, password: PASSWORD })],
  ['refresh', (_world, { program, refresh }) => program.refresh(refresh)],
  ['sign-out', (_world, { visit }) => visit.post('/auth/sign-out')],
  ['ending all sessions', (_world, { visit }) => visit.delete('/auth/sessions')],
  ['listing sessions', (_world, { visit }) => visit.get('/auth/sessions')],
];

/** A 503 that says when to come again: the store is away, or too many wait for it. */
export async function assertUnavailable(response: Response, what: string): Promise<void> {
  const text = await response.text();
  assert.equal(response.status, 503, `${what}: ${text}`);
  assert.ok(Number(response.headers.get('Retry-After')) >= 1, what);
  assert.match(text, /"code":"LK_(?:STORE_UNAVAILABLE|BUSY)"/, what);
}
