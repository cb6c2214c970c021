import { setImmediate as turn } from 'node:timers/promises';
import {
  ageOf,
  type Clock,
  type Cursor,
  type Entry,
  type EntryKind,
  type LogSource,
  type Millis,
  type Moment,
  momentOf,
  type Position,
  type Pull,
  type Scope,
  type SessionId,
  type Timestamp,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import { sortIds, subjectOf } from '../foundation/ids.ts';
import type {
  Appended,
  EpochCause,
  EpochEnd,
  FollowerId,
  LogReading,
  NewEntry,
  Seen,
} from '../stores/records.ts';
import type { Store, Tables } from '../stores/store.ts';
import type { Bounds } from './bounds.ts';
import { CAUSES, type Cause, type SparingCause, type SubjectOf } from './causes.ts';
import { judgeHistory } from './history.ts';
import { RecentEntries } from './recent-entries.ts';
import { HEARTBEAT, Registration } from './registration.ts';
import type { RemoteFollowers } from './remote-followers.ts';
import type { Watermark } from './watermark.ts';

/** R6: clocks may differ by so much, and a minute on top for what nobody thought of. */
const LEEWAY: Millis = 30_000 + 60_000;

/** R2: a verifier may hold a set of keys for a day without hearing of it, and a day on top. */
const KEY_ENTRY_LIFE: Millis = 2 * 86_400_000;
/** How often the watermark is written at the most. */
const WATERMARK_EVERY: Millis = 1_000;
/** How often a history that somebody else began meanwhile is judged again. */
const MAX_JUDGEMENTS = 5;

/** A session that outlives the others of its user, with its position as it was read. */
export interface Spared {
  readonly id: SessionId;
  readonly rs: Position;
}

/** What may be done to trust inside a transaction; each goes into the rows *and* into the log, when the work is done. */
export interface Trust {
  /**
   * Ends or changes trust. A session that is spared must have been read in this
   * transaction; where it turns out to have ended meanwhile the change fails with
   * `LK_UNAUTHENTICATED`, for nobody spares what is dead.
   */
  apply<C extends SparingCause>(cause: C, subject: SubjectOf<C>, spared: Spared | null): void;
  apply<C extends Exclude<Cause, SparingCause>>(cause: C, subject: SubjectOf<C>): void;
}

/** Something that is to be written when the work of a change is done. */
interface Intent {
  readonly kind: EntryKind;
  readonly scope: Scope;
  readonly subject: string;
  readonly spared: Spared | null;
}

/** A pull, with the tag of each entry, by which a cursor that stands there is known. */
export interface TaggedPull extends Pull {
  readonly tags: readonly number[];
}

export interface RevocationLogOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly maxStaleness: Millis;
  readonly bounds: Bounds;
  /** A name for people, such as the host's. */
  readonly followerName: string;
  /** Who follows through this process. */
  readonly remote: RemoteFollowers;
  /** `null` where nothing outside the database remembers how far the log was seen. */
  readonly watermark: Watermark | null;
  /** Told when the log goes on in another history, before anybody relies on it. */
  readonly onEpoch: (cause: EpochCause) => Promise<void>;
  /** Told of what failed beside a pull: the beat, the watermark. */
  readonly onError: (error: unknown) => void;
}

/**
 * The revocation log of one node: where trust ends, and where its tail reads.
 *
 * Rows are the truth, the log is the delta: each revocation is in a session's
 * row or in a floor as well, in the same transaction, so that a reader of the
 * store needs no log and an entry may die.
 */
export class RevocationLog implements LogSource {
  readonly #options: RevocationLogOptions;
  readonly #registration: Registration;
  readonly #listeners = new Set<(entries: readonly Entry[], atOnce: boolean) => void>();
  #seen: Seen | null = null;
  #recalled = false;
  /** Whether what was seen has been seen by this process, and not only read from the watermark. */
  #seenHere = false;
  readonly #recent = new RecentEntries();
  /** The log's clock at the last reading, and when that was sent. */
  #there: { readonly now: Timestamp; readonly at: Moment } | null = null;
  #beating = false;
  #markedAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: RevocationLogOptions) {
    this.#options = options;
    const { store, clock, followerName: name, remote } = options;
    this.#registration = new Registration({
      store,
      clock,
      name,
      remote,
      now: () => this.now(),
      head: () => this.head,
    });
  }

  /** This process, among those who follow. */
  get follower(): FollowerId {
    return this.#registration.follower;
  }

  /**
   * Runs a change of trust in one transaction and tells the tails of this
   * process when it is durable. `work` may be run more than once, as `Store.transaction` says.
   *
   * @returns what `work` answered, and where the log stood after its last entry (`null` where it wrote none).
   */
  async change<T>(
    work: (tables: Tables, trust: Trust) => Promise<T>,
  ): Promise<{ readonly result: T; readonly cursor: Cursor | null }> {
    const { result, appended } = await this.#options.store.transaction(async (tables) => {
      const { trust, intents } = noting();
      const answer = await work(tables, trust);
      return { result: answer, appended: await this.#write(tables, intents) };
    });
    if (appended !== null) await this.#tell(appended);
    return { result, cursor: appended?.cursor ?? null };
  }

  /**
   * Changes trust where nothing has to be read first, nor written beside it: what takes least time.
   *
   * @throws {TypeError} where a session is spared, or a signing key revoked: there is more to write.
   */
  async changeAlone(note: (trust: Trust) => void): Promise<{ readonly cursor: Cursor }> {
    const { trust, intents } = noting();
    note(trust);
    if (intents.some(({ spared, scope }) => spared !== null || scope === 'signing_key'))
      throw new TypeError('such a change needs a transaction');
    const appended = await this.#append(this.#options.store, intents);
    await this.#tell(appended);
    return { cursor: appended.cursor };
  }

  async #tell({ entries }: Appended): Promise<void> {
    this.#recent.add(entries, this.#options.clock.monotonic());
    for (const listener of this.#listeners) listener(entries, true);
    // What the listeners have written goes out with this turn. SQLite works on this thread:
    // what the caller writes next, such as a receipt, would hold it up for as long as the disk takes.
    await turn();
  }

  /**
   * The time where the log is written, by which everything is dated that other nodes go by:
   * a node whose clock is wrong must not end what others hold, nor let it live longer.
   */
  now(): Timestamp {
    const { clock } = this.#options;
    if (this.#there === null) return clock.now();
    return Math.floor(this.#there.now + clock.monotonic() - this.#there.at.monotonic);
  }

  /**
   * The same for what must not end too early: `now` is behind where the machine has slept
   * since the last reading, and its own wall clock tells for how long.
   */
  latest(): Timestamp {
    const { clock } = this.#options;
    return this.#there === null ? clock.now() : Math.floor(this.#there.now + ageOf(clock, this.#there.at));
  }

  /** A pull is also how a follower registers and acknowledges: before it is answered, the store knows of it. */
  async pull(cursor: Cursor | null): Promise<TaggedPull> {
    const { maxStaleness, clock } = this.#options;
    // Whoever registers does so with a head that was read, and by the clock of where it stands:
    // after a sleep `now` is behind, and would not tell that others have taken the row away.
    if (this.#there === null || ageOf(clock, this.#there.at) > HEARTBEAT) await this.#read(cursor);
    await this.#registration.reach(cursor?.seq ?? 0);
    const { epoch, epochStart, head, tag, now: there, age, whole, entries, tags } = await this.#read(cursor);
    return { epoch, epochStart, head, tag, now: there, age, whole, entries, tags, maxStaleness };
  }

  /** The log's head at the last reading of it; 0 before the first. */
  get head(): Position {
    return this.#seen?.seq ?? 0;
  }

  /**
   * Writes who follows, this process and those who follow through it.
   *
   * @throws as `Registration.report`.
   */
  report(): Promise<void> {
    return this.#registration.report();
  }

  onHint(listener: (entries: readonly Entry[], atOnce: boolean) => void): () => void {
    this.#listeners.add(listener);
    const stop = this.#options.store.onHint(listener);
    return () => {
      this.#listeners.delete(listener);
      stop();
    };
  }

  /** Takes this process off the list of followers, as `Registration.leave`, and notes how far it has seen the log. */
  async leave(): Promise<void> {
    if (this.#seen !== null) await this.#mark(this.#seen, Number.POSITIVE_INFINITY);
    await this.#registration.leave();
  }

  /** Reads the log, and sees to it that what it answers goes on from what was seen (R8). */
  async #read(cursor: Cursor | null): Promise<LogReading> {
    const { store, clock } = this.#options;
    for (let judged = 0; judged < MAX_JUDGEMENTS; judged += 1) {
      const at = momentOf(clock);
      const answer = await store.log.pull(cursor, clock.now());
      const seen = await this.#recall(answer.lineage);
      const rewritten = await this.#isRewritten(answer, seen);
      const verdict = judgeHistory(seen, { ...answer, rewritten }, await this.#endOf(seen, answer));
      if (verdict === 'same') {
        this.#there = { now: answer.now, at };
        // Only now: a beat in a database that has just been put back would hide how old it is.
        this.#beat(clock.now());
        if (seen !== null && seen.epoch !== answer.epoch) await this.#goOn(answer);
        const { lineage, epoch, head, tag, beatAt } = answer;
        this.#seen = { lineage, epoch, seq: head, tag, beatAt };
        await this.#mark(this.#seen, clock.monotonic());
        this.#recent.forgetOld(at.monotonic);
        if (!answer.whole) this.#recent.add(answer.entries, at.monotonic);
        return answer;
      }
      // Whoever is first writes it; the others find it written.
      await store.transaction(async (tables) => {
        // R7: before the log's head, as whoever removes a key or disables a client takes the two.
        await tables.lock('clients');
        await tables.lock('signing_keys');
        await tables.log.beginEpoch(answer.epoch, verdict, clock.now(), seen?.seq);
      });
    }
    throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
  }

  /** Whether other entries stand where those stood that were seen; a first pull has no cursor of its own to tell by. */
  async #isRewritten(answer: LogReading, seen: Seen | null): Promise<boolean> {
    const { store, clock } = this.#options;
    if (this.#seenHere || seen === null || seen.epoch !== answer.epoch || answer.head < seen.seq)
      return answer.rewritten;
    this.#seenHere = true;
    return (await store.log.pull(seen, clock.now())).rewritten;
  }

  /** Where the epoch that was seen ended, where the answer does not say it itself. */
  async #endOf(seen: Seen | null, { lineage, epoch, previous }: LogReading): Promise<EpochEnd | null> {
    if (seen === null || seen.lineage !== lineage) return null;
    if (seen.epoch === epoch || seen.epoch === previous?.epoch) return null;
    return await this.#options.store.log.endOf(seen.epoch);
  }

  /** In a new history: what may have been lost on the way to it is written again, where not all that is older is dead anyway. */
  async #goOn({ cause, epochStart }: LogReading): Promise<void> {
    const remembered = this.#recent.all;
    if (cause === 'failover' && remembered.length > 0) {
      const appended = await this.#options.store.transaction(async (tables) => {
        // One process at a time, so that of many who remember an entry one appends it.
        await tables.lock('bounds');
        const lacking: Intent[] = [];
        for (const entry of remembered) {
          if (await tables.log.holds(entry, epochStart)) continue;
          // Nobody is spared twice: the row of whoever was is lacking as well.
          lacking.push({ kind: entry.kind, scope: entry.scope, subject: entry.subject, spared: null });
        }
        return await this.#write(tables, lacking);
      });
      if (appended !== null) this.#recent.add(appended.entries, this.#options.clock.monotonic());
    }
    await this.#options.onEpoch(cause);
  }

  async #recall(lineage: string): Promise<Seen | null> {
    if (!this.#recalled) this.#seen ??= (await this.#options.watermark?.find(lineage)) ?? null;
    this.#recalled = true;
    return this.#seen;
  }

  async #mark(seen: Seen, now: Millis): Promise<void> {
    if (now - this.#markedAt < WATERMARK_EVERY) return;
    this.#markedAt = now;
    await this.#options.watermark?.write(seen).catch(this.#options.onError);
  }

  /** Beside the pull: where it hangs because another machine is cut off, its age is what tells. */
  #beat(now: Timestamp): void {
    if (this.#beating) return;
    this.#beating = true;
    this.#options.store.log
      .beat(now)
      .catch(this.#options.onError)
      .finally(() => {
        this.#beating = false;
      });
  }

  /** Writes what was noted, last in its transaction: rows are locked first, then the log's head (R7). */
  async #write(tables: Tables, intents: readonly Intent[]): Promise<Appended | null> {
    await this.#removeKeys(tables, intents);
    if (intents.length === 0) return null;
    const appended = await this.#append(tables, intents);
    for (const [index, { scope, subject, spared }] of intents.entries()) {
      const seq = appended.entries[index]?.seq;
      if (seq === undefined || spared === null) continue;
      // Nobody is spared from these.
      if (scope === 'session' || scope === 'signing_key' || scope === 'api_key') continue;
      if (!(await tables.sessions.spare(spared.id, spared.rs, seq))) throw failure('LK_UNAUTHENTICATED');
      await tables.log.raiseFloor(scope, subject, seq);
    }
    return appended;
  }

  /** The row of a key is what says that it is trusted: it goes with the entry, and a failover that lost one has lost both. */
  async #removeKeys(tables: Tables, intents: readonly Intent[]): Promise<void> {
    const subjects = new Set(
      intents.flatMap(({ scope, subject }) => (scope === 'signing_key' ? [subject] : [])),
    );
    if (subjects.size === 0) return;
    // Before the names, as everywhere (R7).
    for (const id of sessionsEndedBy(intents)) await tables.sessions.hold(id);
    await tables.lock('signing_keys');
    for (const { kid } of await tables.signingKeys.list()) {
      if (subjects.has(subjectOf('signing_key', kid))) await tables.signingKeys.remove(kid);
    }
  }

  /** R6: nothing that anybody may still hold outlives the entry, so it is only written while what it was reckoned with stands. */
  async #append(tables: Pick<Tables, 'log' | 'meta'>, intents: readonly Intent[]): Promise<Appended> {
    const { bounds } = this.#options;
    for (let reckoned = 0; reckoned < MAX_JUDGEMENTS; reckoned += 1) {
      const { largest, standing } = await bounds.known(tables);
      const life = largest.accessLife + largest.nearCacheLife + largest.maxStaleness + LEEWAY;
      const now = this.latest();
      const entries = intents.map((intent) => entryOf(intent, now, life));
      const appended = await tables.log.append(entries, standing);
      if (appended !== null) return appended;
      bounds.forget();
    }
    throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
  }
}

/** What is applied to the trust here stands in the list. */
function noting(): { readonly trust: Trust; readonly intents: readonly Intent[] } {
  const intents: Intent[] = [];
  const apply = (cause: Cause, subject: string, spared: Spared | null = null): void =>
    void intents.push({ ...CAUSES[cause], subject, spared });
  return { trust: { apply }, intents };
}

/** In one order, so that two who end the same sessions don't wait for each other. */
function sessionsEndedBy(intents: readonly Intent[]): readonly SessionId[] {
  return sortIds(
    intents
      .filter(({ kind, scope }) => kind === 'revoke' && scope === 'session')
      .map(({ subject }) => subject as SessionId),
  );
}

/** A floor is not raised where somebody is spared: that one's row goes first. */
function entryOf({ kind, scope, subject, spared }: Intent, now: Timestamp, life: Millis): NewEntry {
  const expiresAt = now + (scope === 'signing_key' ? KEY_ENTRY_LIFE : life);
  const entry = { kind, scope, subject, expiresAt };
  if (kind === 'changed' || scope === 'signing_key' || scope === 'api_key' || spared !== null) return entry;
  return { ...entry, ends: scope === 'session' ? 'session' : 'floor' };
}
