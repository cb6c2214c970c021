import type { Timestamp } from '@latchkey/verify';
import { type Kysely, sql } from 'kysely';
import { idBytes } from '../../foundation/ids.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';
import type { Touch } from './touch.ts';

/** How many of the oldest sightings are looked at in each sweep. */
const LOOKED_AT = 200;

/**
 * One statement for all sessions, each column of theirs an array. Rows are locked in
 * the order of their ids, so that two nodes that touch the same sessions wait for
 * each other and never in a circle.
 */
export function arraysAtOnce(db: Kysely<Schema>): Touch {
  type Arrays = { ids: string; times: string };
  const move = new Statement((param: Param<Arrays>) =>
    db
      .with('moved', (tables) =>
        tables
          .selectFrom('session')
          .innerJoin(unnested(param), (join) => join.onRef('touched.id', '=', 'session.id'))
          .select(['session.id', 'touched.time'])
          .whereRef('session.idle_until', '<', 'touched.time')
          .orderBy('session.id')
          .forNoKeyUpdate('session'),
      )
      .updateTable('session')
      .from('moved')
      .set((eb) => ({ idle_until: eb.ref('moved.time') }))
      .whereRef('session.id', '=', 'moved.id')
      .whereRef('session.idle_until', '<', 'moved.time'),
  );
  // Joined with the sessions, so that one that is gone is passed over.
  const see = new Statement((param: Param<Arrays>) =>
    db
      .insertInto('session_seen')
      .columns(['session_id', 'at'])
      .expression(
        db
          .selectFrom('session')
          .innerJoin(unnested(param), (join) => join.onRef('touched.id', '=', 'session.id'))
          .select(['session.id', 'touched.time'])
          .orderBy('session.id'),
      )
      .onConflict((conflict) =>
        conflict
          .column('session_id')
          .doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))
          .whereRef('excluded.at', '>', 'session_seen.at'),
      ),
  );
  const forget = new Statement((param: Param<{ ids: string }>) =>
    db
      .deleteFrom('session_seen')
      .where(sql<boolean>`${sql.ref('session_seen.session_id')} = any (${param('ids')}::bytea[])`),
  );
  /**
   * What was written just after its session went, and what went with its user. Ids
   * begin with a time, so whatever has no session any more is among the oldest in the end.
   */
  const forgetOrphans = new Statement(() =>
    db
      .deleteFrom('session_seen')
      .where('session_id', 'in', (eb) =>
        eb
          .selectFrom(
            eb
              .selectFrom('session_seen as old')
              .select('old.session_id')
              .orderBy('old.session_id')
              .limit(LOOKED_AT)
              .as('oldest'),
          )
          .select('oldest.session_id')
          .leftJoin('session', 'session.id', 'oldest.session_id')
          .where('session.id', 'is', null),
      ),
  );
  return {
    moveIdle: async (runner, moves) => {
      const last = latest(moves.map(({ id, idleUntil }) => [id, idleUntil]));
      await touch(runner, move, last);
    },
    seen: async (runner, sightings) => {
      const last = latest(sightings.map(({ id, at }) => [id, at]));
      await touch(runner, see, last);
    },
    forget: async (runner, ids) => {
      if (ids.length > 0) await runner.write(forget, { ids: byteArray(ids) });
      await runner.write(forgetOrphans, {});
    },
  };
}

type Times<Id> = readonly (readonly [id: Id, time: Timestamp])[];

/** One time for each id, the latest: no statement may touch a row twice. */
function latest<Id>(times: Times<Id>): Times<Id> {
  const last = new Map<Id, Timestamp>();
  for (const [id, time] of times) last.set(id, Math.max(time, last.get(id) ?? time));
  return [...last];
}

/** The arrays as a table. */
function unnested(param: Param<{ ids: string; times: string }>) {
  const arrays = sql<Touched>`unnest(${param('ids')}::bytea[], ${param('times')}::bigint[])`;
  return arrays.as<'touched'>(sql`touched(id, time)`);
}

interface Touched {
  readonly id: Uint8Array;
  readonly time: Timestamp;
}

async function touch(
  runner: Runner,
  statement: Statement<{ ids: string; times: string }, unknown>,
  touched: Times<string>,
): Promise<void> {
  const ids = byteArray(touched.map(([id]) => idBytes(id)));
  const times = `{${touched.map(([, time]) => time).join()}}`;
  await runner.write(statement, { ids, times });
}

/** The text of a `bytea[]`. */
function byteArray(values: readonly Uint8Array[]): string {
  return `{${values.map((value) => `"\\\\x${Buffer.from(value).toString('hex')}"`).join()}}`;
}
