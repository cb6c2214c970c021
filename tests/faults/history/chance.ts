/** Chance that can be had again, by its seed. */
export interface Chance {
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number;
  /** Whether something happens that does once in `times`. */
  readonly once: (times: number) => boolean;
  /** One of these, or `null` where there is none. */
  readonly oneOf: <T>(these: readonly T[]) => T | null;
}

/** Begins chance anew (Marsaglia's xorshift). */
export function chanceFrom(seed: number): Chance {
  let state = seed | 1;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  return {
    below,
    once: (times) => below(times) === 0,
    oneOf: (these) => these[below(Math.max(1, these.length))] ?? null,
  };
}
