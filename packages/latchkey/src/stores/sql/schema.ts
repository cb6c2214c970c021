import type {
  Acr,
  EntryKind,
  FloorScope,
  Position,
  Scope,
  SigningAlgorithm,
  Timestamp,
} from '@latchkey/verify';
import type { EpochCause } from '../records.ts';

/*
 * The tables as they are after the last migration. Ids and hashes are bytes,
 * times are milliseconds and positions are whole numbers that a double holds
 * exactly. What is declared here is what every dialect reads and writes.
 */

type Bytes = Uint8Array;

/** One row: its lock is what puts positions into the order of commits. */
export interface LogHeadTable {
  readonly one: 1;
  readonly seq: Position;
  readonly epoch: string;
  /** Random, made once: the same in every copy of the database. */
  readonly lineage: string;
  /** The tag of the entry at `seq`. */
  readonly tag: number;
  readonly epoch_start: Position;
  readonly epoch_cause: EpochCause;
  /** Where the epoch before ended, as this database knew it; `null` in the first. */
  readonly previous_epoch: string | null;
  readonly previous_seq: Position | null;
  readonly previous_beat: Timestamp | null;
  /** Which database this is, as the dialect tells it apart from a copy or a successor; `null` where it cannot. */
  readonly fingerprint: string | null;
}

/** The epochs of a year but the first, each with where the one before it ended, as `log_head` says it of the last. */
export interface LogEpochTable {
  readonly epoch: string;
  readonly start: Position;
  readonly cause: EpochCause;
  readonly previous: string;
  readonly previous_seq: Position;
  readonly previous_beat: Timestamp | null;
  readonly begun_at: Timestamp;
}

/** One row: when the database was last written to for the sake of it, so that its age is known. */
export interface LogBeatTable {
  readonly one: 1;
  readonly at: Timestamp;
}

export interface RevocationTable {
  readonly seq: Position;
  readonly kind: EntryKind;
  readonly scope: Scope;
  readonly subject: Bytes;
  readonly expires_at: Timestamp;
  /** Random; 0 in an entry of a build that gave none. */
  readonly tag: number;
}

export interface FloorTable {
  readonly scope: FloorScope;
  readonly subject: Bytes;
  readonly min_rs: Position;
}

/** A user's row: `user` itself is a reserved word of SQL. */
export interface AccountTable {
  readonly id: Bytes;
  readonly email: string;
  readonly email_key: string;
  readonly name: string | null;
  readonly email_verified_at: Timestamp | null;
  readonly created_at: Timestamp;
  readonly disabled_at: Timestamp | null;
  /** A JSON object. */
  readonly fields: string;
}

export interface UserRoleTable {
  readonly user_id: Bytes;
  readonly role: string;
}

export interface PasswordTable {
  readonly user_id: Bytes;
  readonly phc: string;
  readonly pepper: string | null;
  readonly changed_at: Timestamp;
}

export interface AttemptTable {
  readonly subject: Bytes;
  readonly tries: number;
  readonly tried_at: Timestamp;
}

export interface SessionTable {
  readonly id: Bytes;
  readonly user_id: Bytes | null;
  readonly client: string;
  readonly client_subject: Bytes;
  readonly rs: Position;
  readonly secret_hash: Bytes;
  readonly previous_secret_hash: Bytes | null;
  readonly rotated_at: Timestamp | null;
  readonly previous_auth_time: Timestamp | null;
  readonly created_at: Timestamp;
  readonly idle_until: Timestamp;
  readonly expires_at: Timestamp;
  readonly revoked_seq: Position | null;
  readonly auth_time: Timestamp | null;
  readonly acr: Acr | null;
  /** A JSON array of strings. */
  readonly amr: string;
  readonly ip: string | null;
  readonly device: string | null;
  /** `null`, like the other columns of the chain, where the session has no refresh tokens. */
  readonly chain_nonce: Bytes | null;
  readonly generation: number | null;
  readonly generation_at: Timestamp | null;
  readonly chain_key: string | null;
  readonly chain_origin: Bytes | null;
  readonly shared_run: number | null;
  readonly shared_generation: number | null;
}

export interface SigningKeyTable {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly public_key: string;
  readonly sealed: Bytes;
  readonly sealed_by: string;
  readonly created_at: Timestamp;
  readonly used_at: Timestamp;
  /** From when on it signs; 0 for a key of a build that knew of no turns. */
  readonly activates_at: Timestamp;
}

/** Configured clients that may not be used now. */
export interface DisabledClientTable {
  /** The client's subject in the log. */
  readonly subject: Bytes;
  readonly name: string;
  readonly disabled_at: Timestamp;
}

/** Clients with a key. */
export interface ServiceClientTable {
  /** The client's subject in the log. */
  readonly subject: Bytes;
  readonly name: string;
  /** A JSON array of strings. */
  readonly audiences: string;
  readonly key_hash: Bytes;
  readonly previous_key_hash: Bytes | null;
  readonly previous_until: Timestamp | null;
  readonly created_at: Timestamp;
  readonly rotated_at: Timestamp | null;
}

export interface SessionDataTable {
  readonly session_id: Bytes;
  readonly key: string;
  /** `null` for a key that was deleted: its version lives on, so that a late writer cannot take it for another. */
  readonly value: string | null;
  readonly version: number;
}

/** Apart from the session's row, so that what is only displayed costs that row nothing. */
export interface SessionSeenTable {
  readonly session_id: Bytes;
  readonly at: Timestamp;
}

export interface ProofTable {
  readonly kind: 'setup';
  readonly hash: Bytes;
  readonly expires_at: Timestamp;
}

export interface ReceiptTable {
  readonly id: Bytes;
  readonly seq: Position;
  readonly epoch: string;
  readonly at: Timestamp;
  readonly deadline: Timestamp;
  readonly tokens_dead_by: Timestamp;
  readonly user_id: Bytes | null;
  readonly client: string | null;
  readonly expires_at: Timestamp;
}

export interface FollowerTable {
  readonly id: Bytes;
  readonly name: string;
  readonly registered_at: Timestamp;
  readonly registered_seq: Position;
  readonly acknowledged: Position;
  readonly seen_at: Timestamp;
  readonly kept_until: Timestamp;
  /** JSON of those who follow through it; `null` where nobody ever has. */
  readonly relayed: string | null;
  /** Rises with each report of them. */
  readonly relayed_version: number;
}

/** One row: the version of the schema, and the lowest that a build must know to work with it. */
export interface SchemaStateTable {
  readonly one: 1;
  readonly schema_version: number;
  readonly min_compatible_version: number;
}

export interface MetaTable {
  readonly key: string;
  readonly value: string;
}

/** Every table, for Kysely. */
export interface Schema {
  readonly schema_state: SchemaStateTable;
  readonly log_head: LogHeadTable;
  readonly log_epoch: LogEpochTable;
  readonly log_beat: LogBeatTable;
  readonly revocation: RevocationTable;
  readonly floor: FloorTable;
  readonly account: AccountTable;
  readonly user_role: UserRoleTable;
  readonly password: PasswordTable;
  readonly attempt: AttemptTable;
  readonly session: SessionTable;
  readonly session_data: SessionDataTable;
  readonly session_seen: SessionSeenTable;
  readonly signing_key: SigningKeyTable;
  readonly disabled_client: DisabledClientTable;
  readonly service_client: ServiceClientTable;
  readonly proof: ProofTable;
  readonly receipt: ReceiptTable;
  readonly follower: FollowerTable;
  readonly meta: MetaTable;
}
