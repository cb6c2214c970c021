/*
 * Reading sessions by their id from tables of different sizes, in a process of its own:
 *
 *   lookups-process.ts <rounds> <reads in a round> <sessions> <database> [<sessions> <database> …]
 */
import { seedMany, sessionAt } from './lookups-seed.ts';
import { parameter, tellParent } from './processes.ts';
import { storeOf } from './seed.ts';

const rounds = Number(parameter(0));
const count = Number(parameter(1));
const tables = Array.from({ length: (process.argv.length - 4) / 2 }, (_, table) => ({
  sessions: Number(parameter(2 + 2 * table)),
  database: parameter(3 + 2 * table),
}));

const opened = [];
for (const { sessions, database } of tables) {
  await seedMany(database, sessions);
  const store = storeOf(database);
  await store.open(Date.now());
  const times: number[] = [];
  opened.push({ sessions, store, times });
}
for (let round = 0; round <= rounds; round += 1) {
  for (let turn = 0; turn < opened.length; turn += 1) {
    const table = opened[(round + turn) % opened.length];
    if (table === undefined) continue;
    for (let read = 0; read < count; read += 1) {
      const id = sessionAt(Math.floor(Math.random() * table.sessions));
      const startedAt = performance.now();
      const reading = await table.store.sessions.read(id);
      const took = performance.now() - startedAt;
      if (reading?.user == null) throw new TypeError('a session or its user is missing');
      if (round > 0) table.times.push(took);
    }
  }
}
for (const { store } of opened) await store.close();
await tellParent(Object.fromEntries(opened.map(({ sessions, times }) => [`of ${sessions}`, times])));
process.disconnect();
