import type { Millis, Timestamp } from './clock.ts';

/**
 * A place in the revocation log. Positions are given in commit order, without
 * gaps, and are exact in a double.
 */
export type Position = number;

/** `revoke` ends trust. `changed` ends only what was cached about it. */
export type EntryKind = 'revoke' | 'changed';

/** What an entry is about. `all` has the empty subject. */
export type Scope = 'session' | 'user' | 'client' | 'organisation' | 'api_key' | 'signing_key' | 'all';

/** Scopes whose entries concern everything older than themselves: they leave a floor in the store. */
export type FloorScope = Extract<Scope, 'user' | 'client' | 'organisation' | 'all'>;

/** One line of the log. */
export interface Entry {
  readonly seq: Position;
  readonly kind: EntryKind;
  readonly scope: Scope;
  /** Sixteen opaque bytes as 22 characters of base64url; empty for scope `all`. */
  readonly subject: string;
  /** From here on nothing that the entry could affect is still alive. */
  readonly expiresAt: Timestamp;
}

/** How far somebody has followed the log. */
export interface Cursor {
  /** Which history of the log the position belongs to. */
  readonly epoch: string;
  readonly seq: Position;
  /**
   * A random number that the log gave to that position: where its answer has another,
   * the history was rewritten (R8). Whole, and exact in a double.
   */
  readonly tag: number;
}

/** The answer to a pull: one snapshot of the log, from where it is written. */
export interface Pull {
  readonly epoch: string;
  /**
   * Above every position of an older epoch: what rests on a lower one cannot be judged by
   * this copy, and whoever holds the truth must be asked (R8).
   */
  readonly epochStart: Position;
  readonly head: Position;
  /** The tag of the head. */
  readonly tag: number;
  /** The clock of the log's side when the snapshot was taken. */
  readonly now: Timestamp;
  /** How old the snapshot already was when it was answered: 0 at the source. */
  readonly age: Millis;
  /** How long a follower may trust its copy without a further pull. */
  readonly maxStaleness: Millis;
  /** Whether `entries` is the whole live set, or only what came after the cursor. */
  readonly whole: boolean;
  /** Live entries in ascending order of `seq`. */
  readonly entries: readonly Entry[];
}

/**
 * Where a tail reads the log: a node's own store, or a feed.
 *
 * A *pull* is the proof. A *hint* may be lost, repeated, reordered or forged; it
 * may add to what is revoked and start a pull, and does nothing else.
 */
export interface LogSource {
  /**
   * Everything live after `cursor`, or the whole live set for `null`, for a cursor of another
   * epoch, and where the log can no longer tell that the cursor is of its history.
   */
  pull(cursor: Cursor | null): Promise<Pull>;
  /**
   * Calls `listener` with each hint until the function that it returns is called. `atOnce`
   * where nobody is kept waiting by a pull: this process itself has written them, so that
   * nobody else is about to pull, or the log is a file at hand.
   */
  onHint(listener: (entries: readonly Entry[], atOnce: boolean) => void): () => void;
}
