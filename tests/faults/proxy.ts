import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * What happens when a client sends a certain text: its connection is cut before that
 * reaches the server, or when the server has answered it, or everything freezes before.
 */
export type Incident = 'cut' | 'cut answer' | 'freeze';

/** A way to a server on loopback that a test can cut, or lead elsewhere. */
export interface Proxy {
  readonly port: number;
  /** How many connections are open. */
  readonly open: number;
  /** New connections lead to another port; those that are open are cut. */
  lead(port: number): void;
  /** Nothing passes any more, and nobody is told: open connections stay silent, new ones too. */
  freeze(): void;
  /** What was held back passes again. */
  thaw(): void;
  /** Lets something happen when a client sends `text` for the next time; resolves when it does. */
  when(text: string, incident: Incident): Promise<void>;
  close(): Promise<void>;
}

interface Trap {
  readonly text: string;
  readonly incident: Incident;
  readonly sprung: () => void;
}

/** Opens a proxy to a port of loopback. */
export async function openProxy(target: number): Promise<Proxy> {
  let port = target;
  let frozen = false;
  let trap: Trap | null = null;
  const pairs = new Set<readonly [Socket, Socket]>();
  const held: (() => void)[] = [];
  const pass = (bytes: Uint8Array, to: Socket): void => {
    if (frozen) held.push(() => to.write(bytes));
    else to.write(bytes);
  };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    let doomed = false;
    near.on('data', (bytes) => {
      if (trap !== null && bytes.includes(trap.text)) {
        const { incident, sprung } = trap;
        trap = null;
        sprung();
        if (incident === 'cut') return void far.destroy();
        if (incident === 'freeze') hold(true);
        else doomed = true;
      }
      pass(bytes, far);
    });
    far.on('data', (bytes) => {
      if (doomed) near.destroy();
      else pass(bytes, near);
    });
    for (const [one, other] of [pair, [far, near] as const]) {
      one.on('error', () => {});
      one.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
      if (frozen) one.pause();
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
  const hold = (on: boolean): void => {
    frozen = on;
    for (const socket of [...pairs].flat()) {
      if (on) socket.pause();
      else socket.resume();
    }
    if (!on) for (const release of held.splice(0)) release();
  };
  return {
    port: address.port,
    get open() {
      return pairs.size;
    },
    lead: (next) => {
      port = next;
      cut();
    },
    freeze: () => hold(true),
    thaw: () => hold(false),
    when: (text, incident) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      trap = { text, incident, sprung: resolve };
      return promise;
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
