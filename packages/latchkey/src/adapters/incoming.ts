/** Between Node's HTTP server and `Request` and `Response`, for the adapters that stand on it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { failure } from '../errors.ts';
import { rawHeaderSource } from '../foundation/header-source.ts';
import { newRequestId, problemResponse } from '../http/problem.ts';
import type { Latchkey } from '../latchkey.ts';
import { bodyWasRead, type GuardedRequest } from './guard.ts';

/** Methods that a `Request` cannot have (Fetch §2.2.1). */
const FORBIDDEN = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** What a guard reads of Node's request: the headers where they are, without a copy. */
export function guardedRequest(incoming: IncomingMessage, target = incoming.url ?? '/'): GuardedRequest {
  return { method: incoming.method ?? 'GET', url: target, headers: rawHeaderSource(incoming.rawHeaders) };
}

/**
 * Answers a request to one of Latchkey's own paths.
 *
 * @param target as the client asked for it, whatever a framework has made of `incoming.url`.
 * @returns whether it was one; else nothing was read or written.
 * @throws {TypeError} where the body has been read before, because nobody can read it again.
 */
export async function answer(
  auth: Latchkey,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: string,
): Promise<boolean> {
  const url = urlOf(target, auth.config.origin);
  if (url === null || !auth.answers(url.pathname)) return false;
  const peer = incoming.socket.remoteAddress ?? null;
  const response = FORBIDDEN.has(incoming.method ?? '')
    ? problemResponse(failure('LK_METHOD_NOT_ALLOWED', { allow: [] }), new Request(url), newRequestId())
    : await auth.handler(requestOf(incoming, url), { peer, cut: () => outgoing.destroy() });
  await send(response, outgoing);
  // Until the rest of a refused body has been read, the connection has no next request.
  incoming.resume();
  return true;
}

/** Writes an answer out. A client that hangs up meanwhile is no error. */
export async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name === 'set-cookie') outgoing.appendHeader(name, value);
    else outgoing.setHeader(name, value);
  }
  if (response.body === null) {
    outgoing.end();
    return;
  }
  await pump(response.body, outgoing);
}

/**
 * Hands on what is read, as fast as it is taken. A stream may be silent for long, so that
 * its reader has gone is heard of from the connection, and not when it is next written to.
 */
async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  // Before there was an answer: of that nobody is told any more.
  if (outgoing.closed) return await body.cancel();
  const reader = body.getReader();
  let goOn = (): void => undefined;
  const taken = (): Promise<void> =>
    new Promise((resolve) => {
      goOn = resolve;
    });
  const drained = (): void => goOn();
  const closed = (): void => {
    goOn();
    reader.cancel().catch(() => undefined);
  };
  outgoing.once('close', closed).on('drain', drained);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (outgoing.destroyed) return;
      if (done) break;
      if (!outgoing.write(value)) await taken();
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy();
    throw error;
  } finally {
    outgoing.off('close', closed).off('drain', drained);
  }
}

/** RFC 9112 §3.2: a path, or a whole URL, of which all before the path is the client's claim and dropped. */
function urlOf(target: string, origin: string): URL | null {
  if (target.startsWith('/')) return URL.parse(`${origin}${target}`);
  const url = URL.parse(target);
  return url === null ? null : URL.parse(`${origin}${url.pathname}${url.search}`);
}

function requestOf(incoming: IncomingMessage, url: URL): Request {
  const { method = 'GET', rawHeaders } = incoming;
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers });
  if (incoming.readableDidRead) throw bodyWasRead();
  // Read when it is asked for, and left open when it is not: an answer may come before its end.
  const body = ReadableStream.from(incoming.iterator({ destroyOnReturn: false }));
  return new Request(url, { method, headers, body, duplex: 'half' });
}
