import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Store } from 'latchkey';
import { postgres } from 'latchkey/postgres';
import { startPgbouncer } from '../../tools/pgbouncer.mjs';
import { startPostgres } from '../../tools/postgres.mjs';
import { createDatabase } from '../../tools/postgres-database.mjs';
import { holding } from '../attacks/scene.ts';
import { CLIENTS, Program } from '../http/program.ts';
import { openWorld, type World } from '../http/world.ts';

/** Fewer than two nodes have, so that each statement of a client meets another session of the server. */
const CONNECTIONS = 4;
const PEOPLE = 12;
/** Echoes are waited for 2 s, and the log is asked each 250 ms: more than go by in that time. */
const LOOKS_UNTIL_CERTAIN = 12;

let server: Awaited<ReturnType<typeof startPostgres>>;
before(async () => {
  server = await startPostgres();
});
after(async () => await server.remove());

interface Scene {
  readonly here: World;
  readonly there: World;
  close(): Promise<void>;
}

/** Two nodes behind a pooler, on a database of their own. */
async function open(mode: 'transaction' | 'session', connections?: number): Promise<Scene> {
  const database = await createDatabase(server);
  const pooler = await startPgbouncer(database, mode, connections);
  const node = (): Promise<World> => openWorld({ clients: CLIENTS }, postgres(pooler.url));
  const [here, there] = [await node(), await node()];
  return {
    here,
    there,
    close: async () => {
      await Promise.allSettled([here.auth.close(), there.auth.close()]);
      await pooler.remove();
      await database.drop();
    },
  };
}

/** Resolves when the store has told so many times that there may be something to look for. */
function looks(store: Store, times: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let left = times;
  const stop = store.onHint(() => {
    left -= 1;
    if (left > 0) return;
    stop();
    resolve(undefined);
  });
  return promise;
}

async function heard({ store }: World): Promise<void> {
  while (!store.hears()) await new Promise(setImmediate);
}

const failuresOf = (...nodes: readonly World[]): readonly unknown[] =>
  nodes.flatMap(({ events }) => events.flatMap(({ type, error }) => (type === 'failed' ? [error] : [])));

/** All that a person does, on one node and the other. */
async function live({ here, there }: Scene, email: string): Promise<void> {
  const visit = here.browser();
  await visit.signUp(email);
  const elsewhere = holding(there, visit.cookie);
  assert.equal((await elsewhere.get('/auth/me')).status, 200);
  const program = new Program(there.auth);
  const held = await program.signIn(email);
  const { access, refresh } = await new Program(here.auth).renewed(held.refresh);
  assert.equal(await program.status(access), 200);
  assert.equal((await visit.post('/auth/sign-out')).status, 200);
  await there.auth.revoke({ session: held.session });
  assert.match(await program.refusal(refresh), /invalid_grant/);
}

describe('a pooler that lends a connection for one transaction at a time', () => {
  let scene: Scene;
  before(async () => {
    scene = await open('transaction', CONNECTIONS);
  });
  after(async () => await scene.close());

  test('lets everybody sign up, sign in, refresh and sign out, though it loses prepared statements', async () => {
    await Promise.all(
      Array.from({ length: PEOPLE }, async (_, index) => await live(scene, `person-${index}@example.com`)),
    );
    assert.deepEqual(failuresOf(scene.here, scene.there), []);
  });

  test('passes no notification on: nodes notice it, and ask the log again and again instead (@rule R4)', async () => {
    const { here, there } = scene;
    await Promise.all([looks(here.store, LOOKS_UNTIL_CERTAIN), looks(there.store, LOOKS_UNTIL_CERTAIN)]);
    for (const node of [here, there]) assert.equal((await node.auth.status()).hears, false);
    const program = new Program(there.auth);
    for (let turn = 0; turn < 4; turn += 1) {
      const visit = here.browser();
      await visit.signUp(`asked-${turn}@example.com`);
      const held = await new Program(here.auth).signIn(`asked-${turn}@example.com`);
      const elsewhere = holding(there, visit.cookie);
      // Both remembered there.
      assert.equal((await elsewhere.get('/auth/me')).status, 200);
      assert.equal(await program.status(held.access), 200);
      await here.auth.revoke({ user: held.user });
      // What the first look asks for is answered when the third comes, if not long before.
      await looks(there.store, 3);
      assert.equal((await elsewhere.get('/auth/me')).status, 401);
      assert.equal(await program.status(held.access), 401);
    }
    assert.deepEqual(failuresOf(here, there), []);
  });
});

test('a pooler that lends a connection for as long as its client stays passes notifications on', async (context) => {
  const scene = await open('session');
  context.after(() => scene.close());
  const { here, there } = scene;
  await Promise.all([heard(here), heard(there)]);
  assert.equal((await there.auth.status()).hears, true);
  await live(scene, 'ada@example.com');
  const told = Promise.withResolvers<readonly unknown[]>();
  const stop = there.store.onHint((entries) => entries.length > 0 && told.resolve(entries));
  await here.auth.revoke({ client: 'nobody-uses-it' });
  const [entry] = await told.promise;
  stop();
  assert.ok(typeof entry === 'object' && entry !== null && 'scope' in entry);
  assert.equal(entry.scope, 'client');
  assert.deepEqual(failuresOf(here, there), []);
});
