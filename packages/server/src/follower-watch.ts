import type { FollowerState, Followers } from 'latchkey';

/** How often the list is read, however often somebody asks for metrics. */
const READ_EVERY = 10_000;
/** After so many readings that failed, nothing good is said of others. */
const MISSED = 3;
/** Names that are told apart; of the rest the worst is told. */
const MOST_NAMES = 100;

/** What is known of the followers of one name: of several processes, the worst. */
export interface FollowerFigures {
  readonly name: string;
  readonly kind: FollowerState['kind'];
  /** Milliseconds since its copy was last known to be whole, or for another process, since it was heard of. */
  readonly lag: number;
  readonly fresh: boolean;
}

export interface FollowerWatchOptions {
  readonly read: () => Promise<Followers>;
  /** This very process, of which memory knows more than the list. */
  readonly self: () => { readonly lag: number; readonly fresh: boolean };
  /** Milliseconds that never step back. */
  readonly monotonic?: () => number;
}

/**
 * Keeps the list of followers for metrics: a timer reads it, so that to ask for metrics
 * costs the store nothing, and hangs on nothing while the store is away.
 */
export class FollowerWatch {
  readonly #options: FollowerWatchOptions;
  readonly #monotonic: () => number;
  #items: readonly FollowerState[] = [];
  #readAt = 0;
  #answered = false;
  #reading: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FollowerWatchOptions) {
    this.#options = options;
    this.#monotonic = options.monotonic ?? (() => process.uptime() * 1_000);
  }

  /** Whether the store answered when it was last asked. */
  get answered(): boolean {
    return this.#answered;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.look(), READ_EVERY).unref();
  }

  /** Resolves when nothing is being read any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#reading;
  }

  /** Reads the list. Whoever calls while it is being read shares that reading. */
  look(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** What is known now. Whoever was not heard of since the last reading lags by so much more. */
  list(): readonly FollowerFigures[] {
    const age = this.#monotonic() - this.#readAt;
    const known = this.#items.map(({ name, kind, lag, fresh, self }): FollowerFigures => {
      if (self) return { name, kind, ...this.#options.self() };
      return { name, kind, lag: lag + age, fresh: fresh && age < MISSED * READ_EVERY };
    });
    const worst = new Map<string, FollowerFigures>();
    for (const figures of known.toSorted(byLag)) {
      const { name, kind } = figures;
      const key = `${kind} ${name}`;
      // Of the rest there is one of each kind, whose name no follower can have.
      const full = worst.size >= MOST_NAMES && !worst.has(key);
      merge(worst, full ? kind : key, full ? { ...figures, name: '' } : figures);
    }
    return [...worst.values()];
  }

  async #read(): Promise<void> {
    try {
      const { items } = await this.#options.read();
      this.#items = items;
      this.#readAt = this.#monotonic();
      this.#answered = true;
    } catch {
      // The store's own metrics and the log say what is wrong with it.
      this.#answered = false;
    }
  }
}

function byLag(one: FollowerFigures, other: FollowerFigures): number {
  return other.lag - one.lag;
}

function merge(into: Map<string, FollowerFigures>, key: string, figures: FollowerFigures): void {
  const before = into.get(key) ?? figures;
  const lag = Math.max(before.lag, figures.lag);
  into.set(key, { ...figures, lag, fresh: before.fresh && figures.fresh });
}
