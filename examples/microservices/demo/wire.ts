import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * A wire between a service and its issuer that can be cut: no byte passes either way then,
 * and no connection is closed, as when a network is parted. What was sent meanwhile arrives
 * when it is mended, as TCP would send it again.
 */
export class Wire {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ allowHalfOpen: true }, (near) => this.#join(near));
  #mended: PromiseWithResolvers<void> | null = null;

  /** @param to the port of loopback that it leads to. */
  constructor(to: number) {
    this.#to = to;
  }

  get isCut(): boolean {
    return this.#mended !== null;
  }

  /** Listens on loopback, and answers the port. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#mended ??= Promise.withResolvers();
  }

  mend(): void {
    this.#mended?.resolve();
    this.#mended = null;
  }

  async close(): Promise<void> {
    this.mend();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(near: Socket): void {
    const far = connect({ port: this.#to, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    // Either end may break off; the other end hears of it.
    const passing = [pipeline(near, this.#gate(), far), pipeline(far, this.#gate(), near)];
    Promise.all(passing).catch(() => {
      near.destroy();
      far.destroy();
    });
  }

  /** Holds bytes back, and the end of them, while the wire is cut. */
  #gate(): Transform {
    return new Transform({
      transform: (bytes, _encoding, pass) => void this.#whole().then(() => pass(null, bytes)),
      flush: (pass) => void this.#whole().then(() => pass()),
    });
  }

  async #whole(): Promise<void> {
    while (this.#mended !== null) await this.#mended.promise;
  }
}
