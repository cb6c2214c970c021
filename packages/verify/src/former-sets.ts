import type { Timestamp } from './clock.ts';
import type { RevokedSet } from './revoked-set.ts';

/** So many wait until they are merged: each is asked with each check. */
const MOST = 4;

/**
 * What was held before the log went on in other histories, and has not expired yet (R8): one
 * set, and others only while they are merged into it. Nothing that is held is missing from
 * all of them at any moment.
 */
export class FormerSets {
  #sets: RevokedSet[] = [];

  /** Live entries held. */
  get size(): number {
    return this.#sets.reduce((sum, { size }) => sum + size, 0);
  }

  /** All that a check asks. */
  get all(): readonly RevokedSet[] {
    return this.#sets;
  }

  /** Takes over what was held until now. */
  add(set: RevokedSet): void {
    if (set.size > 0) this.#sets.push(set);
    while (this.#sets.length > MOST) this.#mergeSome();
  }

  forget(): void {
    this.#sets = [];
  }

  /** Lets go of what has expired, and merges some: a million slots at once would keep every check waiting. */
  tidy(now: Timestamp): void {
    this.#mergeSome();
    for (const set of this.#sets) set.purge(now);
    this.#sets = this.#sets.filter(({ size }) => size > 0);
  }

  /** Moves some of the last into the first. */
  #mergeSome(): void {
    const [first] = this.#sets;
    const last = this.#sets.at(-1);
    if (first === undefined || last === undefined || first === last) return;
    first.absorb(last);
    if (last.size === 0) this.#sets.pop();
  }
}
