import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { bodyOf, PASSWORD } from '../world.ts';

interface Sent {
  readonly json?: unknown;
  readonly text?: string;
  /** On top of what a browser sends; an empty value leaves a header out. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Somebody who calls over a real connection, and keeps the session's cookie. */
export class Caller {
  readonly #origin: string;
  readonly email: string;
  /** The session's cookie as `name=value`; empty for none. */
  cookie = '';

  constructor(origin: string, email: string) {
    this.#origin = origin;
    this.email = email;
  }

  async call(method: string, path: string, { json, text, headers = {} }: Sent = {}): Promise<Response> {
    const all = new Headers({ 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' });
    if (this.cookie !== '') all.set('Cookie', this.cookie);
    for (const [name, value] of Object.entries(headers)) {
      if (value === '') all.delete(name);
      else all.set(name, value);
    }
    const body = text ?? (json === undefined ? null : JSON.stringify(json));
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      redirect: 'manual',
      headers: all,
      body,
    });
    for (const line of response.headers.getSetCookie()) {
      if (line.startsWith('latchkey-')) this.cookie = line.slice(0, line.indexOf(';'));
    }
    return response;
  }

  /** Calls as a person who opens a page does. */
  visit(path: string): Promise<Response> {
    return this.call('GET', path, { headers: { Accept: 'text/html,*/*;q=0.8' } });
  }

  /** Calls as a program does that holds a token. */
  bearer(token: string, method: string, path: string): Promise<Response> {
    return this.call(method, path, {
      headers: { Authorization: `Bearer ${token}`, 'Sec-Fetch-Site': '', Cookie: '' },
    });
  }

  /** Signs up through a client, and answers its access token; empty where the client has none. */
  async signUp(client = 'web'): Promise<string> {
    const response = await this.call('POST', '/auth/sign-up', {
      json: { email: this.email, password: PASSWORD, client },
      // No page in a browser may use a client of mode `jwt`.
      headers: client === 'mobile' ? { 'Sec-Fetch-Site': '' } : {},
    });
    if (response.status !== 201) throw new Error(`answered ${response.status}: ${await response.text()}`);
    return tokenOf(response);
  }

  /** An access token from the cookie of a hybrid client. */
  async token(audience: string | null): Promise<string> {
    const json = {
      grant_type: 'urn:latchkey:grant:session',
      ...(audience === null ? {} : { audience }),
    };
    const response = await this.call('POST', '/auth/token', { json });
    if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`);
    return tokenOf(response);
  }
}

async function tokenOf(response: Response): Promise<string> {
  const { access_token: token } = await bodyOf(response);
  return typeof token === 'string' ? token : '';
}

/** An answer as it came over the wire. */
export interface Wired {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Sends what `fetch` would not: a header twice, a target that is no path, a method that it forbids. */
export async function wire(
  origin: string,
  method: string,
  target: string,
  options: { readonly headers?: readonly string[]; readonly body?: Uint8Array; readonly agent?: Agent } = {},
): Promise<Wired> {
  const { hostname, port, host } = new URL(origin);
  const sent = request({
    hostname,
    port,
    method,
    path: target,
    headers: ['Host', host, ...(options.headers ?? [])],
    agent: options.agent ?? false,
  });
  sent.end(options.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const body = await buffer(response);
  return { status: response.statusCode ?? 0, headers: response.headers, body: body.toString() };
}

/** An agent with one connection, which every call through it shares. */
export function oneConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}
