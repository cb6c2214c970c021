import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type LatchkeyOptions, type PrincipalUser, type Store, sqlite } from 'latchkey';
import { CLIENTS, Program, saidBy } from '../http/program.ts';
import { openWorld, TEST_SECRET, type World } from '../http/world.ts';
import { folder, idIn, overriding } from './scene.ts';

const AFTER_GRACE = 11_000;
const REFUSED = '400 invalid_grant LK_GRANT_REFUSED';
const NEW_SECRET = 'Q7m2c0pXv5Jd8sWkR1yZ4uLhN6bTgE3oFiAqPzVxC9s=';

/** A store that fails once where a chain is advanced, before its write or after it. */
function failing(inner: Store): {
  readonly store: Store;
  readonly failNext: (when: 'before' | 'after') => void;
} {
  let next: 'before' | 'after' | null = null;
  const sessions = overriding(inner.sessions, {
    advance: async (...given) => {
      const when = next;
      next = null;
      if (when === 'before') throw new Error('the connection broke');
      const advanced = await inner.sessions.advance(...given);
      if (when === 'after') throw new Error('the connection broke');
      return advanced;
    },
  });
  return {
    store: { ...inner, sessions },
    failNext: (when) => {
      next = when;
    },
  };
}

describe('a refresh in the middle of which the store fails', () => {
  const retried = async (when: 'before' | 'after'): Promise<void> => {
    const { store, failNext } = failing(sqlite(':memory:'));
    const world = await openWorld({ clients: CLIENTS }, store);
    const program = new Program(world.auth);
    const { refresh, session } = await program.signUp('fails@example.com');
    world.clock.advance(AFTER_GRACE);
    failNext(when);
    const failed = await program.refresh(refresh);
    assert.ok(failed.status >= 500, 'nobody is told that the token is bad');
    assert.ok(!(await failed.text()).includes('connection'));
    assert.ok(world.events.some(({ type }) => type === 'failed'));
    const [first, second] = [await program.renewed(refresh), await program.renewed(refresh)];
    assert.equal(first.refresh, second.refresh);
    assert.notEqual(first.refresh, refresh);
    const reading = await world.store.sessions.read(idIn<'session'>(session));
    assert.equal(reading?.session.chain?.generation, 1, 'never more than one step');
    world.clock.advance(AFTER_GRACE);
    await program.renewed(first.refresh);
    await world.auth.close();
  };
  for (const when of ['before', 'after'] as const) {
    test(`${when} its write goes on with the same successor (@fault F1, @fault F5, @incident R2)`, () =>
      retried(when));
  }

  test('is not answered from what was read too long ago (@rule R5)', async () => {
    const inner = sqlite(':memory:');
    let meanwhile: (() => Promise<unknown>) | null = null;
    const sessions = overriding(inner.sessions, {
      read: async (id) => {
        const reading = await inner.sessions.read(id);
        const act = meanwhile;
        meanwhile = null;
        await act?.();
        return reading;
      },
    });
    const options = { clients: CLIENTS, roles: ['auditor'], claims: { audits: isAuditor } } as const;
    const world = await openWorld(options, { ...inner, sessions });
    const program = new Program(world.auth);
    const { refresh, user } = await program.signUp('slow@example.com');
    for (const [slow, audits] of [
      [4_000, false],
      [6_000, true],
    ] as const) {
      meanwhile = async () => {
        await world.auth.users.changeRoles(user, { add: ['auditor'] });
        world.clock.advance(slow);
      };
      const { access } = await program.renewed(refresh);
      assert.equal(saidBy(access)['audits'], audits);
      await world.auth.users.changeRoles(user, { remove: ['auditor'] });
    }
    await world.auth.close();
  });

  function isAuditor({ roles }: PrincipalUser): boolean {
    return roles.includes('auditor');
  }
});

describe('where the root secret changes', () => {
  const open = (secret: string, file: string): Promise<World> => {
    const options: Partial<LatchkeyOptions> = { clients: CLIENTS, secret };
    return openWorld(options, sqlite(file));
  };

  test('chains and access tokens go on while the old one is in the ring (@asvs 13.3.4)', async () => {
    const place = await folder();
    const before = await open(TEST_SECRET, place.file);
    const held = await new Program(before.auth).signUp('ring@example.com');
    await before.auth.close();
    const world = await open(`${NEW_SECRET},${TEST_SECRET}`, place.file);
    const program = new Program(world.auth);
    assert.equal(await program.status(held.access), 200);
    const same = await program.renewed(held.refresh);
    assert.equal(same.refresh, held.refresh, 'a generation keeps its key');
    world.clock.advance(AFTER_GRACE);
    const { refresh: next } = await program.renewed(held.refresh);
    assert.notEqual(keyIn(next), keyIn(held.refresh), 'the next one has the new key');
    assert.equal((await program.renewed(held.refresh)).refresh, next, 'asked again with the old one');
    world.clock.advance(AFTER_GRACE);
    assert.equal(await program.refusal(held.refresh), REFUSED, 'and reuse is found across the change');
    assert.equal(await program.refusal(next), REFUSED);
    await world.auth.close();
    await place.remove();
  });

  test('two nodes that have both, in either order, accept what the other made (@asvs 13.3.4)', async () => {
    const place = await folder();
    const worlds = [
      await open(`${TEST_SECRET},${NEW_SECRET}`, place.file),
      await open(`${NEW_SECRET},${TEST_SECRET}`, place.file),
    ];
    const programs = worlds.map(({ auth }) => new Program(auth));
    let { refresh } = (await programs[0]?.signUp('nodes@example.com')) ?? { refresh: '' };
    const keys = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      for (const { clock } of worlds) clock.advance(AFTER_GRACE);
      const next = await programs[round % 2]?.renewed(refresh);
      const again = await programs[(round + 1) % 2]?.renewed(refresh);
      assert.equal(again?.refresh, next?.refresh);
      refresh = next?.refresh ?? '';
      keys.add(keyIn(refresh));
    }
    assert.equal(keys.size, 2);
    for (const { auth } of worlds) await auth.close();
    await place.remove();
  });

  function keyIn(token: string): string {
    return Buffer.from(token.slice(4), 'base64url').subarray(20, 29).toString('base64url');
  }
});
