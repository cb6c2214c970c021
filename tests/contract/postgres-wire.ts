import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A wire between a client and a server of PostgreSQL, which can be cut. */
export interface Wire {
  /** The server's, through the wire. */
  readonly url: string;
  /** All that clients have sent, each connection's by itself. */
  readonly sent: readonly string[];
  /** Takes the answer to the next message of a client that holds `text`, and cuts the connection instead. */
  swallowAnswerTo(text: string): void;
  close(): Promise<void>;
}

/** Lays a wire to the server of `url`. */
export async function layWire(url: string): Promise<Wire> {
  const target = new URL(url);
  const sent: string[] = [];
  const open = new Set<Socket>();
  let swallowed: string | null = null;
  const wire = createServer((client) => {
    const server = connect(Number(target.port === '' ? 5432 : target.port), target.hostname);
    const index = sent.push('') - 1;
    let cut = false;
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      sent[index] += text;
      if (swallowed !== null && text.includes(swallowed)) {
        cut = true;
        swallowed = null;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (cut) client.destroy();
      else client.write(bytes);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(wire, 'listening');
  const address = wire.address();
  if (address === null || typeof address === 'string') throw new TypeError('the wire has no port');
  const through = new URL(url);
  through.host = `127.0.0.1:${address.port}`;
  return {
    url: through.href,
    sent,
    swallowAnswerTo: (text) => {
      swallowed = text;
    },
    close: async () => {
      wire.close();
      for (const socket of open) socket.destroy();
      await once(wire, 'close');
    },
  };
}
