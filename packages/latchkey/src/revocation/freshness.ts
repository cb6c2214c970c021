import type { Clock, Millis, Tail } from '@latchkey/verify';
import type { AuthEvent } from '../options.ts';

/** How often it is looked whether pulls are answered at all. */
const LOOK_EVERY: Millis = 1_000;

/** What keeps a copy of the log from being relied on: pulls fail, a clock is wrong, answers come late or not at all. */
export type StaleReason = 'store_away' | 'clock_wrong' | 'slow_pulls';

/**
 * Tells when a tail stops being fresh, and why, and when it is again, and how long it was
 * not: each once.
 */
export class Freshness {
  readonly #tail: () => Tail;
  readonly #clock: Clock;
  readonly #emit: (event: AuthEvent) => void;
  #stale: { readonly reason: StaleReason; readonly since: Millis } | null = null;
  /** When it was last seen to be fresh, by the monotonic clock. */
  #freshAt: Millis = Number.NaN;
  #failing = false;
  #wrong = false;
  #doubted = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly tail: () => Tail;
    readonly clock: Clock;
    readonly emit: (event: AuthEvent) => void;
  }) {
    this.#tail = options.tail;
    this.#clock = options.clock;
    this.#emit = options.emit;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Notes that a pull has failed. */
  failed(): void {
    this.#failing = true;
    this.#judge();
  }

  /** Notes that a pull was answered, however late. */
  answered(): void {
    this.#failing = false;
    const wrong = !this.#tail().isClockRight();
    if (wrong !== this.#wrong) this.#emit({ type: wrong ? 'clock_wrong' : 'clock_right' });
    this.#wrong = wrong;
    this.#judge();
  }

  /**
   * Looks for pulls that are not answered at all. It must be so twice: a machine that wakes
   * up has an old copy until its next pull, which is a moment later.
   */
  look(): void {
    const fresh = this.#tail().isFresh();
    if (fresh || this.#doubted) this.#judge();
    this.#doubted = !fresh;
  }

  #judge(): void {
    const tail = this.#tail();
    const now = this.#clock.monotonic();
    if (!tail.isFresh()) {
      this.#stale ??= this.#begin(tail, now);
      return;
    }
    this.#freshAt = now;
    if (this.#stale === null) return;
    const { reason, since } = this.#stale;
    this.#stale = null;
    this.#emit({ type: 'log_fresh', reason, ms: Math.round(now - since) });
  }

  #reasonOf(tail: Tail): StaleReason {
    if (!tail.isClockRight()) return 'clock_wrong';
    return this.#failing ? 'store_away' : 'slow_pulls';
  }

  #begin(tail: Tail, now: Millis): { readonly reason: StaleReason; readonly since: Millis } {
    const reason = this.#reasonOf(tail);
    this.#emit({ type: 'log_stale', reason });
    // Since it was too old, but not since before it was seen to be young enough: a clock may have stepped.
    const over = Math.max(0, tail.lag() - tail.maxStaleness);
    return { reason, since: now - (Number.isNaN(this.#freshAt) ? 0 : Math.min(over, now - this.#freshAt)) };
  }
}
