import type { Millis, Position, Timestamp } from '@latchkey/verify';
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import { type Param, Statement } from './statement.ts';

/** How long it is known where an epoch ended. */
export const EPOCHS_KEPT: Millis = 365 * 86_400_000;

/** Compiles the statements that note where epochs ended, for whoever has missed those in between. */
export function epochStatements(db: Kysely<Schema>) {
  return {
    noteEpoch: new Statement((param: Param<{ now: Timestamp }>) =>
      db
        .insertInto('log_epoch')
        .columns(['epoch', 'start', 'cause', 'previous', 'previous_seq', 'previous_beat', 'begun_at'])
        .expression(
          db
            .selectFrom('log_head')
            .select([
              'epoch',
              'epoch_start',
              'epoch_cause',
              sql<string>`previous_epoch`.as('previous'),
              sql<Position>`previous_seq`.as('previous_seq'),
              'previous_beat',
              sql<Timestamp>`cast(${param('now')} as bigint)`.as('begun_at'),
            ]),
        ),
    ),
    forgetEpochs: new Statement((param: Param<{ before: Timestamp }>) =>
      db.deleteFrom('log_epoch').where('begun_at', '<', param('before')),
    ),
    endOf: endOfStatement(db),
  };
}

function endOfStatement(db: Kysely<Schema>) {
  return new Statement((param: Param<{ epoch: string }>) =>
    db
      .selectFrom('log_epoch as next')
      .select(['next.previous_seq as seq', 'next.previous_beat as beatAt'])
      .select((eb) =>
        eb
          .selectFrom('log_epoch as later')
          .select(eb.fn.countAll<number>().as('count'))
          .whereRef('later.start', '>=', 'next.start')
          .where('later.cause', '=', 'restore')
          .as('restores'),
      )
      .where('next.previous', '=', param('epoch')),
  );
}
