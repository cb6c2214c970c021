/*
 * The memory of what is remembered, in a process of its own:
 *
 *   memory-process.ts cookie|token <folder> <credentials>
 */
import { join } from 'node:path';
import { type Clock, systemClock } from '@latchkey/verify';
import { Authenticator } from '../packages/latchkey/src/flows/authenticate.ts';
import type { Rooms } from '../packages/latchkey/src/flows/rooms.ts';
import { rawHeaderSource } from '../packages/latchkey/src/foundation/header-source.ts';
import { Activity } from '../packages/latchkey/src/sessions/activity.ts';
import { compose } from '../packages/latchkey/src/system.ts';
import { parameter } from './processes.ts';
import { newRootSecret, optionsFor, seedSessions, seedTokens } from './seed.ts';

/** Above every life in the near-cache: all is read a second time, as it is in a server that goes on. */
const LATER = 61_000;

const kind = parameter(0) === 'token' ? 'token' : 'cookie';
const entries = Number(parameter(2));
const secret = newRootSecret();
const database = join(parameter(1), `memory-${kind}.db`);

/** Bytes of each header, so that its text is made anew when it is asked with, and belongs to nobody. */
async function seedHeaders(): Promise<readonly (readonly [name: string, value: Buffer])[]> {
  if (kind === 'cookie') {
    const { cookies } = await seedSessions(database, secret, entries);
    return cookies.map((text) => ['Cookie', Buffer.from(text)]);
  }
  const { accessTokens } = await seedTokens(database, secret, entries);
  return accessTokens.map((text) => ['Authorization', Buffer.from(`Bearer ${text}`)]);
}

let moved = 0;
const clock: Clock = {
  now: () => systemClock.now() + moved,
  monotonic: () => systemClock.monotonic() + moved,
};
const onError = (error: unknown): never => {
  throw error;
};

/** What is weighed, one after the other let go of. */
interface Held {
  authenticator: Authenticator | null;
  activity: Activity | null;
  principals: unknown[];
}

async function fill(rooms: Rooms, headers: Awaited<ReturnType<typeof seedHeaders>>): Promise<Held> {
  const activity = new Activity({ store: rooms.store, clock, idle: rooms.config.idle, onError });
  const authenticator = new Authenticator({ ...rooms, activity });
  const principals: unknown[] = headers.map(() => null);
  const wanted = { safe: true, audience: rooms.config.origin };
  for (const pass of [0, LATER]) {
    moved += pass;
    await rooms.tail.catchUp();
    for (const [index, [name, value]] of headers.entries()) {
      const source = rawHeaderSource(['Host', 'localhost:3000', name, value.toString('latin1')]);
      principals[index] = await authenticator.authenticate(source, wanted);
    }
  }
  await activity.flush();
  if (authenticator.remembered !== entries) throw new TypeError('not all of them are remembered');
  return { authenticator, activity, principals };
}

/** Bytes in use, typed arrays among them, once nothing is left to collect. */
function weigh(): number {
  if (gc === undefined) throw new TypeError('run with --expose-gc');
  for (let turn = 0; turn < 4; turn += 1) gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const headers = await seedHeaders();
const system = compose(
  { ...optionsFor(database, secret, kind === 'cookie' ? 'session' : 'jwt'), nearCache: { entries } },
  clock,
);
await system.ready();
const held = await fill(system.rooms, headers);
const all = weigh();
held.authenticator = null;
const withoutCache = weigh();
held.activity = null;
const principalsAlone = weigh();
held.principals.fill(null);
const nothing = weigh();
await system.close();
process.send?.(
  {
    nearCache: (all - withoutCache) / entries,
    activity: (withoutCache - principalsAlone) / entries,
    principal: (principalsAlone - nothing) / entries,
  },
  () => process.disconnect(),
);
