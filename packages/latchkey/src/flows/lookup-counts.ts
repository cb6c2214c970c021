import type { Mode } from '@latchkey/verify';

/** By what credentials are told apart as they are counted. */
export type CredentialKind = 'cookie' | 'token';

/** The mode of a credential's client; `service` for tokens of clients with a key, `none` before login and for what is not good. */
export type LookupMode = Mode | 'service' | 'none';

/** How often credentials of one kind and mode were answered from memory, and how often not. */
export interface Lookups {
  readonly credential: CredentialKind;
  readonly mode: LookupMode;
  readonly hits: number;
  readonly misses: number;
}

const MODES: readonly LookupMode[] = ['session', 'jwt', 'hybrid', 'service', 'none'];
const PAIRS = (['cookie', 'token'] as const).flatMap((credential) =>
  MODES.map((mode) => ({ credential, mode })),
);

/** Where a kind and a mode are counted. To be asked for once, and not on each request. */
export function slotOf(credential: CredentialKind, mode: LookupMode): number {
  return PAIRS.findIndex((pair) => pair.credential === credential && pair.mode === mode);
}

/** Counts look-ups since the process began. To count one allocates nothing: each check does it. */
export class LookupCounts {
  readonly #hits = new Float64Array(PAIRS.length);
  readonly #misses = new Float64Array(PAIRS.length);

  hit(slot: number): void {
    this.#hits[slot] = (this.#hits[slot] ?? 0) + 1;
  }

  miss(slot: number): void {
    this.#misses[slot] = (this.#misses[slot] ?? 0) + 1;
  }

  /** Those that were counted at all. */
  list(): readonly Lookups[] {
    return PAIRS.flatMap((pair, slot) => {
      const [hits, misses] = [this.#hits[slot] ?? 0, this.#misses[slot] ?? 0];
      return hits + misses === 0 ? [] : [{ ...pair, hits, misses }];
    });
  }
}
