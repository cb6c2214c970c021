import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { postgres } from '../../packages/latchkey/src/stores/sql/postgres.ts';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';
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
const DEADLOCKS = 'select deadlocks::int from pg_stat_database where datname = current_database()';

// No answer shows one: the server looks for it after a second, and the store runs the loser again.
test('PostgreSQL: none of it was a deadlock', async (context) => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  context.after(async () => await client.end());
  // What a session has seen is counted by the time that it is gone.
  while ((await client.query(OTHERS)).rowCount !== 0) await setTimeout(20);
  assert.deepEqual((await client.query(DEADLOCKS)).rows, [{ deadlocks: 0 }]);
});
