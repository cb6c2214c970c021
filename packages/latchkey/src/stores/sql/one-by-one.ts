import type { Timestamp } from '@latchkey/verify';
import type { Kysely } from 'kysely';
import { idBytes } from '../../foundation/ids.ts';
import type { Schema } from './schema.ts';
import { type Param, Statement } from './statement.ts';
import type { Touch } from './touch.ts';

type Bytes = Uint8Array;

/** One statement for each session, in one transaction: what costs least where the database is in the process. */
export function oneByOne(db: Kysely<Schema>): Touch {
  const move = new Statement((param: Param<{ id: Bytes; idleUntil: Timestamp }>) =>
    db
      .updateTable('session')
      .set({ idle_until: param('idleUntil') })
      .where('id', '=', param('id'))
      .where('idle_until', '<', param('idleUntil')),
  );
  // Selected from the sessions, so that one that was swept meanwhile is passed over.
  const see = new Statement((param: Param<{ id: Bytes; at: Timestamp }>) =>
    db
      .insertInto('session_seen')
      .columns(['session_id', 'at'])
      .expression(
        db
          .selectFrom('session')
          .select(['session.id', param('at').as('at')])
          .where('session.id', '=', param('id')),
      )
      .onConflict((conflict) =>
        conflict
          .column('session_id')
          .doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))
          .whereRef('excluded.at', '>', 'session_seen.at'),
      ),
  );
  return {
    moveIdle: async (runner, moves) =>
      await runner.atomically(async (own) => {
        for (const { id, idleUntil } of moves) await own.write(move, { id: idBytes(id), idleUntil });
      }),
    seen: async (runner, sightings) =>
      await runner.atomically(async (own) => {
        for (const { id, at } of sightings) await own.write(see, { id: idBytes(id), at });
      }),
    // A foreign key has.
    forget: async () => {},
  };
}
