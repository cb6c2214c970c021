import type { Cursor, Entry, FloorScope, Position, SessionId, Timestamp, UserId } from '@latchkey/verify';
import type {
  Advance,
  Appended,
  BackupSummary,
  ClientKey,
  DataValue,
  DisabledClient,
  EpochCause,
  EpochEnd,
  FollowerId,
  FollowerRecord,
  ListedSession,
  ListedUser,
  LogReading,
  NewEntry,
  OwnedSession,
  PasswordRecord,
  ReceiptId,
  ReceiptRecord,
  Rotation,
  ServiceClientRecord,
  ServiceReading,
  SessionReading,
  SessionRecord,
  SigningKeyRecord,
  Standing,
  UserReading,
  UserRecord,
  UserSearch,
} from './records.ts';

/*
 * What Latchkey needs of a store. Every implementation passes the suite in
 * `conformance/`, which says the same in tests.
 *
 * Times are handed in: a store decides nothing by a clock of its own, save how old its
 * answers are.
 *
 * Several processes write at once, and each statement sees what was committed before it
 * began. So what is decided by what was read is decided under a lock (`lock`, `hold`),
 * or by a statement that compares and swaps.
 */

/**
 * The store, or a backup of one, cannot be used until somebody does something about it:
 * its message is one line that says what. Thrown by `open`, `backup` and `restore` alone;
 * what may pass by itself is `LK_STORE_UNAVAILABLE`.
 */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused';
}

export interface MetaStore {
  find(key: string): Promise<string | null>;
  /** Writes a value, new or changed. */
  put(key: string, value: string): Promise<void>;
  /** Writes a value where the key has none; answers the value that it has then. */
  putOnce(key: string, value: string): Promise<string>;
}

export interface UserStore {
  /** @returns false, with nothing written, where another user has the `emailKey`. */
  create(user: UserRecord): Promise<boolean>;
  find(id: UserId): Promise<UserRecord | null>;
  /** All of it read in one snapshot, from where it is written. */
  read(id: UserId): Promise<UserReading | null>;
  findByEmail(emailKey: string): Promise<UserRecord | null>;
  /**
   * Finds like `find`, and keeps everybody else from changing or removing the user until
   * the transaction ends.
   */
  hold(id: UserId): Promise<UserRecord | null>;
  /**
   * Holds the user like `hold`, and their sessions in the order in which every flow takes
   * several; a removal alone, by foreign keys, takes them in any.
   *
   * @param beside another session that the transaction needs: it has its place among theirs.
   */
  holdWithSessions(id: UserId, beside: SessionId | null): Promise<UserRecord | null>;
  /**
   * Users in the order of their creation. What is searched for is text, and no character of
   * it stands for others. `after` is the last id of the page before.
   */
  list(search: UserSearch, limit: number, after: UserId | null): Promise<readonly ListedUser[]>;
  count(): Promise<number>;
  /** Since when the user is disabled, `null` for not at all; false where there is no such user. */
  setDisabledAt(id: UserId, at: Timestamp | null): Promise<boolean>;
  /**
   * Deletes the user and all that belongs to them, the count of attempts and when sessions
   * were seen too; false where there is no such user.
   */
  remove(id: UserId): Promise<boolean>;
  /** In alphabetical order. */
  roles(id: UserId): Promise<readonly string[]>;
  /** Does nothing where the user has the role. */
  assignRole(id: UserId, role: string): Promise<void>;
  /** Does nothing where the user does not have it. */
  removeRole(id: UserId, role: string): Promise<void>;
  /** Writes all fields anew; false where there is no such user. */
  setFields(id: UserId, fields: string): Promise<boolean>;
  countWithRole(role: string): Promise<number>;
  /** As `countWithRole`, without those who are disabled. */
  countEnabledWithRole(role: string): Promise<number>;
}

export interface PasswordStore {
  /** Writes the one password of a user, new or changed. */
  put(password: PasswordRecord): Promise<void>;
  /** Replaces the hash where it still is `expected`, for a re-hash that must not undo a change. */
  replace(userId: UserId, expected: string, phc: string, pepper: string | null): Promise<boolean>;
  find(userId: UserId): Promise<PasswordRecord | null>;
  /** Finds like `find`, and keeps everybody else from changing it until the transaction ends. */
  hold(userId: UserId): Promise<PasswordRecord | null>;
  /** The peppers that stored hashes need. */
  peppers(): Promise<readonly string[]>;
}

export interface AttemptStore {
  /**
   * Counts one more consecutive attempt for a subject (a user's id, or a stand-in
   * for an address that nobody has) and answers how many there are now. It must
   * be one atomic step: many may count at once.
   */
  count(subject: string, now: Timestamp): Promise<number>;
  /** The next attempt is the first again. */
  reset(subject: string): Promise<void>;
  /** Forgets stand-ins (subjects that no user has) not tried since `before`. */
  sweep(before: Timestamp, limit: number): Promise<number>;
}

export interface SessionStore {
  /** @returns false, with nothing written, where a floor that concerns it is above its `rs`. */
  create(session: SessionRecord): Promise<boolean>;
  /** All of it read in one snapshot, from where it is written. */
  read(id: SessionId): Promise<SessionReading | null>;
  /**
   * Reads like `read`, and keeps everybody else from changing the session's row until the
   * transaction ends.
   */
  hold(id: SessionId): Promise<SessionReading | null>;
  /**
   * Sessions of a user that may be alive, newest first: not revoked, neither limit
   * passed, no floor above. `after` is the last id of the page before.
   */
  list(
    userId: UserId,
    now: Timestamp,
    limit: number,
    after: SessionId | null,
  ): Promise<readonly ListedSession[]>;
  /**
   * Sessions of all users that may be alive, newest first, as `list` has them; those before
   * login are not among them. `client` is the name of the only one to look at.
   */
  listAll(
    client: string | null,
    now: Timestamp,
    limit: number,
    after: SessionId | null,
  ): Promise<readonly OwnedSession[]>;
  /** Marks a living session as ended by the entry at `seq`; false where it had ended before. */
  revoke(id: SessionId, seq: Position): Promise<boolean>;
  /**
   * Spares one session from a floor that is raised afterwards in the same transaction, at
   * `rs`, which the transaction has taken: its position, which still must be `expected`,
   * becomes `rs`. False, with nothing written, where it is another, the session was ended,
   * or a floor stands above it: sparing never revives.
   */
  spare(id: SessionId, expected: Position, rs: Position): Promise<boolean>;
  /**
   * A new secret, a new `auth_time` and assurance, by compare-and-swap on the
   * secret's hash; false where another has rotated it, or it has ended.
   */
  rotate(id: SessionId, expected: Uint8Array, next: Rotation): Promise<boolean>;
  /**
   * Moves the chain of a living session to its next generation, by
   * compare-and-swap on the generation; false where somebody else has, or it has ended.
   */
  advance(id: SessionId, generation: number, next: Advance): Promise<boolean>;
  /**
   * Notes that the current generation is used by two origins, once for each
   * generation; answers how many in a row were, 0 where it is no longer the current one.
   */
  share(id: SessionId, generation: number): Promise<number>;
  /** Moves idle limits forward, never back. */
  moveIdle(moves: readonly { readonly id: SessionId; readonly idleUntil: Timestamp }[]): Promise<void>;
  /** For display only: may be lost. */
  seen(sightings: readonly { readonly id: SessionId; readonly at: Timestamp }[]): Promise<void>;
  /** Deletes sessions past their absolute limit before `before`, at most `limit`; answers how many. */
  sweep(before: Timestamp, limit: number): Promise<number>;
}

export interface SigningKeyStore {
  /** Oldest first. */
  list(): Promise<readonly SigningKeyRecord[]>;
  find(kid: string): Promise<SigningKeyRecord | null>;
  add(key: SigningKeyRecord): Promise<void>;
  /** Says from when on it signs; false where it is gone. */
  activate(kid: string, at: Timestamp): Promise<boolean>;
  /** Notes that it is used, never at an earlier time than before; false where it is gone. */
  use(kid: string, at: Timestamp): Promise<boolean>;
  /** Seals it anew, where it still is sealed by `expected`. */
  reseal(kid: string, expected: string, sealed: Uint8Array, sealedBy: string): Promise<boolean>;
  /** False where it was gone before. */
  remove(kid: string): Promise<boolean>;
  /** Deletes keys last used before `before`, at most `limit`; answers how many. */
  sweep(before: Timestamp, limit: number): Promise<number>;
}

export interface SessionDataStore {
  read(id: SessionId): Promise<ReadonlyMap<string, DataValue>>;
  /**
   * Writes one key (`null` deletes it) where its version still is `expected`, 0 for
   * a key that isn't there; false, with nothing written, where somebody else was faster.
   */
  write(id: SessionId, key: string, value: string | null, expected: number): Promise<boolean>;
}

export interface ProofStore {
  /** Makes this the only proof of its kind. */
  replace(kind: 'setup', hash: Uint8Array, expiresAt: Timestamp): Promise<void>;
  /** Spends a proof; false where it is unknown, spent or expired. */
  spend(kind: 'setup', hash: Uint8Array, now: Timestamp): Promise<boolean>;
  find(kind: 'setup', hash: Uint8Array, now: Timestamp): Promise<boolean>;
  remove(kind: 'setup'): Promise<void>;
}

export interface LogStore {
  /** The epoch and the position of the last entry that was committed. */
  head(): Promise<Cursor>;
  /**
   * Appends entries, one at least, in commit order, each with what it ends. It must be the
   * last lock of its transaction: the counter's row stays locked until the commit, so
   * whatever is written after it must have been locked before, or be locked by nobody
   * without it. Outside of a transaction it is one by itself, and what revokes must say what
   * it ends. Other processes are told of them when they are committed, where the store can tell.
   *
   * @returns `null`, with nothing written, where the value that they rest on is another now;
   *   else nobody changes it until the transaction ends.
   */
  append(entries: readonly NewEntry[]): Promise<Appended>;
  append(entries: readonly NewEntry[], standing: Standing): Promise<Appended | null>;
  /**
   * Everything of that scope and subject that is older than `seq` is dead. A floor
   * is never lowered: a lower value changes nothing.
   */
  raiseFloor(scope: FloorScope, subject: string, seq: Position): Promise<void>;
  floor(scope: FloorScope, subject: string): Promise<Position | null>;
  /**
   * Head and live entries in one snapshot, from where they are written; the whole live set
   * for `null`, and unless the cursor is of this epoch and its tag stands at its position.
   */
  pull(cursor: Cursor | null, now: Timestamp): Promise<LogReading>;
  /**
   * Notes once a second, however many ask, that the store can be written to; nothing where
   * it cannot be told from a copy or a successor of itself.
   */
  beat(now: Timestamp): Promise<void>;
  /**
   * Begins another epoch, above every position ever given and above `seen`, where `expected`
   * is still the epoch; false, with nothing written, where somebody else was faster. After a
   * `restore` all that is older is dead: a floor for everyone stands where the epoch starts,
   * signing keys are gone, and clients with a key are disabled, because what was revoked
   * meanwhile cannot be known.
   */
  beginEpoch(expected: string, cause: EpochCause, now: Timestamp, seen?: Position): Promise<boolean>;
  /** Where an epoch of the last year ended; `null` for the current one, and where it is not known. */
  endOf(epoch: string): Promise<EpochEnd | null>;
  /**
   * Whether an entry stands where it stood, or one of the same kind, scope and subject at
   * `since` or later.
   */
  holds(entry: Entry, since: Position): Promise<boolean>;
  /** Deletes entries that expired before `now`, at most `limit`; answers how many. */
  purge(now: Timestamp, limit: number): Promise<number>;
}

export interface ReceiptStore {
  /** Writes nothing for a user who is gone, as their deletion takes along what they hold. */
  create(receipt: ReceiptRecord): Promise<void>;
  find(id: ReceiptId): Promise<ReceiptRecord | null>;
  sweep(before: Timestamp, limit: number): Promise<number>;
}

export interface FollowerStore {
  /**
   * New, or the same follower again with what it has acknowledged since, and with who follows
   * through it, where that report is newer than the one that is there.
   */
  put(follower: FollowerRecord): Promise<void>;
  list(): Promise<readonly FollowerRecord[]>;
  remove(id: FollowerId): Promise<void>;
  /**
   * Removes those not seen since `before` that are not kept until later than `now`; each must
   * register again before its next pull is answered.
   */
  sweep(before: Timestamp, now: Timestamp): Promise<number>;
}

/** Every part of the store, inside or outside a transaction. */
export interface Tables {
  readonly meta: MetaStore;
  readonly users: UserStore;
  readonly passwords: PasswordStore;
  readonly attempts: AttemptStore;
  readonly sessions: SessionStore;
  readonly data: SessionDataStore;
  readonly signingKeys: SigningKeyStore;
  readonly proofs: ProofStore;
  readonly log: LogStore;
  readonly receipts: ReceiptStore;
  readonly followers: FollowerStore;
  readonly clients: ClientStore;
  readonly services: ServiceClientStore;
  /** Keeps everybody else who asks for the same name waiting until this transaction ends. */
  lock(name: LockName): Promise<void>;
}

/** What processes do one at a time. */
export type LockName = 'bounds' | 'signing_keys' | 'administrators' | 'clients' | 'canary';

/** Configured clients, as far as the store knows of them. */
export interface ClientStore {
  /** Does nothing where it is disabled. */
  disable(client: { readonly subject: string; readonly name: string }, at: Timestamp): Promise<void>;
  /** Does nothing where it is not disabled. */
  enable(subject: string): Promise<void>;
  /** Since when it has been disabled; `null` where it is not. */
  disabledAt(subject: string): Promise<Timestamp | null>;
  /** Those that are disabled, in the order of their subjects. */
  listDisabled(): Promise<readonly DisabledClient[]>;
}

export interface ServiceClientStore {
  /** @returns false, with nothing written, where another has the subject. */
  create(client: ServiceClientRecord): Promise<boolean>;
  /** All of it read in one snapshot, from where it is written. */
  read(subject: string): Promise<ServiceReading | null>;
  /** Finds a client, and keeps everybody else from changing its row until the transaction ends. */
  hold(subject: string): Promise<ServiceClientRecord | null>;
  /** By their names, the disabled too. */
  list(): Promise<readonly ServiceClientRecord[]>;
  /** By their names, without those that are disabled. */
  listEnabled(): Promise<readonly ServiceClientRecord[]>;
  /** Puts a key in the place of the one before; false where there is no such client. */
  replaceKey(subject: string, key: ClientKey, at: Timestamp): Promise<boolean>;
}

export interface RestoreOptions {
  readonly now: Timestamp;
  /** Whether what the database holds may be replaced. */
  readonly replace: boolean;
  /** The ids of the root keys that are there. */
  readonly rootKeys: readonly string[];
  /** The highest position that anybody has seen of the log, here or in the database that is lost. */
  readonly seen: Position;
}

export interface Store extends Tables {
  /** Connects and brings the schema up to date. May be called again after it failed. */
  open(now: Timestamp): Promise<void>;
  close(): Promise<void>;
  /**
   * Runs `work` in one transaction. All of it is durable when the promise resolves, and
   * nothing of it where `work` failed. Where the connection is lost during the commit it is
   * one of the two, and nobody knows which: `LK_STORE_UNAVAILABLE`.
   *
   * `work` awaits nothing but the tables it is given, and keeps nothing of a run that it did
   * not finish: where it loses against another, it runs again from its start.
   */
  transaction<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
  /**
   * Calls `listener` when another process may have appended entries, with those that the
   * store can tell, until the function that it returns is called. It may be called for
   * nothing, and may miss some. `atOnce` as in `LogSource.onHint`.
   */
  onHint(listener: (entries: readonly Entry[], atOnce: boolean) => void): () => void;
  /** Whether other processes are heard as they append; else it is looked for what they did. */
  hears(): boolean;
  /**
   * Everything that is worth to be kept, of one moment, as lines of text that any store can
   * restore. Nobody who writes waits for it.
   *
   * @throws {StoreRefused} where no server has worked on the database yet, or a newer build.
   */
  backup(now: Timestamp): AsyncIterable<string>;
  /**
   * Puts a backup in the place of what is there, in one transaction, and begins another
   * epoch with it, as `LogStore.beginEpoch` for a `restore`. `read` is called twice: nothing
   * is written before all of it has been read and found whole.
   *
   * @throws {StoreRefused} with the remedy, and nothing was written.
   */
  restore(read: () => AsyncIterable<string>, options: RestoreOptions): Promise<BackupSummary>;
}
