import type {
  Acr,
  Amr,
  Cursor,
  Entry,
  EntryKind,
  FloorScope,
  Id,
  Position,
  Pull,
  Scope,
  SessionId,
  SigningAlgorithm,
  Timestamp,
  UserId,
} from '@latchkey/verify';

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

export type ReceiptId = Id<'receipt'>;
export type FollowerId = Id<'follower'>;

export interface UserRecord {
  readonly id: UserId;
  /** As its owner wrote it: shown and mailed. */
  readonly email: string;
  /** What is compared, and unique. */
  readonly emailKey: string;
  readonly name: string | null;
  readonly emailVerifiedAt: Timestamp | null;
  readonly createdAt: Timestamp;
  readonly disabledAt: Timestamp | null;
  /** What the application's schema adds: a JSON object as text. */
  readonly fields: string;
}

/** One reading of a user with all that a token without a session depends on, in one snapshot. */
export interface UserReading {
  /** The log's head in the same snapshot. */
  readonly head: Position;
  readonly user: UserRecord;
  /** Names of roles, in alphabetical order. */
  readonly roles: readonly string[];
  /** The highest floor that concerns the user or everyone, or `null`. */
  readonly floor: Position | null;
}

/** A user as an administrator sees it in a list. */
export interface ListedUser {
  readonly user: UserRecord;
  /** Names of roles, in alphabetical order. */
  readonly roles: readonly string[];
}

/** Which users a list holds: those with either beginning. An empty text begins every other. */
export interface UserSearch {
  /** How the `emailKey` begins, byte by byte. */
  readonly emailKey: string;
  /** How the name begins, whatever the case of its ASCII letters. */
  readonly name: string;
}

export interface PasswordRecord {
  readonly userId: UserId;
  /** A PHC string with all its parameters. */
  readonly phc: string;
  /** Which root key's pepper went in, or `null` for a hash that was made without. */
  readonly pepper: string | null;
  readonly changedAt: Timestamp;
}

/**
 * The chain of a session's refresh tokens. No token is stored, nor its hash: each
 * follows from the root secret and what stands here.
 */
export interface RefreshChain {
  /** Sixteen random bytes that go into each of its tokens. */
  readonly nonce: Uint8Array;
  /** Which successor is current; 0 at login. */
  readonly generation: number;
  /** Since when. */
  readonly generationAt: Timestamp;
  /** The root key of the current generation. */
  readonly key: string;
  /** Who rotated it last: sixteen bytes of a digest over network and device. */
  readonly origin: Uint8Array;
  /** How many generations in a row were used by two origins within their grace. */
  readonly sharedRun: number;
  /** The last of them. */
  readonly sharedGeneration: number | null;
}

/** A session's row: the root of all its credentials, before and after login. */
export interface SessionRecord {
  readonly id: SessionId;
  /** `null` before login. */
  readonly userId: UserId | null;
  /** The name of the configured client. */
  readonly client: string;
  /** The client's subject in the log. */
  readonly clientSubject: string;
  /** What floors are compared with. */
  readonly rs: Position;
  /** SHA-256 of the secret in the cookie. */
  readonly secretHash: Uint8Array;
  /** SHA-256 of the secret before the last rotation. */
  readonly previousSecretHash: Uint8Array | null;
  readonly rotatedAt: Timestamp | null;
  /** `auth_time` under the previous secret, for as long as that one is good. */
  readonly previousAuthTime: Timestamp | null;
  readonly createdAt: Timestamp;
  readonly idleUntil: Timestamp;
  readonly expiresAt: Timestamp;
  /** The position of the entry that ended it, or `null` while it lives. */
  readonly revokedSeq: Position | null;
  readonly authTime: Timestamp | null;
  readonly acr: Acr | null;
  readonly amr: readonly Amr[];
  /** The network address at login. */
  readonly ip: string | null;
  /** A label for people, such as "Firefox on Linux". */
  readonly device: string | null;
  /** `null` where the session has no refresh tokens. */
  readonly chain: RefreshChain | null;
}

/** One reading of a session with all that its life depends on, in one snapshot. */
export interface SessionReading {
  /** The log's head in the same snapshot. */
  readonly head: Position;
  readonly session: SessionRecord;
  /** The highest floor that concerns the session (its user's, its client's, everyone's), or `null`. */
  readonly floor: Position | null;
  readonly user: UserRecord | null;
  /** Names of the user's roles, in alphabetical order. */
  readonly roles: readonly string[];
}

/** A session as its owner sees it in a list. */
export interface ListedSession {
  readonly session: SessionRecord;
  /** `null` where it has not been used since it was created. */
  readonly lastSeenAt: Timestamp | null;
}

/** A session of somebody, as an administrator sees it in a list. */
export interface OwnedSession extends ListedSession {
  readonly owner: { readonly id: UserId; readonly email: string };
}

export interface DataValue {
  /** JSON text. */
  readonly value: string;
  /** Rises by one with each write of the key. */
  readonly version: number;
}

export interface NewEntry {
  readonly kind: EntryKind;
  readonly scope: Scope;
  readonly subject: string;
  readonly expiresAt: Timestamp;
  /**
   * What is written with it: the session of that id ends at its position, or the floor of
   * that scope and subject is raised to it. Without it, that is the caller's to do.
   */
  readonly ends?: 'session' | 'floor';
}

/** A value of `meta` that something rests on, as it was read; `null` where there was none. */
export interface Standing {
  readonly key: string;
  readonly value: string | null;
}

/** Why an epoch of the log began. */
export type EpochCause = 'first' | 'failover' | 'restore';

/** A pull as the store answers it, with what tells one history of the log from another (R8). */
export interface LogReading extends Omit<Pull, 'maxStaleness'> {
  /** As in `Seen`. */
  readonly lineage: string;
  readonly cause: EpochCause;
  /** Where the epoch before ended, as the store knows it; `null` in the first. */
  readonly previous: Seen | null;
  /** When the store was last written to by `beat`; `null` where it does not tell. */
  readonly beatAt: Timestamp | null;
  /** The store has taken the place of the one in which the epoch began. */
  readonly succeeded: boolean;
  /** What stands at the cursor's position is not what stood there: the history was rewritten. */
  readonly rewritten: boolean;
  /** The tag of each of `entries`. */
  readonly tags: readonly number[];
}

/** A place in the log that somebody has seen, and when the log was last known to be written to. */
export interface Seen {
  /** Which database, with all that it was copied, restored or failed over to. */
  readonly lineage: string;
  readonly epoch: string;
  readonly seq: Position;
  /** As in `Cursor`. */
  readonly tag: number;
  readonly beatAt: Timestamp | null;
}

/** Where an epoch ended that is not the current one, as the store knows it. */
export interface EpochEnd {
  readonly seq: Position;
  readonly beatAt: Timestamp | null;
  /** Whether an epoch since began with a restore, after which all that is older is dead. */
  readonly restored: boolean;
}

export interface ReceiptRecord {
  readonly id: ReceiptId;
  readonly seq: Position;
  readonly epoch: string;
  readonly at: Timestamp;
  readonly deadline: Timestamp;
  readonly tokensDeadBy: Timestamp;
  /** To whom it was given. */
  readonly userId: UserId | null;
  readonly expiresAt: Timestamp;
}

/** One process that follows the log in the store. */
export interface FollowerRecord {
  readonly id: FollowerId;
  readonly name: string;
  readonly registeredAt: Timestamp;
  readonly acknowledged: Position;
  readonly seenAt: Timestamp;
  /** `null` where nobody ever followed through it. */
  readonly relay: Relay | null;
}

/** Those who follow the log through a process that relays it to them (R9). */
export interface Relay {
  /** Rises with each report, from 1: one that was overtaken on its way takes nothing back. */
  readonly version: number;
  /** The process itself follows no longer, but what it has told them they may still go by. */
  readonly ended: boolean;
  readonly followers: readonly RemoteFollowerRecord[];
}

/** A process of a service client, which has told a node how far it has come. */
export interface RemoteFollowerRecord {
  /** Drawn by the process itself, so another client may have the same. */
  readonly id: FollowerId;
  /** The name of its client. */
  readonly client: string;
  /** Never later than it was. */
  readonly registeredAt: Timestamp;
  readonly acknowledged: Position;
  readonly seenAt: Timestamp;
}

/** The name under which the id of the root key stands that the database goes with. */
export const ROOT_KEY = 'root_secret';
/** The name under which the bounds stand that the running processes act by. */
export const BOUNDS = 'bounds';
/** The name under which the salt of the feed stands: 16 bytes as base64url. */
export const FEED_SALT = 'feed_salt';
/** The name under which it stands when the last canary was written, by the log's clock. */
export const CANARY = 'canary';

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

export interface Rotation {
  readonly secretHash: Uint8Array;
  readonly rotatedAt: Timestamp;
  readonly authTime: Timestamp;
  readonly acr: Acr;
  readonly amr: readonly Amr[];
}

/** The next generation of a session's refresh tokens. */
export interface Advance {
  readonly at: Timestamp;
  readonly key: string;
  readonly origin: Uint8Array;
  /** The idle limit from now on, never moved back. */
  readonly idleUntil: Timestamp;
}

/** A key that signs access tokens. */
export interface SigningKeyRecord {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** The public JWK as JSON text. */
  readonly publicKey: string;
  /** The private key, sealed with the root secret. */
  readonly sealed: Uint8Array;
  /** The root key that it is sealed with. */
  readonly sealedBy: string;
  readonly createdAt: Timestamp;
  /** When a process last said that it signs with it, or will. */
  readonly usedAt: Timestamp;
  /** From when on it signs; until then it is only published. `null` while nobody has said when. */
  readonly activatesAt: Timestamp | null;
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

/** What `append` has written. */
export interface Appended {
  readonly entries: readonly Entry[];
  /** The last of them. */
  readonly cursor: Cursor;
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
  /** Removes those not seen since `before`; each must register again before its next pull is answered. */
  sweep(before: Timestamp): Promise<number>;
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

/** A client that may not be used now, whether it is configured or no longer. */
export interface DisabledClient {
  readonly subject: string;
  readonly name: string;
  readonly disabledAt: Timestamp;
}

/** What is kept of the keys of a client, which are never stored themselves. */
export interface ClientKey {
  /** SHA-256 of the secret in the key. */
  readonly keyHash: Uint8Array;
  /** Of the key before, where its grace was asked for. */
  readonly previousKeyHash: Uint8Array | null;
  /** From when on that one is no longer good. */
  readonly previousUntil: Timestamp | null;
}

/** A client with a key: a service, to which tokens are addressed. */
export interface ServiceClientRecord extends ClientKey {
  /** The client's subject in the log, which follows from its name. */
  readonly subject: string;
  readonly name: string;
  /** Whom it answers for, one at least. */
  readonly audiences: readonly string[];
  readonly createdAt: Timestamp;
  /** When it got its key, where that is not its first. */
  readonly rotatedAt: Timestamp | null;
}

/** One reading of a client with a key with all that its trust depends on, in one snapshot. */
export interface ServiceReading {
  /** The log's head in the same snapshot. */
  readonly head: Position;
  readonly client: ServiceClientRecord;
  /** Since when it is disabled; `null` where it is not. */
  readonly disabledAt: Timestamp | null;
  /** The highest floor that concerns the client or everyone, or `null`: for its tokens, not for its key. */
  readonly floor: Position | null;
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

/** What a backup says of itself. */
export interface BackupSummary {
  /** The version of the schema that it was made with. */
  readonly schema: number;
  readonly at: Timestamp;
  /** As in `Seen`. */
  readonly lineage: string;
  readonly epoch: string;
  readonly head: Position;
  /** The ids of the root keys that it is of no use without, the current one first. No secret is in a backup. */
  readonly rootKeys: readonly string[];
  /** How many rows it has, by the names of the tables. */
  readonly rows: Readonly<Record<string, number>>;
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
