import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Clock } from '@latchkey/verify';
import { type Latchkey, type LatchkeyOptions, latchkey, sqlite } from 'latchkey';
import { node } from 'latchkey/node';
import { freePort } from '../../tools/own-server.mjs';
import { CLIENTS, type Held, heldIn } from '../http/program.ts';
import { bodyOf, PASSWORD, TEST_SECRET } from '../http/world.ts';

/** The machine's time, also where a test has set the `Date` of everybody else. */
const trueClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  monotonic: () => performance.now(),
};

/** A Latchkey that is reached over a port of loopback. */
export interface Served {
  readonly auth: Latchkey;
  readonly url: string;
  signUp(email: string): Promise<Held>;
  /** An access token for an audience, by the refresh token of a login. */
  tokenFor(held: Held, audience: string): Promise<string>;
  close(): Promise<void>;
}

/** Serves a Latchkey of its own that issues tokens for `audiences`. */
export async function openServed(
  audiences: readonly string[],
  tokens: LatchkeyOptions['tokens'] = {},
): Promise<Served> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const auth = latchkey({
    url,
    secret: TEST_SECRET,
    store: sqlite(':memory:'),
    clients: CLIENTS,
    clock: trueClock,
    tokens: { audiences, ...tokens },
  });
  await auth.ready();
  const server = createServer(node(auth).routes((_incoming, outgoing) => outgoing.writeHead(404).end()));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    auth,
    url,
    signUp: async (email) => {
      const response = await fetch(`${url}/auth/sign-up`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email, password: PASSWORD, client: 'mobile' }),
      });
      assert.equal(response.status, 201);
      return heldIn(response);
    },
    tokenFor: async ({ refresh }, audience) => {
      const fields = { grant_type: 'refresh_token', refresh_token: refresh, audience };
      const response = await fetch(`${url}/auth/token`, {
        method: 'POST',
        body: new URLSearchParams(fields),
      });
      assert.equal(response.status, 200, await response.clone().text());
      return String((await bodyOf(response))['access_token']);
    },
    close: async () => {
      auth.drain();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await auth.close();
    },
  };
}
