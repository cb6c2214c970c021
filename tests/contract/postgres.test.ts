import { after, before } from 'node:test';
import { storeConformance } from 'latchkey/conformance';
import { postgres } from '../../packages/latchkey/src/stores/sql/postgres.ts';
import { createDatabase, nameSchema } from '../../tools/postgres-database.mjs';

let database: Awaited<ReturnType<typeof createDatabase>>;
before(async () => {
  database = await createDatabase();
});
after(async () => await database.drop());

storeConformance('PostgreSQL', async () => {
  const { url, schema, drop } = nameSchema(database);
  const store = postgres(url, { schema });
  await store.open(Date.now());
  const close = async (): Promise<void> => {
    await store.close();
    await drop();
  };
  return { store, close };
});
