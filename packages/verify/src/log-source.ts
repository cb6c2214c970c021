import type { Millis, Timestamp } from './clock.ts';
import type { Cursor, Entry, Position } from './log-entry.ts';
import type { RevokedSet } from './revoked-set.ts';

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
  /** Whether this is the whole live set, or only what came after the cursor. */
  readonly whole: boolean;
  /** Live entries in ascending order of `seq`. */
  readonly entries: readonly Entry[];
}

/**
 * The whole live set from where it can be had without a proof. It is taken in first, and
 * proved afterwards: what asks for the proof also says that everything up to `cursor` is
 * refused from now on (R9).
 */
export interface Loaded {
  readonly cursor: Cursor;
  readonly epochStart: Position;
  /** What subjects are hashed with (R12). */
  readonly salt: string;
  /** Whoever loaded it owns it. */
  readonly set: RevokedSet;
  /** Asks for what came after it, to be called once it is what checks go by; rejects where the log has gone on without it. */
  readonly prove: () => Promise<Pull>;
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
  pull(cursor: Cursor | null): Promise<Pull | Loaded>;
  /**
   * Calls `listener` with each hint until the function that it returns is called. `atOnce`
   * where nobody is kept waiting by a pull: this process itself has written them, so that
   * nobody else is about to pull, or the log is a file at hand.
   */
  onHint(listener: (entries: readonly Entry[], atOnce: boolean) => void): () => void;
}
