import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Cursor, Millis } from '@latchkey/verify';
import { newId } from '../foundation/ids.ts';
import { randomBytes } from '../foundation/random.ts';
import type { AuthEvent } from '../options.ts';
import { CANARY } from '../stores/records.ts';
import type { Store, Tables } from '../stores/store.ts';
import type { ReceiptDetails, Receipts } from './receipts.ts';
import type { RevocationLog } from './revocation-log.ts';

/** How soon followers are asked about at first, and then, each time twice as long, at the most. */
const FIRST_PAUSE: Millis = 20;
const LONGEST_PAUSE: Millis = 250;
/** The same where they could not be asked about. */
const PAUSE_WITHOUT_ANSWER: Millis = 1_000;
/** An event names so many at the most. */
const MOST_NAMED = 20;

export interface CanaryOptions {
  readonly store: Store;
  readonly log: RevocationLog;
  readonly receipts: Receipts;
  readonly clock: Clock;
  /** How often the deployment sends one; `null` for never. */
  readonly every: Millis | null;
  readonly emit: (event: AuthEvent) => void;
  /** Waits; rejects when the signal is given. Default by a timer that keeps no process alive. */
  readonly pause?: (millis: Millis, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Sends a revocation of what belongs to nobody through the log, from one process of the
 * deployment at a time, and tells how long it took until everybody who follows had
 * confirmed it: what is said of revocations is seen on each deployment, and who lags has a
 * name before anybody real is revoked.
 */
export class Canary {
  readonly #options: CanaryOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopping = new AbortController();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  /** The first is sent no sooner than after the whole interval: a process that soon ends sends none. */
  start(): void {
    const { every } = this.#options;
    if (every === null || this.#timer !== undefined) return;
    this.#stopping = new AbortController();
    this.#schedule(every);
  }

  /** Resolves when nothing more will be read or written; what is under way is not waited for to settle. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopping.abort();
    await this.#turn;
  }

  /**
   * Sends a canary if one is due, and watches it until it is settled or overdue.
   *
   * @returns milliseconds until it is worth to look again.
   */
  async run(): Promise<Millis> {
    const { store, clock, emit, every } = this.#options;
    if (every === null) return Number.POSITIVE_INFINITY;
    const begun = clock.monotonic();
    try {
      const wait = await this.#dueIn(store, every);
      if (wait > 0) return wait;
      const cursor = await this.#send(every);
      if (cursor !== null) await this.#watch(cursor);
    } catch (error) {
      if (!this.#stopping.signal.aborted) emit({ type: 'failed', error });
    }
    return Math.max(0, every - (clock.monotonic() - begun));
  }

  #schedule(after: Millis): void {
    // Up to a second more, so that the processes of a deployment don't all ask at once.
    const jitter = (randomBytes(1)[0] ?? 0) * 4;
    this.#timer = setTimeout(() => {
      this.#turn = this.#takeTurn();
    }, after + jitter).unref();
  }

  async #takeTurn(): Promise<void> {
    const next = await this.run();
    if (!this.#stopping.signal.aborted) this.#schedule(next);
  }

  /**
   * Milliseconds until one is due; 0 where it is. One from well in the future is none; from a
   * moment ahead it is of a node that tells the log's time a little differently.
   */
  async #dueIn({ meta }: Pick<Tables, 'meta'>, every: Millis): Promise<Millis> {
    const last = await meta.find(CANARY);
    if (last === null) return 0;
    const since = this.#options.log.now() - Number(last);
    return Math.abs(since) < every ? every - Math.max(0, since) : 0;
  }

  /** Whoever has the lock first finds it due; the others find it sent. */
  async #send(every: Millis): Promise<Cursor | null> {
    const { log } = this.#options;
    const { cursor } = await log.change(async (tables, trust) => {
      await tables.lock('canary');
      if ((await this.#dueIn(tables, every)) > 0) return;
      const now = log.now();
      await tables.meta.put(CANARY, String(now));
      trust.apply('canary', newId(now));
    });
    return cursor;
  }

  async #watch(cursor: Cursor): Promise<void> {
    const { receipts, clock, log, emit, pause = unheld } = this.#options;
    const durable = clock.monotonic();
    const receipt = await receipts.open(cursor, null);
    for (let next = FIRST_PAUSE; ; next = Math.min(2 * next, LONGEST_PAUSE)) {
      const state = await receipt.details();
      const ms = Math.round(clock.monotonic() - durable);
      const { pending } = state.names;
      if (state.settled && pending.length === 0) return emit({ type: 'canary_settled', ms });
      const left = receipt.deadline - log.now();
      if (left <= 0) return emit({ type: 'canary_overdue', ms, followers: pending.slice(0, MOST_NAMED) });
      const asked = isKnown(state) ? next : PAUSE_WITHOUT_ANSWER;
      await pause(Math.min(asked, left), this.#stopping.signal);
    }
  }
}

/** Whether it could be asked who has confirmed: this process at least is among them. */
function isKnown({ followers: { confirmed, pending } }: ReceiptDetails): boolean {
  return confirmed + pending > 0;
}

function unheld(millis: Millis, signal: AbortSignal): Promise<unknown> {
  return sleep(millis, undefined, { ref: false, signal });
}
