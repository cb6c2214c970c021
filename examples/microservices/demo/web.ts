import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { preciseNow } from './lamp.ts';
import type { Story } from './story.ts';

const PAGE = join(import.meta.dirname, 'page');
const TELL_EVERY_MS = 200;
/** A page of this machine's that does not read is let go. */
const MOST_WAITING_BYTES = 1_000_000;
const MOST_READERS = 20;

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/demo.css': ['demo.css', 'text/css; charset=utf-8'],
  '/narrow.css': ['narrow.css', 'text/css; charset=utf-8'],
  '/demo.js': ['demo.js', 'text/javascript; charset=utf-8'],
  '/words.js': ['words.js', 'text/javascript; charset=utf-8'],
};

/** What the pages of Latchkey look like, from the issuer itself. */
const OF_THE_ISSUER: Readonly<Record<string, string>> = {
  '/latchkey.css': '/auth/style.css',
  '/icon.svg': '/auth/icon.svg',
};

/** The page, what is shown on it as it happens, and its buttons. On loopback, for the browser of this machine. */
export class Web {
  readonly #story: () => Story;
  readonly #readers = new Set<ServerResponse>();
  readonly #server: Server;
  readonly #timer: NodeJS.Timeout;
  #telling = false;

  /** @param story what is shown, once there is something. */
  constructor(story: () => Story) {
    this.#story = story;
    this.#server = createServer((incoming, outgoing) => {
      this.#answer(incoming, outgoing).catch((error: unknown) => {
        console.error(error instanceof Error ? error.message : error);
        if (!outgoing.headersSent) outgoing.writeHead(500, HEADERS);
        outgoing.end();
      });
    });
    this.#timer = setInterval(() => this.#tell(), TELL_EVERY_MS);
  }

  /** Listens on loopback, on another port where this one is taken, and answers which. */
  async listen(port: number): Promise<number> {
    try {
      this.#server.listen(port, '127.0.0.1');
      await once(this.#server, 'listening');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    }
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Tells all readers at once; several changes of one moment in one go. */
  changed(): void {
    if (this.#telling) return;
    this.#telling = true;
    setTimeout(() => {
      this.#telling = false;
      this.#tell();
    }, 10);
  }

  #tell(): void {
    const text = `data: ${JSON.stringify(viewOf(this.#story()))}\n\n`;
    for (const reader of this.#readers) {
      if (reader.writableLength > MOST_WAITING_BYTES) reader.destroy();
      else reader.write(text);
    }
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming;
    // A name of somebody else's that leads here (DNS rebinding) is not answered.
    if (!/^(?:localhost|127\.0\.0\.1):\d+$/.test(incoming.headers.host ?? '')) {
      outgoing.writeHead(421, HEADERS).end();
      return;
    }
    if (method === 'POST') return await this.#press(incoming, outgoing);
    if (method !== 'GET') return void outgoing.writeHead(405, { ...HEADERS, Allow: 'GET, POST' }).end();
    if (url === '/events') return this.#read(outgoing);
    const [name, type] = FILES[url] ?? [];
    if (name !== undefined && type !== undefined) {
      outgoing.writeHead(200, { ...HEADERS, 'Content-Type': type }).end(readFileSync(join(PAGE, name)));
      return;
    }
    const path = OF_THE_ISSUER[url];
    if (path === undefined) return void outgoing.writeHead(404, HEADERS).end();
    const response = await fetch(`${this.#story().fleet.issuer}${path}`);
    const contentType = response.headers.get('Content-Type') ?? 'application/octet-stream';
    outgoing.writeHead(response.status, { ...HEADERS, 'Content-Type': contentType });
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  }

  #read(outgoing: ServerResponse): void {
    if (this.#readers.size >= MOST_READERS) return void outgoing.writeHead(503, HEADERS).end();
    outgoing.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    outgoing.write('retry: 1000\n\n');
    this.#readers.add(outgoing);
    outgoing.once('close', () => this.#readers.delete(outgoing));
    this.changed();
  }

  async #press(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    // Whoever has a page open somewhere else must not press buttons here.
    const { origin, host } = incoming.headers;
    if (origin !== `http://${host}`) return void outgoing.writeHead(403, HEADERS).end();
    const story = this.#story();
    const acts: Readonly<Record<string, () => Promise<void>>> = {
      '/revoke': () => story.revoke(),
      '/cut': () => story.cut(),
      '/mend': () => story.mend(),
      '/sign-in': () => story.signIn(),
    };
    const act = acts[incoming.url ?? ''];
    await act?.();
    outgoing.writeHead(act === undefined ? 404 : 204, HEADERS).end();
  }
}

/** All that the page shows. Times are milliseconds since 1970. */
function viewOf(story: Story) {
  const { fleet, held, revocation, cutAt, maxStaleness, followers, lamps } = story;
  return {
    now: preciseNow(),
    behindNginx: fleet.shop.behindNginx,
    expiresAt: held?.expiresAt ?? null,
    cutAt,
    maxStaleness,
    revocation,
    followers,
    lamps: lamps.map((lamp) => {
      const { name, answer, requests, turn } = lamp;
      return { name, answer, requests, turn, ticks: lamp.takeTicks() };
    }),
  };
}

/** What one event brings to the page. */
export type View = ReturnType<typeof viewOf>;
