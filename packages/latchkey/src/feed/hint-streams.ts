import type { Millis } from '@latchkey/verify';
import { failure, isFailure } from '../errors.ts';

/** Streams of one client, on one node. */
const MOST_OF_CLIENT = 64;
/** Streams of all clients, on one node. */
const MOST = 1_000;
/** Bytes that wait for a reader; who is slower than that is cut off, and pulls. */
const BUFFER = 64 * 1024;
/** How often it is looked whether who listens still may, and whether there is something to listen to. */
const LOOK_EVERY: Millis = 1_000;
/** How often a comment says that the stream is alive, in looks. */
const COMMENT_EVERY = 15;
/** How long what was written before the end of a stream may take to be read. */
const LINGER: Millis = 5_000;
/** When to try again where there are too many. */
const RETRY_AFTER: Millis = 5_000;

const OPEN = Buffer.from('retry: 1000\n: open\n\n');
const COMMENT = Buffer.from(':\n\n');

/** Who listens, and how their connection is ended. */
export interface Listener {
  /** The name of the client. */
  readonly client: string;
  /** The client's subject in the log. */
  readonly subject: string;
  /** Throws a code that is shown as 401 when the client's key is no longer good. */
  readonly check: () => Promise<unknown>;
  /** Ends the connection without waiting for what is not yet read; `null` where the host cannot. */
  readonly cut: (() => void) | null;
}

interface Stream extends Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/**
 * The streams on which services hear of entries as they happen. What is sent is made once
 * for all of them, and waits in a buffer of each that has an end.
 */
export class HintStreams {
  readonly #isFresh: () => boolean;
  readonly #streams = new Set<Stream>();
  readonly #ofClient = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #isOver = false;

  /** @param isFresh whether this node is one to listen to. */
  constructor(isFresh: () => boolean) {
    this.#isFresh = isFresh;
  }

  get size(): number {
    return this.#streams.size;
  }

  /**
   * Opens a stream that begins with `missed`.
   *
   * @throws `LK_THROTTLED` where the client has too many, `LK_BUSY` where all together have,
   *   and while this node is stopping.
   */
  open(listener: Listener, missed: readonly string[]): ReadableStream<Uint8Array> {
    const { client } = listener;
    const ofClient = this.#ofClient.get(client) ?? 0;
    if (ofClient >= MOST_OF_CLIENT) throw failure('LK_THROTTLED', { retryAfter: RETRY_AFTER });
    if (this.#isOver || this.#streams.size >= MOST) throw failure('LK_BUSY', { retryAfter: RETRY_AFTER });
    let stream: Stream | null = null;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          stream = { ...listener, controller };
          this.#streams.add(stream);
          this.#ofClient.set(client, ofClient + 1);
          controller.enqueue(missed.length === 0 ? OPEN : Buffer.concat([OPEN, encoded(missed)]));
        },
        cancel: () => {
          if (stream !== null) this.#remove(stream);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BUFFER }),
    );
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY).unref();
    return body;
  }

  /** Sends events to everybody. */
  send(events: readonly string[]): void {
    if (this.#streams.size > 0 && events.length > 0) this.#write(encoded(events));
  }

  /** Asks whether who listens in the name of a client still may, and ends those who may not. */
  recheck(subject: string): void {
    for (const stream of this.#streams) if (stream.subject === subject) this.#check(stream);
  }

  /** Ends all of them; who listens connects again, and finds another node or another history. */
  endAll(): void {
    for (const stream of this.#streams) this.#end(stream);
  }

  /** Ends all of them and opens no more, until `resume`. */
  stop(): void {
    this.#isOver = true;
    this.endAll();
  }

  /** Opens streams again. */
  resume(): void {
    this.#isOver = false;
  }

  #look(): void {
    this.#looks += 1;
    // Whom this node can't tell of what ends, it must not seem to.
    if (!this.#isFresh()) this.endAll();
    for (const stream of this.#streams) this.#check(stream);
    if (this.#looks % COMMENT_EVERY === 0) this.#write(COMMENT);
  }

  #check(stream: Stream): void {
    stream.check().catch((error: unknown) => {
      // Where nobody can say whether it may, it hears of nothing new either.
      if (isFailure(error, 'LK_KEY_REFUSED')) this.#end(stream);
    });
  }

  #write(chunk: Uint8Array): void {
    for (const stream of this.#streams) {
      if ((stream.controller.desiredSize ?? 0) < chunk.byteLength) this.#cut(stream);
      else stream.controller.enqueue(chunk);
    }
  }

  #end(stream: Stream): void {
    // Of two checks at once both may find that it is over, and a reader may have gone before.
    if (!this.#streams.has(stream)) return;
    this.#remove(stream);
    stream.controller.close();
    setTimeout(() => {
      // What was closed and read to its end wants nothing more.
      if (stream.controller.desiredSize !== 0) breakOff(stream);
    }, LINGER).unref();
  }

  #cut(stream: Stream): void {
    this.#remove(stream);
    breakOff(stream);
  }

  #remove(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    const left = (this.#ofClient.get(stream.client) ?? 1) - 1;
    if (left === 0) this.#ofClient.delete(stream.client);
    else this.#ofClient.set(stream.client, left);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Lets go of what waits. Where the host ends the connection, it cancels the stream, quietly. */
function breakOff({ cut, controller }: Stream): void {
  if (cut === null) controller.error(new Error('the reader is too slow'));
  else cut();
}

function encoded(events: readonly string[]): Uint8Array {
  return Buffer.from(events.join(''));
}
