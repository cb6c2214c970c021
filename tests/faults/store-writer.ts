/**
 * Writes users with their passwords and entries of the log into the file that is
 * named, for as long as it is let, and prints a line for each transaction that
 * was acknowledged: the user's id and the position.
 */
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { newId } from '../../packages/latchkey/src/foundation/ids.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';

const store = sqlite(process.argv[2] ?? '');
await store.open(Date.now());
for (;;) {
  const now = Date.now();
  const id = newId<'user'>(now);
  const entry = { kind: 'revoke', scope: 'user', subject: id, expiresAt: now + 86_400_000 } as const;
  const appended = await store.transaction(async (tables) => {
    await tables.users.create({
      id,
      email: id,
      emailKey: id,
      name: null,
      emailVerifiedAt: null,
      createdAt: now,
      disabledAt: null,
      fields: '{}',
    });
    // Gives the signal room between the two rows, where it would tear them apart.
    await setImmediate();
    await tables.passwords.put({ userId: id, phc: 'phc', pepper: null, changedAt: now });
    await setImmediate();
    return (await tables.log.append([entry])).entries;
  });
  // Written at once: what is printed before the kill has been acknowledged before it.
  for (const { seq } of appended) writeSync(1, `${id} ${seq}\n`);
}
