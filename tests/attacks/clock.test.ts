import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionId } from '@latchkey/verify';
import { sqlite } from 'latchkey';
import { STORES } from '../contract/stores.ts';
import { CLIENTS, Program } from '../http/program.ts';
import { bodyOf, openWorld, PASSWORD } from '../http/world.ts';
import { confirmLog, folder, overriding } from './scene.ts';

const openPostgres = STORES.find(([name]) => name === 'PostgreSQL')?.[1] ?? assert.fail();

for (const [direction, millis] of [
  ['forward', 600_000],
  ['back', -600_000],
] as const) {
  test(`a revoked session stays refused where the wall clock is stepped ${direction} (@fault F10)`, async () => {
    const world = await openWorld();
    const { auth, clock } = world;
    const visit = world.browser();
    await visit.signUp('clock@example.com');
    const { session } = (await bodyOf(await visit.get('/auth/me'))) as { session: { id: SessionId } };
    // Remembered by now; revoked without a check that would notice at once.
    await auth.revoke({ session: session.id });
    clock.step(millis);
    // A revocation of something else makes the tail pull under the stepped clock.
    await auth.revoke({ client: 'another' });
    assert.equal((await visit.get('/auth/me')).status, 401);
    await auth.close();
  });
}

test('what another node revoked before this one slept is not accepted from memory when it wakes (@fault F10, @rule R6)', async () => {
  const { file, remove } = await folder();
  const here = await openWorld({}, sqlite(file));
  const there = await openWorld({}, sqlite(file));
  const visit = here.browser();
  await visit.signUp('asleep@example.com');
  const { session } = (await bodyOf(await visit.get('/auth/me'))) as { session: { id: SessionId } };
  await there.auth.revoke({ session: session.id });
  // The wall clock went on while the machine stood still, and the entry died meanwhile.
  for (const { clock } of [here, there]) clock.step(400_000);
  await confirmLog(here);
  assert.equal((await visit.get('/auth/me')).status, 401);
  for (const { auth } of [here, there]) await auth.close();
  await remove();
});

test('a node whose clock is not the database’s issues nothing and says so, and goes on when it is right again (@fault F10)', async () => {
  const inner = sqlite(':memory:');
  let ahead = 0;
  const log = overriding(inner.log, {
    pull: async (cursor, now) => {
      const reading = await inner.log.pull(cursor, now);
      return { ...reading, now: reading.now + ahead };
    },
  });
  const world = await openWorld({ clients: CLIENTS }, overriding(inner, { log }));
  const program = new Program(world.auth);
  const visit = world.browser();
  await visit.signUp('wrong@example.com');
  const { refresh } = await program.signUp('program@example.com');
  for (const [millis, right] of [
    // A second more and less than the leeway: the answer was some time on its way.
    [31_000, false],
    [-31_000, false],
    [29_000, true],
    [0, true],
  ] as const) {
    ahead = millis;
    // Something changes, so that the tail pulls.
    await world.auth.revoke({ client: 'another' });
    const statuses = [
      (await visit.post('/auth/sign-in', { email: 'wrong@example.com', password: PASSWORD })).status,
      (await visit.post('/auth/reauthenticate', { password: PASSWORD })).status,
      (await program.refresh(refresh)).status,
    ];
    assert.deepEqual(statuses, right ? [200, 200, 200] : [503, 503, 503], String(millis));
    assert.equal(
      (await visit.get('/auth/me')).status,
      200,
      'what is good is still accepted: the store says so',
    );
  }
  const told = world.events.map(({ type }) => type).filter((type) => type.startsWith('clock_'));
  assert.deepEqual(told, ['clock_wrong', 'clock_right']);
  await world.auth.close();
});

test('a node whose clock is behind dates what it revokes by the database, and deletes by it (@fault F10, @rule R6)', async (context) => {
  const { stores, close } = await openPostgres(2);
  const [first, second] = stores;
  assert.ok(first !== undefined && second !== undefined);
  const here = await openWorld({ clients: CLIENTS }, first);
  const there = await openWorld({ clients: CLIENTS }, second);
  context.after(async () => {
    for (const { auth } of [here, there]) await auth.close();
    await close();
  });
  const { access, user } = await new Program(there.auth).signUp('ada@example.com');
  here.clock.step(-1_200_000);
  await here.auth.revoke({ user });
  const { entries } = await there.store.log.pull(null, Date.now());
  const [entry] = entries;
  assert.ok(entry !== undefined && entry.expiresAt > Date.now() + 300_000);
  while ((await there.auth.status()).position < entry.seq) await sleep(5);
  assert.equal(await new Program(there.auth).status(access), 401);
});
