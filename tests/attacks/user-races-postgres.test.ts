import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { SessionId } from '@latchkey/verify';
import pg from 'pg';
import { findId, sortIds } from '../../packages/latchkey/src/foundation/ids.ts';
import { sampleUser } from '../../packages/latchkey/src/stores/conformance/samples.ts';
import { postgres } from '../../packages/latchkey/src/stores/sql/postgres.ts';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';
import { administrator, somebody } from '../http/administrators.ts';
import { openWorld, PASSWORD } from '../http/world.ts';
import { userRaces } from './user-races.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
});
after(async () => await database.drop());

userRaces('PostgreSQL', async () => {
  const { url, schema, drop } = nameSchema(database);
  return { store: () => postgres(url, { schema }), drop };
});

const OTHERS = `select from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`;
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
const DEADLOCKS = 'select deadlocks::int from pg_stat_database where datname = current_database()';

/** A world of its own, and what waits until somebody in the database waits for a lock. */
async function scene(context: TestContext) {
  const { url, schema, drop } = nameSchema(database);
  const world = await openWorld({}, postgres(url, { schema }));
  const watching = new pg.Client({ connectionString: url });
  await watching.connect();
  context.after(async () => {
    await watching.end();
    await world.auth.close();
    await drop();
  });
  const somebodyWaits = async (): Promise<void> => {
    while ((await watching.query(WAITING)).rowCount === 0) await setTimeout(20);
  };
  return { world, somebodyWaits };
}

const sessionOf = (text: string): SessionId => findId<'session'>(text) ?? assert.fail();

test('PostgreSQL: an administrator who deletes a user waits for sessions of both in their order', async (context) => {
  const { world, somebodyWaits } = await scene(context);
  const { id, email, session } = await somebody(world);
  const { visit, session: own } = await administrator(world);
  await world.browser().signIn(email);
  const { items } = await world.auth.sessions.list({ user: id });
  const held = sortIds([...items.map((each) => sessionOf(each.id)), sessionOf(own)]);
  assert.equal(held.indexOf(sessionOf(session)), 0, 'the first of them is not of who asks');
  const deletions: Promise<Response>[] = [];
  await world.store.transaction(async ({ sessions }) => {
    for (const each of held) {
      await sessions.hold(each);
      if (deletions.length > 0) continue;
      deletions.push(visit.send('DELETE', `/auth/admin/users/${id}`));
      await somebodyWaits();
    }
  });
  for (const { status } of await Promise.all(deletions)) assert.equal(status, 200);
});

test('PostgreSQL: who proves again who they are waits for their user first, and holds nothing meanwhile', async (context) => {
  const { world, somebodyWaits } = await scene(context);
  const { id, visit, session } = await somebody(world);
  const user = findId<'user'>(id) ?? assert.fail();
  const order: string[] = [];
  const proofs: Promise<Response>[] = [];
  await world.store.transaction(async ({ users, passwords, sessions }) => {
    await users.hold(user);
    const proof = visit.post('/auth/reauthenticate', { password: PASSWORD });
    proofs.push(proof.finally(() => order.push('proved')));
    await Promise.race([somebodyWaits(), proof]);
    await passwords.hold(user);
    await sessions.hold(sessionOf(session));
    order.push('held');
  });
  for (const { status } of await Promise.all(proofs)) assert.equal(status, 200);
  assert.deepEqual(order, ['held', 'proved']);
});

test('PostgreSQL: an administrator creates a user before their session is held, as who signs up from it', async (context) => {
  const { world, somebodyWaits } = await scene(context);
  const { visit, session } = await administrator(world);
  const email = 'contested@example.com';
  const creations: Promise<Response>[] = [];
  await world.store.transaction(async ({ users, sessions }) => {
    await users.create(sampleUser({ email, emailKey: email }));
    const user = { email, password: PASSWORD, name: null, roles: [] };
    creations.push(visit.post('/auth/admin/users', user));
    await somebodyWaits();
    await sessions.hold(sessionOf(session));
  });
  for (const { status } of await Promise.all(creations)) assert.equal(status, 409);
});

test('PostgreSQL: a sweep leaves the session that somebody holds for the next time, and waits for nobody', async (context) => {
  const { world } = await scene(context);
  const [first, second] = [await somebody(world), await somebody(world)];
  const { store } = world;
  const end = world.clock.now() + 365 * 86_400_000;
  await store.transaction(async ({ sessions }) => {
    await sessions.hold(sessionOf(first.session));
    assert.equal(await store.sessions.sweep(end, 10), 1);
    assert.equal(await store.sessions.read(sessionOf(second.session)), null);
  });
  assert.equal(await store.sessions.sweep(end, 10), 1);
});

// No answer shows one: the server looks for it after a second, and the store runs the loser again.
test('PostgreSQL: none of it was a deadlock', async (context) => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  context.after(async () => await client.end());
  // What a session has seen is counted by the time that it is gone.
  while ((await client.query(OTHERS)).rowCount !== 0) await setTimeout(20);
  assert.deepEqual((await client.query(DEADLOCKS)).rows, [{ deadlocks: 0 }]);
});
