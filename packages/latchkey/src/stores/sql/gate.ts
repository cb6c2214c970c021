/**
 * Lets one in at a time, in the order in which they came. Waiting costs each of
 * them one step, however many there are.
 */
export class Gate {
  #last: Promise<undefined> = Promise.resolve(undefined);

  /** Resolves when all who came before have left, with what must be called to leave. */
  async enter(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const before = this.#last;
    this.#last = promise;
    await before;
    return () => resolve(undefined);
  }
}
