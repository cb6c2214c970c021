import type {
  Acr,
  Amr,
  Cursor,
  Entry,
  EntryKind,
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
 * What is kept, and how it is read: rows, and readings of several of them. What a store does
 * with them is in `store.ts`.
 */

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
  /** To whom it was given; `null` for nobody who could ask. */
  readonly holder: ReceiptHolder | null;
  readonly expiresAt: Timestamp;
}

/** Who asked for a revocation, and may ask how far it has come: a user, or a client with a key. */
export type ReceiptHolder = { readonly user: UserId } | { readonly client: string };

/** One process that follows the log in the store. */
export interface FollowerRecord {
  readonly id: FollowerId;
  readonly name: string;
  readonly registeredAt: Timestamp;
  /** The head as it was known when it registered: all up to there is in the first answer that it got. */
  readonly registeredSeq: Position;
  readonly acknowledged: Position;
  readonly seenAt: Timestamp;
  /** Until then the row stays though nobody writes it: somebody who followed through it counts for so long. */
  readonly keptUntil: Timestamp;
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
  readonly registeredAt: Timestamp;
  /** As of a node. */
  readonly registeredSeq: Position;
  readonly acknowledged: Position;
  readonly seenAt: Timestamp;
  /** Whether it lets in until its expiry whatever it cannot know of. */
  readonly acceptsUntilExpiry: boolean;
}

/** The name under which the id of the root key stands that the database goes with. */
export const ROOT_KEY = 'root_secret';

/** The name under which the bounds stand that the running processes act by. */
export const BOUNDS = 'bounds';

/** The name under which the salt of the feed stands: 16 bytes as base64url. */
export const FEED_SALT = 'feed_salt';

/** The name under which it stands when the last canary was written, by the log's clock. */
export const CANARY = 'canary';

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

/** What `append` has written. */
export interface Appended {
  readonly entries: readonly Entry[];
  /** The last of them. */
  readonly cursor: Cursor;
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
