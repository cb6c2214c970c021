import type { Clock } from '@latchkey/verify';
import { type AuthEvent, type Latchkey, type LatchkeyOptions, latchkey, type Store, sqlite } from 'latchkey';

/** A root secret for tests alone. */
export const TEST_SECRET = 'tXk3y0VYy3H9bQe1uJ8mC5rZ2wPq7sLdN4fGhA6iKoM=';
export const ORIGIN = 'http://localhost:3000';
export const PASSWORD = 'lantern orchid gravel seven';
export const OTHER_PASSWORD = 'marble teapot under the bridge';

/** The machine's clock, which a test can move on. */
export interface TestClock extends Clock {
  advance(millis: number): void;
  /** Moves the wall clock alone, as somebody who sets it does. */
  step(millis: number): void;
}

/** Makes a clock that shows the machine's time and what it was moved by. */
export function testClock(): TestClock {
  let moved = 0;
  let stepped = 0;
  return {
    now: () => Date.now() + moved + stepped,
    monotonic: () => performance.now() + moved,
    advance: (millis) => {
      moved += millis;
    },
    step: (millis) => {
      stepped += millis;
    },
  };
}

/** A Latchkey of its own, and what it said. */
export interface World {
  readonly auth: Latchkey;
  readonly clock: TestClock;
  readonly store: Store;
  readonly events: AuthEvent[];
  browser(extra?: Record<string, string>): Visit;
}

/** Opens a Latchkey on an in-memory store; close it by `after`. */
export async function openWorld(
  options: Partial<LatchkeyOptions> = {},
  store: Store = sqlite(':memory:'),
): Promise<World> {
  const clock = testClock();
  const events: AuthEvent[] = [];
  const auth = latchkey({
    url: ORIGIN,
    secret: TEST_SECRET,
    store,
    throttle: {
      network: { attempts: 1_000_000, within: '1m' },
      account: { attempts: 1_000_000, within: '10m' },
    },
    onEvent: (event) => events.push(event),
    clock,
    ...options,
  });
  await auth.ready();
  return { auth, clock, store, events, browser: (extra) => new Visit(auth, extra) };
}

interface Sent {
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  readonly headers?: Readonly<Record<string, string>>;
  readonly peer?: string;
}

/** A person's browser as far as HTTP sees it: it keeps the cookie, and says where a request comes from. */
export class Visit {
  readonly #auth: Pick<Latchkey, 'handler'>;
  readonly #extra: Readonly<Record<string, string>>;
  /** The cookie as `name=value`, or `null`. */
  cookie: string | null = null;

  constructor(auth: Pick<Latchkey, 'handler'>, extra: Readonly<Record<string, string>> = {}) {
    this.#auth = auth;
    this.#extra = extra;
  }

  get(path: string, sent: Sent = {}): Promise<Response> {
    return this.send('GET', path, sent);
  }

  post(path: string, json?: unknown, sent: Sent = {}): Promise<Response> {
    return this.send('POST', path, json === undefined ? sent : { ...sent, json });
  }

  form(path: string, form: Readonly<Record<string, string>>, sent: Sent = {}): Promise<Response> {
    return this.send('POST', path, { ...sent, form });
  }

  delete(path: string, sent: Sent = {}): Promise<Response> {
    return this.send('DELETE', path, sent);
  }

  async send(method: string, path: string, sent: Sent = {}): Promise<Response> {
    const headers = new Headers({ 'Sec-Fetch-Site': 'same-origin', ...this.#extra });
    if (this.cookie !== null) headers.set('Cookie', this.cookie);
    let body: string | Uint8Array<ArrayBuffer> | ReadableStream | undefined = sent.body;
    if (sent.json !== undefined) {
      headers.set('Content-Type', 'application/json');
      body = JSON.stringify(sent.json);
    } else if (sent.form !== undefined) {
      headers.set('Content-Type', 'application/x-www-form-urlencoded');
      body = new URLSearchParams(sent.form).toString();
    }
    for (const [name, value] of Object.entries(sent.headers ?? {})) {
      if (value === '') headers.delete(name);
      else headers.set(name, value);
    }
    const request = new Request(new URL(path, ORIGIN), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const response = await this.#auth.handler(request, { peer: sent.peer ?? '203.0.113.7' });
    for (const line of response.headers.getSetCookie()) {
      const pair = line.slice(0, line.indexOf(';'));
      this.cookie = line.includes('Max-Age=0') ? null : pair;
    }
    return response;
  }

  /** Signs up, and fails the test where that does not work. */
  async signUp(email: string, password: string = PASSWORD): Promise<Response> {
    return expectStatus(await this.post('/auth/sign-up', { email, password }), 201);
  }

  /** Signs in, and fails the test where that does not work. */
  async signIn(email: string, password: string = PASSWORD): Promise<Response> {
    return expectStatus(await this.post('/auth/sign-in', { email, password }), 200);
  }
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  if (response.status !== status) throw new Error(`answered ${response.status}: ${await response.text()}`);
  return response;
}

/** The code of a problem. */
export async function codeOf(response: Response): Promise<string> {
  const problem: unknown = await response.json();
  return typeof problem === 'object' && problem !== null && 'code' in problem ? String(problem.code) : '';
}

/** The body as a record, to look into. */
export async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new TypeError('the body is no object');
  return { ...body };
}
