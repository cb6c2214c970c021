import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server on loopback that a test can cut, or lead elsewhere. */
export interface Proxy {
  readonly port: number;
  /** New connections lead to another port; those that are open are cut. */
  lead(port: number): void;
  /** Nothing passes any more, and nobody is told: open connections stay silent, new ones too. */
  freeze(): void;
  /** What was held back passes again. */
  thaw(): void;
  close(): Promise<void>;
}

/** Opens a proxy to a port of loopback. */
export async function openProxy(target: number): Promise<Proxy> {
  let port = target;
  let frozen = false;
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (frozen) from.pause();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the proxy has no port');
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  const hold = (held: boolean): void => {
    frozen = held;
    for (const socket of [...pairs].flat()) {
      if (held) socket.pause();
      else socket.resume();
    }
  };
  return {
    port: address.port,
    lead: (next) => {
      port = next;
      cut();
    },
    freeze: () => hold(true),
    thaw: () => hold(false),
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
