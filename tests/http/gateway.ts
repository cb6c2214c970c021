import assert from 'node:assert/strict';
import type { Latchkey } from 'latchkey';
import { ORIGIN } from './world.ts';

/** What a gateway says of the original request. A header that is `null` is left out. */
export type Original = Readonly<Record<string, string | null>>;

/** A gateway as far as Latchkey sees it: it shows its key, and says what it was asked. */
export class Gateway {
  readonly #auth: Pick<Latchkey, 'handler'>;
  readonly #key: string | null;

  constructor(auth: Pick<Latchkey, 'handler'>, key: string | null) {
    this.#auth = auth;
    this.#key = key;
  }

  /** Asks about a request, which is one by GET where nothing else is said. */
  ask(original: Original = {}, search = '?audience=orders', method = 'GET'): Promise<Response> {
    const headers = new Headers({ 'X-Forwarded-Method': 'GET' });
    if (this.#key !== null) headers.set('X-Latchkey-Gateway', this.#key);
    for (const [name, value] of Object.entries(original)) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
    const request = new Request(new URL(`/auth/forward${search}`, ORIGIN), { method, headers });
    return this.#auth.handler(request, { peer: '203.0.113.4' });
  }

  /** The token that is handed on, or fails the test. */
  async token(original: Original, search?: string): Promise<string> {
    return tokenFor(await this.ask(original, search));
  }
}

/** The token of an answer that lets a request pass. */
export function tokenFor(response: Response): string {
  assert.equal(response.status, 200);
  const [, token] = /^Bearer (\S+)$/.exec(response.headers.get('authorization') ?? '') ?? [];
  return token ?? assert.fail('the answer holds no token');
}
