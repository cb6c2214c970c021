import type {
  Clock,
  Cursor,
  Entry,
  FloorScope,
  LogSource,
  Millis,
  Position,
  Pull,
  Scope,
  SessionId,
  Timestamp,
  UserId,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import { newId, subjectOf } from '../foundation/ids.ts';
import type { FollowerId, Store, Tables } from '../stores/store.ts';
import type { Bounds } from './bounds.ts';

/** How often a follower writes that it is there, and how far it has come. */
const HEARTBEAT: Millis = 10_000;
/** How often it writes the latter where it has come further; more often would be a write for each pull (R9). */
const ACKNOWLEDGE: Millis = 1_000;
/** A follower silent for so long is none: it registers again before its next pull is answered. */
const FOLLOWER_LIFE: Millis = 60_000;
/** R6: clocks may differ by so much, and a minute on top for what nobody thought of. */
const LEEWAY: Millis = 30_000 + 60_000;

/** Whose trust ends. */
export type RevocationTarget =
  | { readonly session: SessionId }
  | { readonly user: UserId }
  | { readonly client: string }
  | { readonly all: true };

/** A session that outlives the others of its user, with its position as it was read. */
export interface Spared {
  readonly id: SessionId;
  readonly rs: Position;
}

/** What may be done to trust inside a transaction; each goes into the rows *and* into the log. */
export interface Trust {
  /** Ends what the target names. */
  revoke(target: RevocationTarget): Promise<void>;
  /**
   * Ends all sessions of a user but one, which was read in this transaction and lives.
   *
   * @throws `LK_UNAUTHENTICATED` where it was ended meanwhile: nobody spares what is dead.
   */
  revokeOthers(user: UserId, spared: Spared | null): Promise<void>;
  /** What is remembered of a session no longer holds; the session lives. */
  sessionChanged(session: SessionId): Promise<void>;
  /** What is remembered of a user, and what tokens say of them, no longer holds; their sessions live. */
  userChanged(user: UserId): Promise<void>;
}

export interface RevocationLogOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly maxStaleness: Millis;
  readonly bounds: Bounds;
  /** A name for people, such as the host's. */
  readonly followerName: string;
}

/**
 * The revocation log of one node: where trust ends, and where its tail reads.
 *
 * Rows are the truth, the log is the delta: each revocation is in a session's
 * row or in a floor as well, in the same transaction, so that a reader of the
 * store needs no log and an entry may die.
 */
export class RevocationLog implements LogSource {
  readonly follower: FollowerId;
  readonly #options: RevocationLogOptions;
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();
  #registeredAt: Timestamp | null = null;
  #beatAt: Timestamp = 0;
  #acknowledged: Position = 0;

  constructor(options: RevocationLogOptions) {
    this.#options = options;
    this.follower = newId(options.clock.now());
  }

  /**
   * Runs a change of trust in one transaction and tells the tails of this
   * process when it is durable.
   *
   * @returns what `work` answered, and where the log stood after its last entry (`null` where it wrote none).
   */
  async change<T>(
    work: (tables: Tables, trust: Trust) => Promise<T>,
  ): Promise<{ readonly result: T; readonly cursor: Cursor | null }> {
    const entries: Entry[] = [];
    let epoch = '';
    const result = await this.#options.store.transaction(async (tables) => {
      const answer = await work(tables, this.#trust(tables, entries));
      if (entries.length > 0) epoch = (await tables.log.head()).epoch;
      return answer;
    });
    const last = entries.at(-1);
    if (last === undefined) return { result, cursor: null };
    for (const listener of this.#listeners) listener(entries);
    return { result, cursor: { epoch, seq: last.seq } };
  }

  /** A pull is also how a follower registers and acknowledges: before it is answered, the store knows of it. */
  async pull(cursor: Cursor | null): Promise<Pull> {
    const { store, clock, maxStaleness } = this.#options;
    const now = clock.now();
    const reached = cursor?.seq ?? 0;
    const since = now - this.#beatAt;
    const due = since >= (reached > this.#acknowledged ? ACKNOWLEDGE : HEARTBEAT) || since < 0;
    if (this.#registeredAt === null || due) await this.#register(now, reached);
    return { ...(await store.log.pull(cursor, clock.now())), age: 0, maxStaleness };
  }

  onHint(listener: (entries: readonly Entry[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes this process off the list of followers, so that no receipt waits for it. */
  async leave(): Promise<void> {
    if (this.#registeredAt !== null) await this.#options.store.followers.remove(this.follower);
    this.#registeredAt = null;
  }

  async #register(now: Timestamp, acknowledged: number): Promise<void> {
    const { store, followerName } = this.#options;
    const returning = this.#registeredAt !== null && now - this.#beatAt < FOLLOWER_LIFE;
    const registeredAt = returning ? (this.#registeredAt ?? now) : now;
    await store.followers.put({
      id: this.follower,
      name: followerName,
      registeredAt,
      acknowledged,
      seenAt: now,
    });
    await store.followers.sweep(now - FOLLOWER_LIFE);
    this.#registeredAt = registeredAt;
    this.#beatAt = now;
    this.#acknowledged = acknowledged;
  }

  #trust(tables: Tables, entries: Entry[]): Trust {
    const append = async (kind: Entry['kind'], scope: Scope, subject: string): Promise<Entry> => {
      const { clock, bounds } = this.#options;
      // R6: nothing that anybody may still hold outlives the entry.
      const { accessLife, nearCacheLife, maxStaleness } = await bounds.largest(tables);
      const expiresAt = clock.now() + accessLife + nearCacheLife + maxStaleness + LEEWAY;
      const [entry] = await tables.log.append([{ kind, scope, subject, expiresAt }]);
      if (entry === undefined) throw new TypeError('the store appended nothing');
      entries.push(entry);
      return entry;
    };
    const raiseFloor = async (scope: FloorScope, subject: string): Promise<Entry> => {
      const entry = await append('revoke', scope, subject);
      await tables.log.raiseFloor(scope, subject, entry.seq);
      return entry;
    };
    return {
      revoke: async (target) => {
        if ('session' in target) {
          const entry = await append('revoke', 'session', target.session);
          await tables.sessions.revoke(target.session, entry.seq);
        } else if ('user' in target) await raiseFloor('user', target.user);
        else if ('client' in target) await raiseFloor('client', subjectOf('client', target.client));
        else await raiseFloor('all', '');
      },
      revokeOthers: async (user, spared) => {
        const entry = await raiseFloor('user', user);
        if (spared === null) return;
        if (!(await tables.sessions.spare(spared.id, spared.rs, entry.seq)))
          throw failure('LK_UNAUTHENTICATED');
      },
      sessionChanged: async (session) => {
        await append('changed', 'session', session);
      },
      userChanged: async (user) => {
        await append('changed', 'user', user);
      },
    };
  }
}
