import { setTimeout as sleep } from 'node:timers/promises';
import type { Millis } from './clock.ts';
import { readEvents } from './event-stream.ts';
import { findFeedLine } from './feed-entry.ts';
import { type IssuerClient, IssuerFailed } from './issuer-client.ts';
import type { Entry, Position } from './log-entry.ts';
import { randomFraction } from './random.ts';

/** A comment comes each 15 seconds: a stream that is silent for so long is dead, whatever its socket says. */
const SILENCE: Millis = 40_000;
const FIRST_PAUSE: Millis = 1_000;
const LONGEST_PAUSE: Millis = 30_000;

export interface HintStreamOptions {
  readonly client: IssuerClient;
  /** How far the log has been followed, so that what came since is said first. */
  readonly after: () => Position | null;
  /** Default 40 s. */
  readonly silence?: Millis;
  /** How long the first pause between two streams is at the most; each next one is twice that, up to 30 s. Default 1 s. */
  readonly pause?: Millis;
}

/**
 * Listens to the feed's hints, one stream after another until it is stopped. Between two it
 * pauses, longer each time that nothing could be heard, and never as long as another
 * process does. Nothing depends on it: the log is pulled all the same.
 */
export class HintStream {
  readonly #options: HintStreamOptions;
  #isOpen = false;

  constructor(options: HintStreamOptions) {
    this.#options = options;
  }

  /** Whether a stream is open that has said something. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Tells `listener` of what is heard until the function that it returns is called. */
  start(listener: (entries: readonly Entry[]) => void): () => void {
    const stop = new AbortController();
    void this.#run(listener, stop.signal);
    return () => stop.abort();
  }

  async #run(listener: (entries: readonly Entry[]) => void, stop: AbortSignal): Promise<void> {
    const { pause: first = FIRST_PAUSE } = this.#options;
    let longest = first;
    while (!stop.aborted) {
      const stream = { heard: false };
      try {
        await this.#listen((entries) => {
          stream.heard = true;
          listener(entries);
        }, stop);
      } catch (error) {
        // Who is refused once is refused for some time.
        if (error instanceof IssuerFailed && error.status !== null && error.status < 500)
          longest = LONGEST_PAUSE;
      }
      this.#isOpen = false;
      if (stream.heard) longest = first;
      const millis = longest * (0.5 + randomFraction() / 2);
      await sleep(millis, undefined, { signal: stop, ref: false }).catch(() => undefined);
      longest = Math.min(2 * longest, LONGEST_PAUSE);
    }
  }

  /** Listens to one stream until it ends, is stopped or falls silent. */
  async #listen(listener: (entries: readonly Entry[]) => void, stop: AbortSignal): Promise<void> {
    const { client, after, silence = SILENCE } = this.#options;
    const silent = new AbortController();
    const timer = setTimeout(() => silent.abort(), silence).unref();
    const position = after();
    try {
      const { body, end } = await client.ask(`/auth/feed${position === null ? '' : `?after=${position}`}`, {
        headers: client.authorization,
        timeout: Number.POSITIVE_INFINITY,
        signal: AbortSignal.any([stop, silent.signal]),
        accept: 'text/event-stream',
      });
      try {
        const heard = (): void => {
          timer.refresh();
          if (this.#isOpen) return;
          this.#isOpen = true;
          // Whatever was said while nobody listened.
          listener([]);
        };
        for await (const { event, data } of readEvents(told(body, heard))) {
          const entry = event === 'entry' ? entryIn(data) : null;
          // What cannot be read may be of another version: it still says that there is something.
          listener(entry === null ? [] : [entry]);
        }
      } finally {
        end();
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

async function* told(body: AsyncIterable<Uint8Array>, heard: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    heard();
    yield piece;
  }
}

function entryIn(data: string): Entry | null {
  try {
    return findFeedLine(JSON.parse(data))?.entry ?? null;
  } catch {
    return null;
  }
}
