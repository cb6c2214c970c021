import type { Clock, Millis, Timestamp } from '@latchkey/verify';
import { BOUNDS, type Standing } from '../stores/records.ts';
import type { Store, Tables } from '../stores/store.ts';

/** How long things may be held that rest on the log; each the largest that anybody of the deployment uses. */
export interface BoundValues {
  /** The life of access tokens; 0 where none are issued. */
  readonly accessLife: Millis;
  readonly nearCacheLife: Millis;
  readonly maxStaleness: Millis;
}

/** The most that any configuration allows. */
export const MOST: BoundValues = { accessLife: 900_000, nearCacheLife: 300_000, maxStaleness: 60_000 };

const NAMES = ['accessLife', 'nearCacheLife', 'maxStaleness'] as const;
/** How long a value holds that nobody has confirmed: well over what a process takes between two confirmations. */
const HOLDS_FOR: Millis = 3_600_000;

interface Written {
  readonly value: Millis;
  /** Until then at least, somebody may act by it. */
  readonly until: Timestamp;
}

type AllWritten = Readonly<Record<keyof BoundValues, Written>>;

/**
 * What an entry of the log must outlive, and a receipt wait for, kept in the store
 * (R6, R9): other processes may be configured otherwise, and what they remember or
 * issue must not live longer than what was revoked about it.
 *
 * A value is raised at once, before anybody acts by it, and lowered only when nobody
 * has confirmed the larger one for an hour and what rests on it is over.
 */
export class Bounds {
  readonly #clock: Clock;
  #own: BoundValues;
  #raising: Promise<void> | null = null;
  /** What is written, as it was read last. */
  #text: string | null = null;

  constructor(clock: Clock, own: BoundValues) {
    this.#clock = clock;
    this.#own = own;
  }

  /** Writes down what this process acts by. To be repeated more often than each hour. */
  async confirm(store: Store): Promise<void> {
    await store.transaction(async (tables) => {
      await tables.lock('bounds');
      const written = parse(await tables.meta.find(BOUNDS));
      const next = { accessLife: ZERO, nearCacheLife: ZERO, maxStaleness: ZERO };
      for (const name of NAMES) next[name] = this.#next(this.#own[name], written?.[name] ?? ZERO);
      const text = JSON.stringify(next);
      if (text !== JSON.stringify(written)) await tables.meta.put(BOUNDS, text);
    });
  }

  /**
   * Says that this process issues access tokens of that life from now on, where it had not
   * said so. To be awaited before the first is issued, and before what that one rests on is
   * read: what is revoked from then on is remembered for as long.
   */
  async issueTokens(store: Store, accessLife: Millis): Promise<void> {
    if (this.#own.accessLife >= accessLife) return await (this.#raising ?? undefined);
    const before = this.#own;
    this.#own = { ...before, accessLife };
    this.#raising = this.confirm(store).finally(() => {
      this.#raising = null;
    });
    try {
      await this.#raising;
    } catch (error) {
      this.#own = before;
      throw error;
    }
  }

  /** The largest in force. */
  async largest(tables: Pick<Tables, 'meta'>): Promise<BoundValues> {
    return this.#largest(await tables.meta.find(BOUNDS));
  }

  /**
   * The largest in force as this process read them last, and the value that they rest on:
   * whoever writes by them sees to it that it still stands, and calls `forget` where it does not.
   */
  async known(tables: Pick<Tables, 'meta'>): Promise<{ largest: BoundValues; standing: Standing }> {
    this.#text ??= await tables.meta.find(BOUNDS);
    return { largest: this.#largest(this.#text), standing: { key: BOUNDS, value: this.#text } };
  }

  forget(): void {
    this.#text = null;
  }

  #largest(text: string | null): BoundValues {
    const written = parse(text);
    const now = this.#clock.now();
    const of = (name: keyof BoundValues): Millis => {
      const { value, until } = written?.[name] ?? ZERO;
      return Math.max(this.#own[name], now < until ? value : 0);
    };
    return {
      accessLife: of('accessLife'),
      nearCacheLife: of('nearCacheLife'),
      maxStaleness: of('maxStaleness'),
    };
  }

  #next(own: Millis, written: Written): Written {
    const now = this.#clock.now();
    const lasts = written.until - now;
    if (written.value > own && lasts > 0) return written;
    // Half an hour is soon enough for what holds for an hour, and spares a write each minute.
    if (written.value === own && lasts > HOLDS_FOR / 2) return written;
    return { value: own, until: now + HOLDS_FOR + own };
  }
}

const ZERO: Written = { value: 0, until: 0 };

function parse(text: string | null): AllWritten | null {
  if (text === null) return null;
  const stored: unknown = JSON.parse(text);
  const values = new Map<string, unknown>(
    typeof stored === 'object' && stored !== null ? Object.entries(stored) : [],
  );
  const of = (name: keyof BoundValues): Written => {
    const value = values.get(name);
    return isWritten(value) ? value : ZERO;
  };
  return {
    accessLife: of('accessLife'),
    nearCacheLife: of('nearCacheLife'),
    maxStaleness: of('maxStaleness'),
  };
}

function isWritten(value: unknown): value is Written {
  if (typeof value !== 'object' || value === null || !('value' in value) || !('until' in value)) return false;
  return typeof value.value === 'number' && typeof value.until === 'number';
}
