import type { Clock, Cursor, Millis } from '@latchkey/verify';
import { failure } from '../errors.ts';

/** How long a snapshot is handed out: those who start together share one. */
const GOOD_FOR: Millis = 5_000;
/** How long it is kept where nothing has come since. */
const KEPT_FOR: Millis = 60_000;
/** Downloads of one client at once, on one node. */
const MOST_OF_CLIENT = 64;
/** Downloads of all clients at once, on one node. */
const MOST = 256;
/** How long a download may take: for so long a snapshot may stay in memory that is no longer handed out. */
const LONGEST: Millis = 60_000;
/** So many different ones may be on their way at once; where one more is, downloads of the oldest end. */
const MOST_ON_THE_WAY = 6;
const RETRY_AFTER: Millis = 2_000;
/** Bytes that are handed over at once. */
const PIECE = 64 * 1024;

/** The live set as of a place in the log. */
export interface MadeSnapshot {
  readonly of: Cursor;
  readonly parts: readonly Buffer[];
}

/** What is handed out. */
export interface Snapshot extends MadeSnapshot {
  /** In bytes. */
  readonly length: number;
}

/** Makes snapshots, one at a time, and hands them out. */
export class Snapshots {
  readonly #clock: Clock;
  readonly #make: () => Promise<MadeSnapshot>;
  readonly #ofClient = new Map<string, number>();
  /** What ends the downloads of each that is on its way, the oldest first. */
  readonly #onTheWay = new Map<Snapshot, Set<() => void>>();
  #downloads = 0;
  #made: { readonly snapshot: Snapshot; readonly at: Millis } | null = null;
  #making: Promise<Snapshot> | null = null;
  #forget: NodeJS.Timeout | undefined;

  constructor(clock: Clock, make: () => Promise<MadeSnapshot>) {
    this.#clock = clock;
    this.#make = make;
  }

  /**
   * One that was made a moment ago, or since when nothing came, or a new one.
   *
   * @param serves whether one of that place in the log is of use to who loads it now.
   */
  async get(current: Cursor, serves: (of: Cursor) => boolean): Promise<Snapshot> {
    if (this.#made !== null) {
      const { snapshot, at } = this.#made;
      const age = this.#clock.monotonic() - at;
      const goodFor = snapshot.of.seq === current.seq ? KEPT_FOR : GOOD_FOR;
      if (age < goodFor && serves(snapshot.of)) return snapshot;
    }
    this.#making ??= this.#build().finally(() => {
      this.#making = null;
    });
    return await this.#making;
  }

  /**
   * Streams a snapshot without a copy of it.
   *
   * @throws `LK_THROTTLED` where the client loads too many at once, `LK_BUSY` where all together do.
   */
  download(client: string, snapshot: Snapshot, cut: (() => void) | null): ReadableStream<Uint8Array> {
    if ((this.#ofClient.get(client) ?? 0) >= MOST_OF_CLIENT) {
      throw failure('LK_THROTTLED', { retryAfter: RETRY_AFTER });
    }
    if (this.#downloads >= MOST) throw failure('LK_BUSY', { retryAfter: RETRY_AFTER });
    const pieces = piecesOf(snapshot.parts);
    let over = (): void => undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          over = this.#begin(client, snapshot, () => {
            over();
            if (cut === null) controller.error(new Error('the reader is too slow'));
            else cut();
          });
        },
        pull: (controller) => {
          const { done, value } = pieces.next();
          if (done === true) {
            over();
            controller.close();
          } else controller.enqueue(value);
        },
        cancel: () => over(),
      },
      { highWaterMark: 0 },
    );
  }

  /** @returns what is to be called when the download is over, however often. */
  #begin(client: string, snapshot: Snapshot, stop: () => void): () => void {
    this.#downloads += 1;
    this.#ofClient.set(client, (this.#ofClient.get(client) ?? 0) + 1);
    const stops = this.#onTheWay.get(snapshot) ?? new Set();
    this.#onTheWay.set(snapshot, stops.add(stop));
    const timer = setTimeout(stop, LONGEST).unref();
    // Slow readers of many snapshots would keep as many in memory.
    const [oldest] = this.#onTheWay.values();
    if (this.#onTheWay.size > MOST_ON_THE_WAY) for (const end of [...(oldest ?? [])]) end();
    return () => {
      if (!stops.delete(stop)) return;
      clearTimeout(timer);
      if (stops.size === 0) this.#onTheWay.delete(snapshot);
      this.#release(client);
    };
  }

  #release(client: string): void {
    this.#downloads -= 1;
    const left = (this.#ofClient.get(client) ?? 1) - 1;
    if (left === 0) this.#ofClient.delete(client);
    else this.#ofClient.set(client, left);
  }

  async #build(): Promise<Snapshot> {
    const { of, parts } = await this.#make();
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const snapshot = { of, parts, length };
    this.#made = { snapshot, at: this.#clock.monotonic() };
    clearTimeout(this.#forget);
    this.#forget = setTimeout(() => {
      this.#made = null;
    }, KEPT_FOR).unref();
    return snapshot;
  }
}

function* piecesOf(parts: readonly Buffer[]): Generator<Uint8Array, void> {
  for (const part of parts) {
    for (let from = 0; from < part.length; from += PIECE) yield part.subarray(from, from + PIECE);
  }
}
