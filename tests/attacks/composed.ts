import { createHmac } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { type AuthEvent, type LatchkeyOptions, type Store, sqlite } from 'latchkey';
import type { Rooms } from '../../packages/latchkey/src/flows/rooms.ts';
import { handler } from '../../packages/latchkey/src/http/handler.ts';
import {
  type Argon2,
  type PasswordHasher,
  passwordHasher,
} from '../../packages/latchkey/src/identity/password-hash.ts';
import { compose } from '../../packages/latchkey/src/system.ts';
import { ORIGIN, TEST_SECRET, testClock } from '../http/world.ts';

/** A hash that costs nothing, for tests that count attempts: it waits once, as the real one does. */
export const cheapArgon2: Argon2 = async ({ password, salt, secret, length }) => {
  await turn();
  return createHmac('sha256', secret ?? '')
    .update(salt)
    .update(password)
    .digest()
    .subarray(0, length);
};

/** The handler over rooms of which one is another than `latchkey()` would choose. */
export interface Composed {
  readonly rooms: Rooms;
  readonly store: Store;
  readonly events: AuthEvent[];
  post(path: string, json: unknown, peer?: string): Promise<Response>;
  /** The status of `GET /auth/me` with these headers. */
  status(headers: Readonly<Record<string, string>>): Promise<number>;
  close(): Promise<void>;
}

/** Makes the rooms as the composition root does, with the hasher that `choose` makes of the usual one. */
export async function composed(
  options: Partial<LatchkeyOptions>,
  choose: (usual: PasswordHasher) => PasswordHasher,
  argon2?: Argon2,
): Promise<Composed> {
  const clock = testClock();
  const events: AuthEvent[] = [];
  const store = options.store ?? sqlite(':memory:');
  const onEvent = (event: AuthEvent): void => void events.push(event);
  const system = compose({ url: ORIGIN, secret: TEST_SECRET, ...options, store, onEvent }, clock);
  const { rootSecret } = system.rooms.config;
  const hasher = choose(passwordHasher({ rootSecret, ...(argon2 === undefined ? {} : { argon2 }) }));
  const rooms: Rooms = { ...system.rooms, hasher };
  await system.ready();
  const { authenticator, services, authorizer, forwarder, allowed } = system;
  const answer = handler(
    { rooms, authenticator, services, authorizer, forwarder, allowed },
    async () => undefined,
  );
  return {
    rooms,
    store,
    events,
    post: (path, json, peer = '203.0.113.7') => answer(jsonRequest(path, json), { peer }),
    status: async (headers) =>
      (await answer(new Request(new URL('/auth/me', ORIGIN), { headers }), { peer: null })).status,
    close: system.close,
  };
}

/** A request as a page of ours sends it. */
export function jsonRequest(path: string, json: unknown): Request {
  const headers = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' };
  return new Request(new URL(path, ORIGIN), { method: 'POST', headers, body: JSON.stringify(json) });
}
