import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { findId, sortIds } from '../../packages/latchkey/src/foundation/ids.ts';
import { postgres } from '../../packages/latchkey/src/stores/sql/postgres.ts';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';
import { somebody } from '../http/administrators.ts';
import { openWorld } from '../http/world.ts';
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

test('PostgreSQL: a user is deleted after whoever holds their password, and then their sessions', async (context) => {
  const { url, schema, drop } = nameSchema(database);
  const world = await openWorld({}, postgres(url, { schema }));
  const watching = new pg.Client({ connectionString: url });
  await watching.connect();
  context.after(async () => {
    await watching.end();
    await world.auth.close();
    await drop();
  });
  const { id, email } = await somebody(world);
  await world.browser().signIn(email);
  const user = findId<'user'>(id) ?? assert.fail();
  const sessions = (await world.auth.sessions.list({ user: id })).items.map((session) => session.id);
  const { store } = world;
  const deletions: Promise<boolean>[] = [];
  await store.transaction(async ({ passwords, sessions: held }) => {
    await passwords.hold(user);
    deletions.push(store.users.remove(user));
    while ((await watching.query(WAITING)).rowCount === 0) await setTimeout(20);
    for (const session of sortIds(sessions)) await held.hold(session);
  });
  assert.deepEqual(await Promise.all(deletions), [true]);
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
