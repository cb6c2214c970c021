import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { latchkey, sqlite } from 'latchkey';
import { bodyOf, ORIGIN, openWorld, TEST_SECRET } from '../http/world.ts';
import { confirmLog, folder, inside, NOBODY, overriding, sessionIn, statusOf } from './scene.ts';

const FOLLOWER = { name: 'elsewhere', registeredSeq: 0, acknowledged: 0, keptUntil: 0, relay: null } as const;

describe('a receipt', () => {
  test('is settled at once where nobody else follows (@rule R9)', async () => {
    const world = await openWorld();
    const visit = world.browser();
    await visit.signUp('alone@example.com');
    const receipt = await world.auth.revoke({ session: sessionIn(visit.cookie) });
    assert.equal(receipt.settled, true);
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 0 });
    assert.equal(receipt.deadline, receipt.at + 5_000);
    await world.auth.close();
  });

  test('is pending while another follower has not confirmed, and settled by its deadline (@rule R9)', async () => {
    const world = await openWorld();
    const visit = world.browser();
    await visit.signUp('pending@example.com');
    const now = world.clock.now();
    const list = await world.store.followers.list();
    const id = list[0]?.id;
    assert.ok(id !== undefined);
    // An id of the right form: another process.
    const other = NOBODY as typeof id;
    await world.store.followers.put({ ...FOLLOWER, id: other, registeredAt: now - 1, seenAt: now });
    const { receipt } = await bodyOf(await visit.delete('/auth/sessions?except=current'));
    assert.equal(inside(receipt, 'settled'), false);
    assert.deepEqual(inside(receipt, 'followers'), { confirmed: 1, pending: 1 });
    const path = `/auth/receipts/${String(inside(receipt, 'id'))}`;
    const state = async (): Promise<[unknown, unknown]> => {
      const body = await bodyOf(await visit.get(path));
      return [body['settled'], inside(body, 'followers', 'pending')];
    };
    assert.deepEqual(await state(), [false, 1]);
    world.clock.advance(4_000);
    assert.deepEqual(await state(), [false, 1]);
    world.clock.advance(1_001);
    assert.deepEqual(await state(), [true, 1]);
    await world.auth.close();
  });

  test('is settled when the other follower confirms, and not by who came later (@rule R9)', async () => {
    const world = await openWorld();
    const now = world.clock.now();
    const [self] = await world.store.followers.list();
    assert.ok(self !== undefined);
    const other = { ...FOLLOWER, id: NOBODY as typeof self.id, registeredAt: now - 1, seenAt: now };
    await world.store.followers.put(other);
    const receipt = await world.auth.revoke({ all: true });
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 1 });
    const late = `${NOBODY.slice(0, -1)}Q` as typeof self.id;
    world.clock.advance(1_000);
    const { seq } = await world.store.log.head();
    const registered = { registeredAt: world.clock.now(), registeredSeq: seq };
    await world.store.followers.put({ ...other, ...registered, id: late });
    await world.store.followers.put({ ...other, acknowledged: seq });
    const state = await receipt.settledWithin({ timeout: '0ms' });
    assert.deepEqual(state.followers, { confirmed: 2, pending: 0 });
    assert.equal(state.settled, true);
    await world.auth.close();
  });
});

test('a receipt that was given to nobody is for nobody who asks by its id (@rule R9)', async () => {
  const world = await openWorld();
  const visit = world.browser();
  await visit.signUp('asking@example.com');
  const { id } = await world.auth.revoke({ session: NOBODY });
  assert.equal((await visit.get(`/auth/receipts/${id}`)).status, 404);
  const { key } = await world.auth.clients.create({ name: 'orders', audiences: ['orders'] });
  const headers = { Authorization: `Bearer ${key.reveal()}` };
  const request = new Request(`${ORIGIN}/auth/receipts/${id}`, { headers });
  assert.equal((await world.auth.handler(request)).status, 404);
  await world.auth.close();
});

test('a receipt is waited for by half a minute at the most, so that nobody holds a connection for longer', async () => {
  const world = await openWorld();
  const visit = world.browser();
  await visit.signUp('waiting@example.com');
  const { receipt } = await bodyOf(await visit.delete('/auth/sessions?except=current'));
  const path = `/auth/receipts/${String(inside(receipt, 'id'))}`;
  for (const [wait, status] of [
    ['30', 200],
    ['31', 400],
    ['99', 400],
    ['100', 400],
    ['-1', 400],
    ['', 400],
  ] as const) {
    assert.equal((await visit.get(`${path}?wait=${wait}`)).status, status, wait);
  }
  await world.auth.close();
});

test('where nobody has tokens, none is good a second after the deadline, for which a gateway may remember an answer (@rule R9)', async () => {
  const world = await openWorld();
  const receipt = await world.auth.revoke({ all: true });
  assert.equal(receipt.tokensDeadBy, receipt.deadline + 1_000);
  await world.auth.close();
});

describe('a revocation whose store fails when it has been written', () => {
  test('is acknowledged, not called settled, and what failed is told of (@rule R9)', async () => {
    const world = await openWorld();
    Object.assign(world.store.receipts, { create: () => Promise.reject(new Error('the store is away')) });
    const receipt = await world.auth.revoke({ all: true });
    assert.deepEqual([receipt.settled, receipt.deadline], [false, receipt.at + 5_000]);
    assert.equal(world.events.filter(({ type }) => type === 'failed').length, 1);
    await world.auth.close();
  });

  test('is waited for as long as anybody may be fresh, where nobody can say how long that is (@rule R9)', async () => {
    const world = await openWorld();
    await world.auth.revoke({ all: true });
    Object.assign(world.store.meta, { find: () => Promise.reject(new Error('the store is away')) });
    const receipt = await world.auth.revoke({ all: true });
    assert.equal(receipt.deadline, receipt.at + 60_000);
    assert.ok(receipt.tokensDeadBy >= receipt.at + 900_000);
    await world.auth.close();
  });
});

test('who follows is waited for though the clock was set back since it registered (@rule R9)', async () => {
  const world = await openWorld();
  const [self] = await world.store.followers.list();
  assert.ok(self !== undefined);
  const now = world.clock.now();
  const early = { registeredAt: now + 20_000, seenAt: now + 20_000 };
  await world.store.followers.put({ ...FOLLOWER, ...early, id: NOBODY as typeof self.id });
  const receipt = await world.auth.revoke({ all: true });
  assert.deepEqual([receipt.settled, receipt.followers.pending], [false, 1]);
  await world.auth.close();
});

describe('two nodes on one database', () => {
  test('a session revoked through one is refused by the other from its next pull on (@rule R4, @rule R9)', async () => {
    const place = await folder();
    const options = { log: { maxStaleness: '60s' }, nearCache: { life: '5m' } } as const;
    const [here, there] = [
      await openWorld(options, sqlite(place.file)),
      await openWorld(options, sqlite(place.file)),
    ];
    const visit = here.browser();
    await visit.signUp('nodes@example.com');
    await confirmLog(there);
    assert.equal(await statusOf(there, visit.cookie), 200);
    assert.equal((await there.auth.status()).remembered, 1);
    const receipt = await here.auth.revoke({ session: sessionIn(visit.cookie) });
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 1 });
    assert.equal(await statusOf(here, visit.cookie), 401);
    const { seq } = await here.store.log.head();
    while ((await there.auth.status()).position < seq) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await statusOf(there, visit.cookie), 401);
    const state = await receipt.settledWithin({ timeout: '50s' });
    assert.deepEqual(state.followers, { confirmed: 2, pending: 0 }, 'the other node confirms by itself');
    assert.ok(here.clock.now() < state.deadline);
    await there.auth.close();
    await here.auth.close();
    await place.remove();
  });

  test('no node accepts a revoked session after the deadline, pulled or not (@rule R5, @rule R9)', async () => {
    const place = await folder();
    const [here, there] = [await openWorld({}, sqlite(place.file)), await openWorld({}, sqlite(place.file))];
    const visit = here.browser();
    await visit.signUp('deadline@example.com');
    await confirmLog(there);
    assert.equal(await statusOf(there, visit.cookie), 200);
    const receipt = await here.auth.revoke({ session: sessionIn(visit.cookie) });
    there.clock.advance(receipt.deadline - there.clock.now());
    assert.equal(await statusOf(there, visit.cookie), 401);
    await there.auth.close();
    await here.auth.close();
    await place.remove();
  });

  test('a node that was closed is waited for by no receipt (@rule R9)', async () => {
    const place = await folder();
    const [here, there] = [await openWorld({}, sqlite(place.file)), await openWorld({}, sqlite(place.file))];
    await there.auth.close();
    const receipt = await here.auth.revoke({ all: true });
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 0 });
    await here.auth.close();
    await place.remove();
  });

  test('nor is one whose pull was on its way when it was closed (@rule R9)', async () => {
    const place = await folder();
    const here = await openWorld({}, sqlite(place.file));
    const store = sqlite(place.file);
    const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const wait = { from: Number.POSITIVE_INFINITY };
    const log = overriding(store.log, {
      pull: async (cursor, now) => {
        if (now >= wait.from) {
          asked.resolve();
          await held.promise;
        }
        return await store.log.pull(cursor, now);
      },
    });
    // Were its row taken away before that pull is answered, the answer would find it so.
    const followers = overriding(store.followers, {
      remove: async (id) => {
        await store.followers.remove(id);
        held.resolve();
        await new Promise((resolve) => setTimeout(resolve, 100));
      },
    });
    const there = await openWorld({}, overriding(store, { log, followers }));
    // After so long it reads where the log stands before it registers.
    there.clock.advance(11_000);
    wait.from = there.clock.now();
    await asked.promise;
    const closing = there.auth.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    held.resolve();
    await closing;
    const receipt = await here.auth.revoke({ all: true });
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 0 });
    await here.auth.close();
    await place.remove();
  });

  test('nor is one that could not be opened, though it had registered (@rule R9)', async () => {
    const place = await folder();
    const store = sqlite(place.file);
    let pulls = 0;
    const log = overriding(store.log, {
      pull: (cursor, now) => {
        pulls += 1;
        // The first is that of before it registers.
        return pulls === 2 ? Promise.reject(new Error('gone for a moment')) : store.log.pull(cursor, now);
      },
    });
    const broken = latchkey({ url: ORIGIN, secret: TEST_SECRET, store: overriding(store, { log }) });
    await assert.rejects(broken.ready(), /gone for a moment/);
    const here = await openWorld({}, sqlite(place.file));
    const receipt = await here.auth.revoke({ all: true });
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 0 });
    await here.auth.close();
    await place.remove();
  });

  test('a node that is opened while it is closed is closed first, and then there again (@rule R9)', async () => {
    const place = await folder();
    const [here, there] = [await openWorld({}, sqlite(place.file)), await openWorld({}, sqlite(place.file))];
    await Promise.all([there.auth.close(), there.auth.close(), there.auth.ready()]);
    assert.equal((await there.auth.status()).fresh, true);
    const receipt = await here.auth.revoke({ all: true });
    assert.deepEqual(receipt.followers, { confirmed: 1, pending: 1 });
    const { followers } = await receipt.settledWithin({ timeout: '50s' });
    assert.deepEqual(followers, { confirmed: 2, pending: 0 });
    await there.auth.close();
    await here.auth.close();
    await place.remove();
  });
});
