import type { Cursor, Entry, EntryKind, FloorScope, Position, Scope, Timestamp } from '@latchkey/verify';
import { type Expression, type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely';
import { idBytes, idFromBytes } from '../../foundation/ids.ts';
import { randomBytes, randomTag } from '../../foundation/random.ts';
import type { Appended, EpochCause, EpochEnd, LogReading, NewEntry, Seen, Standing } from '../records.ts';
import type { LogStore } from '../store.ts';
import type { LogDialect, OwnStatements } from './dialect.ts';
import { EPOCHS_KEPT, epochStatements } from './epochs.ts';
import { floorScope, raiseFloorStatement } from './floors.ts';
import type { Schema } from './schema.ts';
import { type Param, type Runner, Statement } from './statement.ts';

type Bytes = Uint8Array;

/** An epoch begins at the seconds of the clock times this, and so above every position of an older one. */
const POSITIONS_PER_SECOND = 2 ** 20;
/** How often the beat is written, in milliseconds. */
const BEAT_EVERY = 1_000;
const EVERYONE = new Uint8Array(0);

/** Statements of `SqlLog`. */
export type LogStatements = ReturnType<typeof logStatements>;

/** Compiles the statements of `SqlLog`. */
export function logStatements(db: Kysely<Schema>, dialect: LogDialect) {
  type Floor = { scope: FloorScope; subject: Bytes };
  return {
    found: new Statement((param: Param<{ seq: Position; epoch: string; lineage: string; tag: number }>) =>
      db
        .insertInto('log_head')
        .values({
          one: 1,
          seq: param('seq'),
          epoch: param('epoch'),
          lineage: param('lineage'),
          tag: param('tag'),
          epoch_start: param('seq'),
          epoch_cause: 'first',
        })
        .onConflict((conflict) => conflict.column('one').doNothing()),
    ),
    /** A database of a build that named none. */
    name: new Statement((param: Param<{ lineage: string }>) =>
      db
        .updateTable('log_head')
        .set({ lineage: param('lineage') })
        .where('lineage', '=', ''),
    ),
    recognise: new Statement(() =>
      db
        .updateTable('log_head')
        .set({ fingerprint: dialect.fingerprint })
        .where('fingerprint', 'is', null)
        .where(dialect.fingerprint, 'is not', null),
    ),
    head: new Statement(() => db.selectFrom('log_head').select(['epoch', 'seq', 'tag'])),
    beat: beatStatement(db, dialect),
    beginEpoch: beginEpochStatement(db, dialect),
    ...epochStatements(db),
    forgetKeys: new Statement(() => db.deleteFrom('signing_key')),
    suspendServices: new Statement((param: Param<{ now: Timestamp }>) =>
      db
        .insertInto('disabled_client')
        .columns(['subject', 'name', 'disabled_at'])
        .expression((eb) =>
          eb
            .selectFrom('service_client')
            .select(['service_client.subject', 'service_client.name'])
            .select(sql<Timestamp>`cast(${param('now')} as bigint)`.as('disabled_at'))
            // Without a condition SQLite would take what follows for one of a join.
            .where(sql<SqlBool>`1 = 1`),
        )
        .onConflict((conflict) => conflict.column('subject').doNothing()),
    ),
    holds: new Statement(
      (param: Param<{ seq: Position; kind: EntryKind; scope: Scope; subject: Bytes; since: Position }>) =>
        db
          .selectFrom('revocation')
          .select('revocation.seq')
          .where('revocation.kind', '=', param('kind'))
          .where('revocation.scope', '=', param('scope'))
          .where('revocation.subject', '=', param('subject'))
          .where((eb) =>
            eb.or([eb('revocation.seq', '=', param('seq')), eb('revocation.seq', '>=', param('since'))]),
          )
          .limit(1),
    ),
    pull: pullStatement(db, dialect),
    purge: new Statement((param: Param<{ now: Timestamp; limit: number }>) =>
      db
        .deleteFrom('revocation')
        .where('seq', 'in', (eb) =>
          eb
            .selectFrom('revocation')
            .select('seq')
            .where('expires_at', '<=', param('now'))
            .limit(param('limit')),
        ),
    ),
    raiseFloor: raiseFloorStatement(db),
    floor: new Statement((param: Param<Floor>) =>
      db
        .selectFrom('floor')
        .select('min_rs')
        .where('scope', '=', param('scope'))
        .where('subject', '=', param('subject')),
    ),
  };
}

/** Where it is not yet time, nothing is locked either: that alone would be a commit, which waits for the disk. */
function beatStatement(db: Kysely<Schema>, dialect: LogDialect) {
  return new Statement((param: Param<{ now: Timestamp }>) => {
    const now = (): RawBuilder<Timestamp> => dialect.now(param('now'));
    return db
      .insertInto('log_beat')
      .columns(['one', 'at'])
      .expression(
        db
          .selectFrom('log_head')
          .select(['log_head.one', now().as('at')])
          // Only in the database that the epoch began in: its successor is yet to be judged by the last beat.
          .where('log_head.fingerprint', '=', dialect.fingerprint)
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('log_beat')
                  .select('log_beat.at')
                  .where(sql<boolean>`${sql.ref('log_beat.at')} > ${now()} - ${sql.lit(BEAT_EVERY)}`),
              ),
            ),
          ),
      )
      .onConflict((conflict) =>
        conflict
          .column('one')
          .doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))
          .where((eb) => eb(eb('excluded.at', '-', eb.ref('log_beat.at')), '>=', BEAT_EVERY)),
      );
  });
}

function beginEpochStatement(db: Kysely<Schema>, dialect: LogDialect) {
  type Values = {
    expected: string;
    epoch: string;
    cause: EpochCause;
    least: Position;
    tag: number;
  };
  return new Statement((param: Param<Values>) => {
    const after = sql<Position>`log_head.seq + ${sql.lit(POSITIONS_PER_SECOND)}`;
    const start = (): Expression<Position> =>
      sql<Position>`case when ${after} > cast(${param('least')} as bigint) then ${after} else cast(${param('least')} as bigint) end`;
    return db
      .updateTable('log_head')
      .set((eb) => ({
        epoch: param('epoch'),
        seq: start(),
        epoch_start: start(),
        epoch_cause: param('cause'),
        tag: param('tag'),
        previous_epoch: eb.ref('log_head.epoch'),
        previous_seq: eb.ref('log_head.seq'),
        previous_beat: eb.selectFrom('log_beat').select('log_beat.at'),
        fingerprint: dialect.fingerprint,
      }))
      .where('log_head.epoch', '=', param('expected'))
      .returning('log_head.epoch_start as start');
  });
}

/**
 * One statement, so that head and entries are of one snapshot: were the head
 * read later, it would cover an entry that the answer lacks.
 *
 * The cursor is of this history where its tag stands at its position: in the entry, or,
 * where that one is gone, at the head. Where neither tells, all is answered.
 */
function pullStatement(db: Kysely<Schema>, dialect: LogDialect) {
  return new Statement((param: Param<{ epoch: string; after: Position; tag: number; now: Timestamp }>) => {
    const now = (): RawBuilder<Timestamp> => dialect.now(param('now'));
    const after = (): Expression<Position> => sql<Position>`cast(${param('after')} as bigint)`;
    const known = (): RawBuilder<number | null> => sql<number | null>`case
      when log_head.epoch <> ${param('epoch')} then null
      when seen.tag is not null then seen.tag
      when log_head.seq = ${after()} then log_head.tag end`;
    const since = sql<Position>`case when ${known()} = cast(${param('tag')} as bigint) then ${after()} else -1 end`;
    return db
      .selectFrom('log_head')
      .leftJoin('log_beat', 'log_beat.one', 'log_head.one')
      .leftJoin('revocation as seen', (join) => join.on('seen.seq', '=', after()))
      .leftJoin('revocation as entry', (join) =>
        join.on('entry.seq', '>', since).on('entry.expires_at', '>', now()),
      )
      .select([
        'log_head.epoch',
        'log_head.seq as head',
        'log_head.lineage',
        'log_head.tag',
        'log_head.epoch_start as epochStart',
        'log_head.epoch_cause as cause',
        'log_head.previous_epoch as previousEpoch',
        'log_head.previous_seq as previousSeq',
        'log_head.previous_beat as previousBeat',
        'log_head.fingerprint as known',
        'log_beat.at as beatAt',
        'entry.seq',
        'entry.kind',
        'entry.scope',
        'entry.subject',
        'entry.expires_at',
        'entry.tag as entryTag',
      ])
      .select([
        known().as('tagAtCursor'),
        now().as('now'),
        dialect.fingerprint.as('fingerprint'),
        dialect.replicated.as('replicated'),
      ])
      .orderBy('entry.seq');
  });
}

/** The revocation log, its floors and its one counter. */
export class SqlLog implements LogStore {
  readonly #statements: LogStatements;
  readonly #dialect: Pick<LogDialect, 'beats'> & Pick<OwnStatements, 'append'>;
  readonly #runner: Runner;
  /** What the copies of the log wait for. */
  readonly #follower: Runner;

  constructor(
    statements: LogStatements,
    dialect: Pick<LogDialect, 'beats'> & Pick<OwnStatements, 'append'>,
    runner: Runner,
    follower: Runner,
  ) {
    this.#statements = statements;
    this.#dialect = dialect;
    this.#runner = runner;
    this.#follower = follower;
  }

  /** Begins the log's first epoch, where it has none; random, so that two databases are never taken for one history. */
  async found(now: Timestamp): Promise<void> {
    const lineage = randomName();
    const values = { seq: leastStart(now), epoch: randomName(), lineage, tag: randomTag() };
    await this.#runner.write(this.#statements.found, values);
    await this.#runner.write(this.#statements.name, { lineage });
    await this.#runner.write(this.#statements.recognise, {});
  }

  async head(): Promise<Cursor> {
    const row = await this.#runner.row(this.#statements.head, {});
    if (row === null) throw new TypeError(NOT_OPEN);
    return { epoch: row.epoch, seq: row.seq, tag: row.tag };
  }

  async append(entries: readonly NewEntry[]): Promise<Appended>;
  async append(entries: readonly NewEntry[], standing?: Standing): Promise<Appended | null>;
  async append(entries: readonly NewEntry[], standing: Standing | null = null): Promise<Appended | null> {
    if (
      !this.#runner.inTransaction &&
      entries.some(({ kind, ends }) => kind === 'revoke' && ends === undefined)
    ) {
      throw new TypeError('entries are appended in the transaction of what they tell of');
    }
    if (entries.length === 0) throw new TypeError('there is nothing to append');
    for (const { ends, scope } of entries) if (ends === 'floor') floorScope(scope);
    const tagged = entries.map((entry) => ({ ...entry, tag: randomTag() }));
    const head = await this.#dialect.append(this.#runner, { entries: tagged, standing });
    if (head === null) {
      if (standing === null) throw new TypeError(NOT_OPEN);
      return null;
    }
    const first = head.seq - entries.length + 1;
    return {
      entries: entries.map(({ kind, scope, subject, expiresAt }, index) => ({
        seq: first + index,
        kind,
        scope,
        subject,
        expiresAt,
      })),
      cursor: { ...head, tag: tagged.at(-1)?.tag ?? 0 },
    };
  }

  async raiseFloor(scope: FloorScope, subject: string, seq: Position): Promise<void> {
    await this.#runner.write(this.#statements.raiseFloor, { scope, subject: idBytes(subject), seq });
  }

  async floor(scope: FloorScope, subject: string): Promise<Position | null> {
    const row = await this.#runner.row(this.#statements.floor, { scope, subject: idBytes(subject) });
    return row?.min_rs ?? null;
  }

  async pull(cursor: Cursor | null, now: Timestamp): Promise<LogReading> {
    // No epoch is empty, so for `null` every entry is of another one.
    const { epoch, seq, tag } = cursor ?? { epoch: '', seq: 0, tag: 0 };
    const rows = await this.#follower.rows(this.#statements.pull, { epoch, after: seq, tag, now });
    const [first] = rows;
    if (first === undefined) throw new TypeError(NOT_OPEN);
    const entries = rows.flatMap((row): Entry[] => {
      if (row.seq === null || row.kind === null || row.scope === null) return [];
      if (row.subject === null || row.expires_at === null) return [];
      const { kind, scope } = row;
      return [{ seq: row.seq, kind, scope, subject: idFromBytes(row.subject), expiresAt: row.expires_at }];
    });
    const tags = rows.flatMap(({ entryTag }) => (entryTag === null ? [] : [entryTag]));
    const { tagAtCursor, beatAt, known, fingerprint } = first;
    const isolatedSince = first.replicated === 1 && beatAt !== null ? beatAt : first.now;
    return {
      lineage: first.lineage,
      epoch: first.epoch,
      epochStart: first.epochStart,
      cause: first.cause,
      head: first.head,
      tag: first.tag,
      now: first.now,
      // R8: where a commit waits for another machine, one that is cut off cannot write its beat.
      age: Math.max(0, first.now - isolatedSince),
      whole: tagAtCursor !== tag,
      entries,
      tags,
      beatAt,
      previous: previousOf(first),
      succeeded: known !== null && fingerprint !== known,
      // 0 is the tag of an entry of a build that gave none.
      rewritten: tagAtCursor !== null && tagAtCursor !== tag && tagAtCursor !== 0 && tag !== 0,
    };
  }

  async beat(now: Timestamp): Promise<void> {
    if (this.#dialect.beats) await this.#follower.write(this.#statements.beat, { now });
  }

  async beginEpoch(
    expected: string,
    cause: EpochCause,
    now: Timestamp,
    seen: Position = 0,
  ): Promise<boolean> {
    return await this.#runner.atomically(async (runner) => {
      // Above `seen` too, where the clock is behind the one that it was given by.
      const least = Math.max(leastStart(now), seen + 1);
      const values = { expected, epoch: randomName(), cause, least, tag: randomTag() };
      const row = await runner.row(this.#statements.beginEpoch, values);
      if (row === null) return false;
      await runner.write(this.#statements.noteEpoch, { now });
      await runner.write(this.#statements.forgetEpochs, { before: now - EPOCHS_KEPT });
      if (cause === 'restore') {
        await runner.write(this.#statements.raiseFloor, { scope: 'all', subject: EVERYONE, seq: row.start });
        await runner.write(this.#statements.forgetKeys, {});
        await runner.write(this.#statements.suspendServices, { now });
      }
      return true;
    });
  }

  async endOf(epoch: string): Promise<EpochEnd | null> {
    const row = await this.#follower.row(this.#statements.endOf, { epoch });
    return row === null ? null : { seq: row.seq, beatAt: row.beatAt, restored: (row.restores ?? 0) > 0 };
  }

  async holds({ seq, kind, scope, subject }: Entry, since: Position): Promise<boolean> {
    const values = { seq, kind, scope, subject: idBytes(subject), since };
    return (await this.#runner.row(this.#statements.holds, values)) !== null;
  }

  async purge(now: Timestamp, limit: number): Promise<number> {
    return await this.#runner.write(this.#statements.purge, { now, limit });
  }
}

const NOT_OPEN = 'the log has no head: the store was not opened';

function randomName(): string {
  return randomBytes(16).toString('base64url');
}

/** Where an epoch begins at the least; exact in a double until 2242. */
export function leastStart(now: Timestamp): Position {
  return Math.floor(now / 1_000) * POSITIONS_PER_SECOND;
}

function previousOf(row: {
  readonly lineage: string;
  readonly previousEpoch: string | null;
  readonly previousSeq: Position | null;
  readonly previousBeat: Timestamp | null;
}): Seen | null {
  const { lineage, previousEpoch: epoch, previousSeq: seq, previousBeat: beatAt } = row;
  return epoch === null || seq === null ? null : { lineage, epoch, seq, tag: 0, beatAt };
}
