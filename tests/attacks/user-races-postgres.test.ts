import { after, before } from 'node:test';
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
