import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from 'latchkey/conformance';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';

storeConformance('SQLite in memory', async () => {
  const store = sqlite(':memory:');
  await store.open(Date.now());
  return { store, close: async () => await store.close() };
});

storeConformance('SQLite in a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-'));
  const store = sqlite(join(folder, 'latchkey.db'));
  await store.open(Date.now());
  const close = async (): Promise<void> => {
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { store, close };
});
