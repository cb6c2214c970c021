import type { Clock, Millis, Timestamp } from './clock.ts';
import type { Facts } from './revoked-set.ts';
import type { Tail } from './tail.ts';

/** What a near-cache may remember of a credential: the answer, and what the log judges it by. */
export interface Remembered {
  readonly facts: Facts;
  /** From here on the credential is no longer good, by the wall clock. */
  readonly goodUntil: Timestamp;
  /** How long the answer may be remembered, counted from the read that proves it; 0 not at all. */
  readonly life: Millis;
}

export interface NearCacheOptions {
  readonly clock: Clock;
  readonly tail: Tail;
  /** The most entries held; the oldest goes first. */
  readonly entries: number;
}

interface Slot<Value> {
  readonly value: Value;
  /** When the read that proves it was sent, by the monotonic clock. */
  readonly readAt: Millis;
  /** The same moment by the wall clock, which goes on where the monotonic one stands still. */
  readonly wallAt: Timestamp;
}

/**
 * Answers about credentials that were checked a moment ago, keyed by SHA-256 so
 * that no credential sits in memory.
 *
 * Dropping entries when they are revoked is not enough, because a slow read can
 * bring a revoked one back. So each hit is checked against the log, and each
 * fill is refused where its read is too old.
 */
export class NearCache<Value extends Remembered> {
  readonly #options: NearCacheOptions;
  readonly #slots = new Map<string, Slot<Value>>();

  constructor(options: NearCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** What is remembered and still good, or `null`: then the truth must be read. */
  find(key: string): Value | null {
    const slot = this.#slots.get(key);
    if (slot === undefined) return null;
    const { clock, tail } = this.#options;
    const { readAt, wallAt, value } = slot;
    const now = clock.now();
    // By whichever clock says more: entries of the log die by the wall clock, so
    // nothing that they could affect may outlive them by it.
    const age = Math.max(clock.monotonic() - readAt, now - wallAt);
    if (age >= value.life || now >= value.goodUntil) {
      this.#slots.delete(key);
      return null;
    }
    const verdict = tail.check(value.facts);
    if (verdict === 'ok') return value;
    if (verdict !== 'unknown') this.#slots.delete(key);
    return null;
  }

  /** Remembers an answer whose read was sent at `readAt`, by the monotonic clock. */
  fill(key: string, value: Value, readAt: Millis): void {
    const { clock, tail, entries } = this.#options;
    const age = clock.monotonic() - readAt;
    if (value.life === 0 || age > tail.maxStaleness) return;
    // Deleted first, so that a renewed entry is the youngest again.
    this.#slots.delete(key);
    this.#slots.set(key, { value, readAt, wallAt: clock.now() - age });
    if (this.#slots.size <= entries) return;
    const oldest = this.#slots.keys().next();
    if (oldest.done !== true) this.#slots.delete(oldest.value);
  }
}
