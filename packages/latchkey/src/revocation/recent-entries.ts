import type { Entry, Millis, Position } from '@latchkey/verify';

/** R8: what was appended in the last 30 s may be lacking where another database has taken the place. */
const REMEMBERED: Millis = 30_000;
/** So many at the most: what ends more than this within 30 s is one entry for all. */
const MOST = 20_000;

/**
 * The entries of the last seconds, whoever wrote them: whatever a successor of the
 * database lacks of them is appended again by any process that has seen it.
 */
export class RecentEntries {
  readonly #seen = new Map<Position, { readonly entry: Entry; readonly at: Millis }>();

  /** Everything that is remembered, oldest first. */
  get all(): readonly Entry[] {
    return [...this.#seen.values()].map(({ entry }) => entry);
  }

  /** Remembers entries that were just appended, or just pulled. */
  add(entries: readonly Entry[], at: Millis): void {
    for (const entry of entries) {
      if (this.#seen.has(entry.seq)) continue;
      this.#seen.set(entry.seq, { entry, at });
      const oldest = this.#seen.keys().next();
      if (this.#seen.size > MOST && oldest.done !== true) this.#seen.delete(oldest.value);
    }
  }

  /** Forgets what is older than any successor can lack. */
  forgetOld(now: Millis): void {
    for (const [seq, { at }] of this.#seen) {
      if (now - at <= REMEMBERED) return;
      this.#seen.delete(seq);
    }
  }
}
