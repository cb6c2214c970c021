import { connect, type Socket } from 'node:net';

/** What is sent, to whom. */
export interface Load {
  readonly port: number;
  /** Whole requests, sent in turn, one at a time on each connection. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
}

/** When to send no more: so long after the start, or after so many. */
export type Limit = { readonly millis: number } | { readonly requests: number };

/** What came back. */
export interface Tally {
  readonly answered: number;
  readonly seconds: number;
  /** How many answers had which status. */
  readonly statuses: ReadonlyMap<number, number>;
}

/**
 * Sends requests over kept-alive connections of its own, each with one request
 * under way, and counts the answers.
 *
 * It does as little as it can: the client shares the machine with the server that
 * is measured, and the less it takes, the more the figure is the server's.
 *
 * @throws {Error} where a connection ends early or an answer has no `Content-Length`.
 */
export async function run(load: Load, limit: Limit): Promise<Tally> {
  const statuses = new Map<number, number>();
  const startedAt = performance.now();
  const until = 'millis' in limit ? startedAt + limit.millis : Number.POSITIVE_INFINITY;
  const most = 'requests' in limit ? limit.requests : Number.POSITIVE_INFINITY;
  let sent = 0;
  let answered = 0;
  const next = (): Buffer | null => {
    if (sent >= most || performance.now() >= until) return null;
    const request = load.requests[sent % load.requests.length] ?? null;
    sent += 1;
    return request;
  };
  const count = (status: number): void => {
    answered += 1;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  const wake = napBetweenBatches();
  try {
    await Promise.all(Array.from({ length: load.connections }, () => converse(load.port, next, count)));
  } finally {
    wake();
  }
  return { answered, seconds: (performance.now() - startedAt) / 1_000, statuses };
}

/** Makes a request as it goes over the wire. */
export function requestText(line: string, headers: Readonly<Record<string, string>>, body = ''): Buffer {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`${line} HTTP/1.1\r\n${fields.join('')}${length}\r\n${body}`);
}

/**
 * Lets this thread sleep a millisecond between batches of answers, deaf to its sockets.
 *
 * A client that waits on its sockets is woken by each write of a server slower
 * than itself, and on a virtual machine waking it takes longer than the write.
 * That would be counted as the server's work, and most for the slowest; no client
 * on another machine costs it. The connections must be enough to keep the server
 * busy meanwhile.
 */
function napBetweenBatches(): () => void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let ended = false;
  const nap = (): void => {
    if (ended) return;
    Atomics.wait(never, 0, 0, 1);
    setImmediate(nap);
  };
  setImmediate(nap);
  return () => {
    ended = true;
  };
}

/** One connection, from its first request to the answer of its last. */
async function converse(
  port: number,
  next: () => Buffer | null,
  count: (status: number) => void,
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    let done = false;
    const proceed = (): void => {
      const request = next();
      if (request !== null) {
        socket.write(request);
        return;
      }
      done = true;
      socket.end();
    };
    onAnswers(
      socket,
      (status) => {
        count(status);
        proceed();
      },
      reject,
    );
    socket.on('connect', proceed);
    socket.on('error', reject);
    socket.on('close', () => (done ? resolve() : reject(new Error('the server ended a connection early'))));
  }).finally(() => socket.destroy());
}

function onAnswers(socket: Socket, answered: (status: number) => void, failed: (error: Error) => void): void {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text = text === '' ? chunk : text + chunk;
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1];
    if (length === undefined) {
      failed(new Error(`an answer has no Content-Length: ${text.slice(0, end)}`));
      return;
    }
    if (text.length < end + 4 + Number(length)) return;
    const status = Number(text.slice(9, 12));
    text = '';
    answered(status);
  });
}
