import type { EntryKind, FloorScope, Position, Scope, Timestamp } from '@latchkey/verify';
import { type Kysely, sql } from 'kysely';
import { idBytes, sortIds } from '../../foundation/ids.ts';
import type { NewEntry } from '../records.ts';
import type { Append } from './append.ts';
import { writeHint } from './postgres-hints.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/**
 * One statement for each entry, which outside of a transaction is one by itself: whoever
 * revokes waits for the server once, and holds the counter for no longer than a commit takes.
 *
 * The parts of a statement depend on each other in the order of locks (R7): the session,
 * the value that the entry rests on, the counter. Whatever waits for a lock there goes on
 * with the row as it then is.
 */
export function appendAtOnce(db: Kysely<Schema>, channel: string): Append {
  const statements = {
    session: appendStatement(db, channel, 'session'),
    floor: appendStatement(db, channel, 'floor'),
    nothing: appendStatement(db, channel, null),
  };
  const hold = new Statement((param: Param<{ id: Bytes }>) =>
    db.selectFrom('session').select('id').where('id', '=', param('id')).forNoKeyUpdate(),
  );
  const holdAll = async (runner: Runner, entries: readonly NewEntry[]): Promise<void> => {
    const sessions = entries.filter(({ ends }) => ends === 'session').map(({ subject }) => subject);
    // In one order, so that two who end the same sessions don't wait for each other.
    for (const session of sortIds(sessions)) await runner.row(hold, { id: idBytes(session) });
  };

  return async (runner, { entries, standing }) => {
    const append = async (own: Runner): Promise<Head | null> => {
      if (entries.length > 1) await holdAll(own, entries);
      let head: Head | null = null;
      for (const { ends = 'nothing', ...entry } of entries) {
        head = await own.row(statements[ends], {
          ...entry,
          subject: idBytes(entry.subject),
          hint: writeHint(entry),
          key: standing?.key ?? null,
          value: standing?.value ?? null,
        });
        if (head === null) return null;
      }
      return head;
    };
    return entries.length === 1 ? await append(runner) : await runner.atomically(append);
  };
}

interface Head {
  readonly epoch: string;
  readonly seq: Position;
}

type Values = {
  kind: EntryKind;
  scope: Scope;
  subject: Bytes;
  expiresAt: Timestamp;
  tag: number;
  /** What is notified, after the position. */
  hint: string;
  /** The name of what the entry rests on; `null` where it rests on nothing. */
  key: string | null;
  value: string | null;
};

function appendStatement(db: Kysely<Schema>, channel: string, ends: NewEntry['ends'] | null) {
  return new Statement((param: Param<Values>) => {
    const told = sql`pg_notify(${sql.lit(channel)}, head.seq || ' ' || ${param('hint')})`.as('told');
    const written = headTaken(db, param, ends).with('written', (tables) =>
      tables
        .insertInto('revocation')
        .columns(['seq', 'kind', 'scope', 'subject', 'expires_at', 'tag'])
        .expression(
          tables
            .selectFrom('head')
            .select([
              'head.seq',
              param('kind').as('kind'),
              param('scope').as('scope'),
              param('subject').as('subject'),
              sql<Timestamp>`${param('expiresAt')}::bigint`.as('expires_at'),
              sql<number>`${param('tag')}::bigint`.as('tag'),
            ]),
        ),
    );
    if (ends === 'session')
      return written
        .with('ended', (tables) =>
          tables
            .updateTable('session')
            .from('head')
            .set((eb) => ({ revoked_seq: eb.ref('head.seq') }))
            .where('session.id', '=', param('subject'))
            .where('session.revoked_seq', 'is', null),
        )
        .selectFrom('head')
        .select(['head.epoch', 'head.seq', told]);
    if (ends === 'floor')
      return written
        .with('raised', (tables) =>
          tables
            .insertInto('floor')
            .columns(['scope', 'subject', 'min_rs'])
            .expression(
              tables
                .selectFrom('head')
                .select([
                  sql<FloorScope>`${param('scope')}`.as('scope'),
                  param('subject').as('subject'),
                  'head.seq',
                ]),
            )
            .onConflict((conflict) =>
              conflict
                .columns(['scope', 'subject'])
                .doUpdateSet((eb) => ({ min_rs: eb.ref('excluded.min_rs') }))
                .whereRef('excluded.min_rs', '>', 'floor.min_rs'),
            ),
        )
        .selectFrom('head')
        .select(['head.epoch', 'head.seq', told]);
    return written.selectFrom('head').select(['head.epoch', 'head.seq', told]);
  });
}

/** The locks, in their order: nothing is read below one of them before those above it are had. */
function headTaken(db: Kysely<Schema>, param: Param<Values>, ends: NewEntry['ends'] | null) {
  const held = sql<boolean>`(select count(*) from held) >= 0`;
  return db
    .with('held', (tables) =>
      tables
        .selectFrom('session')
        .select('session.id')
        .where(sql.lit(ends === 'session'))
        .where('session.id', '=', param('subject'))
        .forNoKeyUpdate(),
    )
    .with('standing', (tables) =>
      tables
        .selectFrom('meta')
        .select('meta.value')
        .where('meta.key', '=', param('key'))
        .where(held)
        .forShare(),
    )
    .with('head', (tables) =>
      tables
        .updateTable('log_head')
        .set((eb) => ({ seq: eb('log_head.seq', '+', 1), tag: param('tag') }))
        .where(held)
        .where(
          sql<boolean>`(${param('key')}::text is null
            or (select value from standing) is not distinct from ${param('value')}::text)`,
        )
        .returning(['log_head.epoch', 'log_head.seq']),
    );
}
