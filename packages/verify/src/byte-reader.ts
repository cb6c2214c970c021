/** The other side answered what the feed's specification does not allow. */
export class FeedRefused extends Error {
  override readonly name = 'FeedRefused';
}

/** Reads exact numbers of bytes from a body that arrives in pieces of any size. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#pieces = body[Symbol.asyncIterator]();
  }

  /**
   * The next bytes, good until the next call.
   *
   * @throws {FeedRefused} where the body ends before.
   */
  async take(length: number): Promise<DataView> {
    if (this.#piece.length - this.#at >= length) return this.#view(length);
    const whole = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      if (this.#at === this.#piece.length && !(await this.#next())) {
        throw new FeedRefused('the body ends too early');
      }
      const part = this.#piece.subarray(this.#at, this.#at + length - filled);
      whole.set(part, filled);
      filled += part.length;
      this.#at += part.length;
    }
    return new DataView(whole.buffer);
  }

  /** @throws {FeedRefused} where anything follows. */
  async end(): Promise<void> {
    while (this.#at === this.#piece.length) if (!(await this.#next())) return;
    throw new FeedRefused('something follows the end');
  }

  #view(length: number): DataView {
    const view = new DataView(this.#piece.buffer, this.#piece.byteOffset + this.#at, length);
    this.#at += length;
    return view;
  }

  async #next(): Promise<boolean> {
    const next = await this.#pieces.next();
    this.#at = 0;
    this.#piece = next.done === true ? new Uint8Array(0) : next.value;
    return next.done !== true;
  }
}
