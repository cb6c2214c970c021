import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure } from 'latchkey';
import { PASSWORD, type World } from '../http/world.ts';
import {
  arrive,
  assertUnavailable,
  CALLS,
  checks,
  openScene,
  type Person,
  type Scene,
} from './postgres-scene.ts';
import type { Incident } from './proxy.ts';

/** What the driver sends to commit; a transaction begins as READ COMMITTED. */
const COMMIT = 'commit\0';
/** What ends a session is one statement, and commits by itself: it names what it tells the others. */
const SIGN_OUT = 'revoke session ';
const MAX_STALENESS = 5_000;
const STALE = MAX_STALENESS + 1_000;
/** What the driver waits for a connection and for an answer, and what a busy machine adds. */
const DEADLINE = 2_000 + 5_000 + 1_000;
/** What a password waits for its turn. */
const TURN = 30_000;

/** How many milliseconds `work` takes. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Resolves when a person is let in again, and asks until then. */
async function servedAgain(world: World, { email }: Person): Promise<void> {
  for (;;) {
    const response = await world.browser().post('/auth/sign-in', { email, password: PASSWORD });
    if (response.status === 200 && (await world.auth.status()).fresh) return;
    assert.ok(response.status === 200 || response.status === 503, `${response.status}`);
    await sleep(20);
  }
}

describe('a server that is stopped (@fault F3)', () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(async () => await scene.close());

  test('costs whoever needs it a 503 within a second, and nobody else anything while copies are fresh', async () => {
    const { server, here, there } = scene;
    const known = [
      [here.world, await arrive(here, 'here@example.com')],
      [there.world, await arrive(there, 'there@example.com')],
    ] as const;
    const stranger = await arrive(here, 'stranger@example.com');
    const revoked = await arrive(here, 'revoked@example.com');
    await here.world.auth.revoke({ user: revoked.user });
    await server.stop();

    for (const [world, person] of known) {
      for (const [name, call] of CALLS) {
        let response = new Response();
        const took = await timed(async () => {
          response = await call(world, person);
        });
        await assertUnavailable(response, name);
        assert.ok(took < 1_000, `${name} took ${took} ms`);
      }
      assert.deepEqual(await checks(world, person), [200, 200]);
      assert.equal((await world.auth.status()).store, false);
    }
    // Good, and not remembered there: nobody can know. A token needs nobody who knows.
    assert.deepEqual(await checks(there.world, stranger), [503, 200]);
    // The cookie has been forgotten for it, the token is refused by what is held of the log.
    assert.deepEqual(await checks(here.world, revoked), [503, 401]);

    for (const [world, person] of known) {
      world.clock.advance(STALE);
      for (const whoever of [person, revoked]) {
        const took = await timed(async () =>
          assert.deepEqual(await checks(world, whoever), [503, 503], whoever.email),
        );
        assert.ok(took < 1_000, `${took} ms`);
      }
    }

    await server.restart();
    const took = await timed(() => Promise.all(known.map(([world, person]) => servedAgain(world, person))));
    assert.ok(took < 3_000, `served again after ${took} ms`);
    for (const [world, person] of known) {
      assert.deepEqual(await checks(world, person), [200, 200]);
      assert.deepEqual(await checks(world, stranger), [200, 200]);
      assert.deepEqual(await checks(world, revoked), [401, 401]);
      const told = world.events.map(({ type }) => type).filter((type) => type.startsWith('log_'));
      assert.deepEqual(told, ['log_stale', 'log_fresh']);
    }
  });
});

describe('a way to the server on which nothing passes and nobody is told (@fault F4, @fault F8)', () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(async () => await scene.close());

  test('costs each call its deadline, and the process nothing; it is found again when it is back', async () => {
    const { here, there } = scene;
    const ada = await arrive(here, 'ada@example.com');
    const eve = await arrive(here, 'eve@example.com');
    here.way.freeze();
    await there.world.auth.revoke({ user: eve.user });
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();

    // More than there are connections.
    const calls = Array.from({ length: 5 }, () => CALLS)
      .flat()
      .map(async ([name, call]) => {
        const took = await timed(async () => await assertUnavailable(await call(here.world, ada), name));
        assert.ok(took < (/^sign-(?:in|up)$/.test(name) ? TURN : 0) + DEADLINE, `${name} took ${took} ms`);
      });
    assert.deepEqual(await checks(here.world, ada), [200, 200], 'the copy is fresh');
    assert.deepEqual(await checks(here.world, eve), [200, 200], 'and nobody has told it of the revocation');
    const acknowledgedAt = performance.now();
    let acceptedAt = acknowledgedAt;
    let answers: readonly number[] = [];
    const checked = await timed(async () => {
      do {
        const asked = performance.now();
        answers = await checks(here.world, eve);
        if (answers.includes(200)) acceptedAt = asked;
        await sleep(10);
      } while (answers.includes(200));
    });
    assert.deepEqual(answers, [503, 503]);
    const acceptedFor = acceptedAt - acknowledgedAt;
    assert.ok(acceptedFor < MAX_STALENESS, `accepted ${acceptedFor} ms after the acknowledgement`);
    assert.ok(checked < MAX_STALENESS + 2 * DEADLINE, `${checked} ms`);
    assert.deepEqual(await checks(here.world, ada), [503, 503]);
    await Promise.all(calls);
    delay.disable();
    assert.ok(
      delay.percentile(99) / 1e6 < 200,
      `the event loop was late by ${delay.percentile(99) / 1e6} ms`,
    );

    here.way.thaw();
    const took = await timed(() => servedAgain(here.world, ada));
    assert.ok(took < 3_000, `served again after ${took} ms`);
    assert.deepEqual(await checks(here.world, eve), [401, 401]);
    assert.deepEqual(await checks(here.world, ada), [200, 200]);
    const many = Array.from({ length: 40 }, async () => (await ada.visit.get('/auth/sessions')).status);
    assert.deepEqual(new Set(await Promise.all(many)), new Set([200]));
  });
});

describe('a way to the server on which everything stops in the middle of a transaction', () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(async () => await scene.close());

  test('keeps what it has locked from others for seconds, and is not waited for by who closes', async () => {
    const { here, there } = scene;
    const third = await scene.another();
    const ada = await arrive(there, 'ada@example.com');
    const eve = await arrive(there, 'eve@example.com');
    const frozen = here.way.when(COMMIT, 'freeze');
    // It holds the log's counter, which all who revoke need.
    const lost = assert.rejects(here.world.auth.users.disable(eve.user), (error) =>
      isFailure(error, 'LK_STORE_UNAVAILABLE'),
    );
    await frozen;
    // Not refused: the server ends who is silent sooner than who waits.
    await there.world.auth.revoke({ user: ada.user });
    const closed = await timed(() => third.auth.close());
    assert.ok(closed < 2 * DEADLINE, `${closed} ms`);
    await lost;
    here.way.thaw();
    await here.world.auth.users.disable(eve.user);
  });
});

describe('a connection that is cut at a commit (@fault F5)', () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(async () => await scene.close());

  /** Each node has read all of the log. */
  const caughtUp = async (): Promise<void> => {
    for (const { world } of [scene.here, scene.there]) {
      while ((await world.auth.status()).position < (await world.store.log.head()).seq) await sleep(10);
    }
  };

  const cutsSignUp = async (incident: Incident, committed: boolean): Promise<void> => {
    const { here, there } = scene;
    const email = `${committed}@example.com`;
    const cut = here.way.when(COMMIT, incident);
    const visit = here.world.browser();
    await assertUnavailable(await visit.post('/auth/sign-up', { email, password: PASSWORD }), 'sign-up');
    await cut;
    assert.equal(visit.cookie, null);
    for (const { world } of [here, there]) {
      const { status } = await world.browser().post('/auth/sign-in', { email, password: PASSWORD });
      assert.equal(status, committed ? 200 : 401);
    }
    if (!committed) await visit.signUp(email);
  };

  const cutsSignOut = async (incident: Incident, committed: boolean): Promise<void> => {
    const { here, there } = scene;
    const person = await arrive(here, `out-${committed}@example.com`);
    const cut = here.way.when(SIGN_OUT, incident);
    await assertUnavailable(await person.visit.post('/auth/sign-out'), 'sign-out');
    await cut;
    // The log that was written, or was not, is all that a node goes by.
    await caughtUp();
    for (const { world } of [here, there]) {
      assert.deepEqual(await checks(world, person), [committed ? 401 : 200, 200]);
    }
    // Whoever tries again succeeds, or is told that it was done.
    assert.equal((await person.visit.post('/auth/sign-out')).status, 200);
    await caughtUp();
    for (const { world } of [here, there]) assert.deepEqual(await checks(world, person), [401, 200]);
  };

  test('before it arrives: a sign-up is 503, and nothing has happened', () => cutsSignUp('cut', false));
  test('before its answer arrives: a sign-up is 503, and all has happened', () =>
    cutsSignUp('cut answer', true));
  test('before it arrives: a sign-out is 503, and on no node anything has', () => cutsSignOut('cut', false));
  test('before its answer arrives: a sign-out is 503, and on each node it has', () =>
    cutsSignOut('cut answer', true));
});
