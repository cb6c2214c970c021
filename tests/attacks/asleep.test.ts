import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SessionId } from '@latchkey/verify';
import { sqlite } from 'latchkey';
import { compose, type System } from '../../packages/latchkey/src/system.ts';
import { Gateway } from '../http/gateway.ts';
import { CLIENTS, Program, sessionGrant } from '../http/program.ts';
import {
  bodyOf,
  ORIGIN,
  openWorld,
  PASSWORD,
  TEST_SECRET,
  type TestClock,
  testClock,
  type World,
} from '../http/world.ts';
import { withoutHints } from './node-pair.ts';
import { confirmLog, folder, overriding } from './scene.ts';

/*
 * A machine that is suspended while a node waits for its reading of the store: the
 * monotonic clock stands still, and whatever revokes meanwhile is forgotten by the log
 * before the machine wakes.
 */

const ASLEEP = 1_200_000;

interface Sleeper {
  readonly here: World;
  readonly there: World;
  /** Falls asleep in the next reading of a session, and wakes when that one was ended long ago. */
  readonly sleepsWhile: (session: string) => void;
  readonly close: () => Promise<void>;
}

async function openSleeper(): Promise<Sleeper> {
  const { file, remove } = await folder();
  let ended: string | null = null;
  const inner = sqlite(file);
  const sessions = overriding(inner.sessions, {
    read: async (id) => {
      const reading = await inner.sessions.read(id);
      if (ended === null) return reading;
      const session = ended as SessionId;
      ended = null;
      await there.auth.revoke({ session });
      for (const { clock } of [here, there]) clock.step(ASLEEP);
      return reading;
    },
  });
  const here = await openWorld({ clients: CLIENTS }, overriding(inner, { sessions }));
  const there = await openWorld({ clients: CLIENTS }, sqlite(file));
  return {
    here,
    there,
    sleepsWhile: (session) => {
      ended = session;
    },
    close: async () => {
      for (const { auth } of [here, there]) await auth.close();
      await remove();
    },
  };
}

describe('a node that was suspended while it read (@fault F10, @rule R5)', () => {
  test('remembers nothing of what it read before', async () => {
    const { here, sleepsWhile, close } = await openSleeper();
    const visit = here.browser();
    const { session } = (await bodyOf(await visit.signUp('asleep@example.com'))) as {
      session: { id: string };
    };
    sleepsWhile(session.id);
    // It had begun before the session ended.
    assert.equal((await visit.get('/auth/me')).status, 200);
    await confirmLog(here);
    assert.equal((await visit.get('/auth/me')).status, 401);
    await close();
  });

  test('makes no token of it', async () => {
    const { here, sleepsWhile, close } = await openSleeper();
    const visit = here.browser({ 'Sec-Fetch-Site': 'same-origin' });
    const json = { email: 'asleep@example.com', password: PASSWORD, client: 'spa' };
    const { session } = (await bodyOf(await visit.post('/auth/sign-up', json))) as {
      session: { id: string };
    };
    const before = await sessionGrant(visit);
    assert.equal(before.status, 200, await before.text());
    sleepsWhile(session.id);
    const response = await sessionGrant(visit);
    assert.equal(response.status, 503, await response.text());
    await close();
  });

  test('hands a gateway nothing that rests on it', async () => {
    const { here, sleepsWhile, close } = await openSleeper();
    const made = await here.auth.clients.create({ name: 'edge', audiences: ['orders'] });
    const gateway = new Gateway(here.auth, made.key.reveal());
    const visit = here.browser();
    const { session } = (await bodyOf(await visit.signUp('asleep@example.com'))) as {
      session: { id: string };
    };
    // Remembered, so that the one reading is that of which a token would be made.
    assert.equal((await visit.get('/auth/me')).status, 200);
    const original = { cookie: visit.cookie };
    sleepsWhile(session.id);
    const response = await gateway.ask(original);
    assert.equal(response.status, 503, await response.text());
    await close();
  });
});

interface Awake {
  readonly system: System;
  readonly clock: TestClock;
}

async function openAwake(file: string): Promise<Awake> {
  const clock = testClock();
  const store = withoutHints(sqlite(file));
  const system = compose({ url: ORIGIN, secret: TEST_SECRET, clients: CLIENTS, store }, clock);
  await system.ready();
  return { system, clock };
}

describe('a node that has just woken (@fault F10)', () => {
  test('dates what it revokes before its first pull by the time that it is (@rule R6, @rule R9)', async () => {
    const { file, remove } = await folder();
    const here = await openWorld({ clients: CLIENTS }, withoutHints(sqlite(file)));
    const there = await openWorld({ clients: CLIENTS }, sqlite(file));
    there.clock.advance(ASLEEP);
    const program = new Program(there.auth);
    const { access, session } = await program.signUp('awake@example.com');
    assert.equal(await program.status(access), 200);
    here.clock.step(ASLEEP);
    const receipt = await here.auth.revoke({ session });
    await confirmLog(there);
    assert.equal(await program.status(access), 401);
    assert.ok(receipt.deadline > there.clock.now(), 'whoever follows may be fresh until then');
    for (const { auth } of [here, there]) await auth.close();
    await remove();
  });

  test('dates a receipt by the time that it is, though no pull has told it that time has passed (@rule R9)', async () => {
    const { file, remove } = await folder();
    const { system, clock } = await openAwake(file);
    const { rooms } = system;
    await rooms.tail.stop();
    clock.step(ASLEEP);
    const woken = clock.now();
    const { cursor } = await rooms.log.change(async (_tables, trust) => trust.apply('everything_ended', ''));
    assert.ok(cursor !== null);
    const { at, deadline } = await rooms.receipts.open(cursor, null);
    assert.ok(
      at >= woken - 1 && deadline >= woken + 4_999,
      'whoever pulled when it woke is fresh until then',
    );
    await system.close();
    await remove();
  });

  test('is waited for by receipts, though the others have taken its row away (@rule R9)', async () => {
    const { file, remove } = await folder();
    const here = await openAwake(file);
    const there = await openAwake(file);
    here.clock.step(ASLEEP);
    there.clock.advance(ASLEEP);
    await there.system.rooms.tail.catchUp();
    await here.system.rooms.tail.catchUp();
    const { tail, log } = here.system.rooms;
    assert.equal(tail.isFresh(), true, 'from its first pull on it answers from its copy');
    const { rooms } = there.system;
    const { cursor } = await rooms.log.change(async (_tables, trust) => trust.apply('everything_ended', ''));
    assert.ok(cursor !== null);
    await rooms.tail.catchUp();
    await rooms.tail.catchUp();
    const receipt = await rooms.receipts.open(cursor, null);
    const followers = await rooms.store.followers.list();
    assert.ok(followers.some(({ id }) => id === log.follower));
    assert.deepEqual([receipt.settled, receipt.followers], [false, { confirmed: 1, pending: 1 }]);
    for (const { system } of [here, there]) await system.close();
    await remove();
  });
});
