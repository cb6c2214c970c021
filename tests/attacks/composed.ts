import { createHmac } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Tail } from '@latchkey/verify';
import { type AuthEvent, type LatchkeyOptions, type Store, sqlite } from 'latchkey';
import { parseConfig } from '../../packages/latchkey/src/config.ts';
import { Authenticator } from '../../packages/latchkey/src/flows/authenticate.ts';
import type { Rooms } from '../../packages/latchkey/src/flows/rooms.ts';
import { handler } from '../../packages/latchkey/src/http/handler.ts';
import { hashQueue } from '../../packages/latchkey/src/identity/hash-queue.ts';
import {
  type Argon2,
  type PasswordHasher,
  passwordHasher,
} from '../../packages/latchkey/src/identity/password-hash.ts';
import { passwordRules } from '../../packages/latchkey/src/identity/password-rules.ts';
import { throttle } from '../../packages/latchkey/src/identity/throttle.ts';
import { Receipts } from '../../packages/latchkey/src/revocation/receipts.ts';
import { RevocationLog } from '../../packages/latchkey/src/revocation/revocation-log.ts';
import { Activity } from '../../packages/latchkey/src/sessions/activity.ts';
import { sessionCookie } from '../../packages/latchkey/src/sessions/cookie.ts';
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
  const emit = (event: AuthEvent): void => void events.push(event);
  const config = parseConfig({ url: ORIGIN, secret: TEST_SECRET, ...options, store, onEvent: emit }, 2);
  const { rootSecret, idle, maxStaleness, nearCacheLife } = config;
  const onError = (error: unknown): void => emit({ type: 'failed', error });
  const log = new RevocationLog({ store, clock, maxStaleness, nearCacheLife, followerName: 'composed' });
  const tail = new Tail({ source: log, clock, onError });
  const rooms: Rooms = {
    config,
    clock,
    store,
    log,
    tail,
    emit,
    receipts: new Receipts({ store, clock, tail, self: log.follower, onError }),
    cookie: sessionCookie(config),
    activity: new Activity({ store, clock, idle, onError }),
    hasher: choose(passwordHasher({ rootSecret, ...(argon2 === undefined ? {} : { argon2 }) })),
    hashQueue: hashQueue({ concurrency: config.hashConcurrency, waiting: config.hashQueue }),
    passwordRules: passwordRules({ length: config.passwordLength, contextWords: config.contextWords }),
    throttle: throttle({ network: config.networkRate, account: config.accountRate }),
  };
  await store.open(clock.now());
  await tail.start();
  const allowed = { own: config.origin, listed: config.origins };
  const answer = handler({ rooms, authenticator: new Authenticator(rooms), allowed }, async () => undefined);
  return {
    rooms,
    store,
    events,
    post: (path, json, peer = '203.0.113.7') => answer(jsonRequest(path, json), { peer }),
    close: async () => {
      tail.stop();
      await log.leave();
      await store.close();
    },
  };
}

/** A request as a page of ours sends it. */
export function jsonRequest(path: string, json: unknown): Request {
  const headers = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' };
  return new Request(new URL(path, ORIGIN), { method: 'POST', headers, body: JSON.stringify(json) });
}
