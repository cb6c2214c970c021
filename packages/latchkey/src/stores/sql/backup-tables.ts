import { BOUNDS } from '../records.ts';
import type { Schema } from './schema.ts';

/** How a column's values stand in a backup: bytes as base64url, the others as JSON has them. */
export type ColumnKind = 'text' | 'integer' | 'bytes' | 'text or null' | 'integer or null' | 'bytes or null';

type KindOf<Value> = Value extends Uint8Array ? 'bytes' : Value extends number ? 'integer' : 'text';
type ColumnKindOf<Value> = null extends Value ? `${KindOf<NonNullable<Value>>} or null` : KindOf<Value>;

/** A table whose rows are in a backup. */
interface Kept<Table> {
  readonly columns: { readonly [Column in keyof Table]: ColumnKindOf<Table[Column]> };
  /** The primary key, by which it is read in pages. */
  readonly key: readonly (keyof Table & string)[];
  /** Rows of the database that is replaced which a restore leaves, and does not overwrite. */
  readonly stays?: readonly [column: keyof Table & string, value: string];
}

/** A table whose rows are in no backup; a restore deletes those that it finds, or leaves them. */
type LeftOut = 'emptied' | 'left';

/**
 * What becomes of each table, parents before children. A table or a column that is not
 * here does not compile.
 */
const TABLES = {
  meta: {
    columns: { key: 'text', value: 'text' },
    key: ['key'],
    // The processes that run go on, and act by them (R6).
    stays: ['key', BOUNDS],
  },
  account: {
    columns: {
      id: 'bytes',
      email: 'text',
      email_key: 'text',
      name: 'text or null',
      email_verified_at: 'integer or null',
      created_at: 'integer',
      disabled_at: 'integer or null',
      fields: 'text',
    },
    key: ['id'],
  },
  user_role: { columns: { user_id: 'bytes', role: 'text' }, key: ['user_id', 'role'] },
  password: {
    columns: { user_id: 'bytes', phc: 'text', pepper: 'text or null', changed_at: 'integer' },
    key: ['user_id'],
  },
  // Kept, so that nobody who has used up their guesses gets new ones.
  attempt: { columns: { subject: 'bytes', tries: 'integer', tried_at: 'integer' }, key: ['subject'] },
  disabled_client: { columns: { subject: 'bytes', name: 'text', disabled_at: 'integer' }, key: ['subject'] },
  service_client: {
    columns: {
      subject: 'bytes',
      name: 'text',
      audiences: 'text',
      key_hash: 'bytes',
      previous_key_hash: 'bytes or null',
      previous_until: 'integer or null',
      created_at: 'integer',
      rotated_at: 'integer or null',
    },
    key: ['subject'],
  },
  floor: { columns: { scope: 'text', subject: 'bytes', min_rs: 'integer' }, key: ['scope', 'subject'] },
  revocation: {
    columns: {
      seq: 'integer',
      kind: 'text',
      scope: 'text',
      subject: 'bytes',
      expires_at: 'integer',
      tag: 'integer',
    },
    key: ['seq'],
    // Whoever has stolen a key writes any position: no floor and no epoch is above that (R2).
    stays: ['scope', 'signing_key'],
  },
  // Dead once restored; what a backup tells of a day is also who was signed in, from where.
  session: {
    columns: {
      id: 'bytes',
      user_id: 'bytes or null',
      client: 'text',
      client_subject: 'bytes',
      rs: 'integer',
      secret_hash: 'bytes',
      previous_secret_hash: 'bytes or null',
      rotated_at: 'integer or null',
      previous_auth_time: 'integer or null',
      created_at: 'integer',
      idle_until: 'integer',
      expires_at: 'integer',
      revoked_seq: 'integer or null',
      auth_time: 'integer or null',
      acr: 'text or null',
      amr: 'text',
      ip: 'text or null',
      device: 'text or null',
      chain_nonce: 'bytes or null',
      generation: 'integer or null',
      generation_at: 'integer or null',
      chain_key: 'text or null',
      chain_origin: 'bytes or null',
      shared_run: 'integer or null',
      shared_generation: 'integer or null',
    },
    key: ['id'],
  },
  session_data: {
    columns: { session_id: 'bytes', key: 'text', value: 'text or null', version: 'integer' },
    key: ['session_id', 'key'],
  },
  // The header says the version, and the position from which a restore goes on.
  schema_state: 'left',
  log_head: 'left',
  // It goes on with the epochs of the database that is there.
  log_epoch: 'left',
  // They tell of the database and of the processes that are there now.
  log_beat: 'left',
  follower: 'left',
  // For display only, and may be lost.
  session_seen: 'emptied',
  // A restore forgets them all, and what is in no backup cannot be stolen with it.
  signing_key: 'emptied',
  // Good for minutes, within one epoch.
  proof: 'emptied',
  receipt: 'emptied',
} as const satisfies { readonly [Name in keyof Schema]: Kept<Schema[Name]> | LeftOut };

/** What a table's rows are read and written by, without the types of its columns. */
export interface BackedUpTable {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnKind>>;
  readonly key: readonly string[];
  readonly stays: readonly [column: string, value: string] | null;
}

/** The tables of a backup, parents before children. */
export const BACKED_UP: readonly BackedUpTable[] = Object.entries(TABLES).flatMap(([name, table]) =>
  typeof table === 'string'
    ? []
    : [{ name, columns: table.columns, key: table.key, stays: 'stays' in table ? table.stays : null }],
);

/** The tables that a restore empties and fills with nothing. */
export const EMPTIED: readonly string[] = Object.entries(TABLES).flatMap(([name, table]) =>
  table === 'emptied' ? [name] : [],
);
