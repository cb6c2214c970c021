import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Store } from 'latchkey';
import { isFailure } from '../../packages/latchkey/src/errors.ts';
import { STORES } from '../contract/stores.ts';
import { enter, type Held, saidBy, sessionGrant, tokenIn } from '../http/program.ts';
import {
  keyOf,
  kidOf,
  type NodePair,
  openPair,
  publishedBy,
  type TestNode,
  withoutHints,
} from './node-pair.ts';
import { cuttable, ownSigner } from './scene.ts';

const EMAIL = 'ada@example.com';

/** Signs whatever is said with the key that signs now, and goes on with it whatever becomes of it. */
async function thief({ clock, nodes: [{ system }] }: NodePair): Promise<(payload: object) => string> {
  const { store } = system.rooms;
  const sign = await ownSigner({ store, clock });
  return (payload) => sign('at+jwt', payload);
}

interface Victims {
  readonly pair: NodePair;
  readonly lost: string;
  readonly genuine: Held;
  /** A token of the stolen key, at a position that the thief likes. */
  readonly forge: (rs: number) => string;
  readonly head: number;
}

/** Somebody's token, and a thief who holds the key that signed it. */
async function victims(options: Parameters<typeof openPair>[0] = {}): Promise<Victims> {
  const pair = await openPair(options);
  const [here] = pair.nodes;
  const genuine = await here.program.signUp(EMAIL);
  const sign = await thief(pair);
  const { seq: head } = await here.system.rooms.store.log.head();
  let forged = 0;
  const forge = (rs: number): string => {
    const iat = Math.floor(pair.clock.now() / 1_000);
    forged += 1;
    return sign({ ...saidBy(genuine.access), jti: `forged-${forged}`, iat, exp: iat + 900, rs });
  };
  return { pair, lost: kidOf(genuine.access), genuine, forge, head };
}

/** Positions around a head, and far from it. */
function positionsAround(head: number): readonly number[] {
  return [0, head - 1, head, head + 1, head + 1_000, head + 2 ** 30, 2 ** 52];
}

for (const [name, on] of STORES) {
  describe(`a signing key that is revoked, on ${name}`, () => {
    test('has signed nothing that is good, on the node that revoked it at once and on the other as soon as it hears (@fault F14, @rule R2, @incident A4)', async () => {
      const { pair, lost, genuine, forge, head } = await victims({ on });
      const warm = [genuine.access, forge(head), forge(head - 1)];
      for (const { program, system } of pair.nodes) {
        await system.rooms.tail.catchUp();
        for (const token of warm) assert.equal(await program.status(token), 200, 'the thief has the key');
      }
      const [here, there] = pair.nodes;
      const assertDead = async (node: TestNode): Promise<void> => {
        for (const token of [...warm, ...positionsAround(head).map(forge)])
          assert.equal(await node.program.status(token), 401);
        assert.ok(!(await publishedBy(node)).includes(lost));
      };
      await here.keys.revoke(lost);
      await assertDead(here);
      // What a hint does within milliseconds.
      await there.system.rooms.tail.catchUp();
      await assertDead(there);
      await pair.close();
    });

    // PostgreSQL has a clock of its own.
    if (name === 'SQLite')
      test('is trusted by no node that wakes when the log has forgotten it (@fault F10, @rule R2)', async () => {
        const { pair, lost, forge, head } = await victims({ on, second: withoutHints });
        const [here, there] = pair.nodes;
        assert.equal(await there.program.status(forge(head)), 200, 'the thief has the key');
        await here.keys.revoke(lost);
        // Monotonic clocks stand still meanwhile, also that of whoever looks for keys too often.
        pair.clock.step(3 * 86_400_000);
        await there.system.rooms.tail.catchUp();
        for (const token of positionsAround(head).map(forge))
          assert.equal(await there.program.status(token), 401);
        await pair.close();
      });

    test('signs out nobody: cookies, refresh tokens and grants are good, and what they get is of the next key on both nodes (@fault F14)', async () => {
      const pair = await openPair({ on, second: withoutHints });
      const [here, there] = pair.nodes;
      const mobile = await here.program.signUp(EMAIL);
      const [web, spa] = [here.browser(), here.browser()];
      await enter(web, EMAIL, 'web');
      await enter(spa, EMAIL, 'spa');
      const [lost, next] = [await keyOf(here, 'current'), await keyOf(here, 'next')];
      await here.keys.revoke(lost);
      // At once on the other node, which nobody has told: it must not sign with the dead key.
      const granted = there.browser();
      granted.cookie = spa.cookie;
      const made = [
        (await there.program.renewed(mobile.refresh)).access,
        await tokenIn(await sessionGrant(granted)),
        (await there.program.signIn(EMAIL)).access,
        (await here.program.renewed(mobile.refresh)).access,
        await tokenIn(await sessionGrant(spa)),
      ];
      for (const token of made) {
        assert.equal(kidOf(token), next);
        for (const { program } of pair.nodes) assert.equal(await program.status(token), 200);
      }
      const elsewhere = there.browser();
      elsewhere.cookie = web.cookie;
      for (const visit of [web, elsewhere]) assert.equal((await visit.get('/auth/me')).status, 200);
      assert.equal(await keyOf(there, 'current'), next);
      for (const node of pair.nodes)
        assert.deepEqual(await publishedBy(node), [next, await keyOf(here, 'next')]);
      await pair.close();
    });

    test('again and again under load, leaves no request without a token that was good when it was asked for (@fault F14)', async () => {
      const pair = await openPair({ on, second: withoutHints });
      const { nodes } = pair;
      const people = await Promise.all(
        Array.from({ length: 4 }, (_, index) => nodes[0].program.signUp(`person-${index}@example.com`)),
      );
      const kids = async (): Promise<readonly string[]> => (await nodes[0].keys.list()).map(({ kid }) => kid);
      const load = { renewals: 0, over: false };
      const live = async ({ refresh }: Held, place: number): Promise<void> => {
        for (let round = 0; !load.over; round += 1) {
          await turn();
          const before = await kids();
          const { access } = await (nodes[(place + round) % 2] ?? nodes[0]).program.renewed(refresh);
          assert.ok([...before, ...(await kids())].includes(kidOf(access)));
          load.renewals += 1;
        }
      };
      const living = Promise.all(people.map(live));
      for (let round = 0; round < 10; round += 1) {
        await nodes[round % 2]?.keys.revoke(await keyOf(nodes[0], 'current'));
        const target = load.renewals + 6;
        while (load.renewals < target) await turn();
      }
      load.over = true;
      await living;
      for (const { program, system } of nodes) {
        await system.rooms.tail.catchUp();
        const { access } = await program.renewed(people[0]?.refresh ?? '');
        for (const node of nodes) assert.equal(await node.program.status(access), 200);
      }
      await pair.close();
    });

    test('by many at once, on both nodes, with rotations and starts between: each key once, and one signs (@fault F14)', async () => {
      const pair = await openPair({ on });
      const { nodes } = pair;
      for (let round = 0; round < 5; round += 1) {
        const listed = await nodes[0].keys.list();
        const outcomes = await Promise.all(
          [...nodes, ...nodes].flatMap((node) => [
            ...listed.map(({ kid }) =>
              node.keys.revoke(kid).then(
                () => 'revoked',
                (error: unknown) => (isFailure(error) ? error.code : String(error)),
              ),
            ),
            node.keys.rotate().then(() => null),
            node.system.rooms.signingKeys.open().then(() => null),
          ]),
        );
        const told = outcomes.filter((outcome) => outcome !== null);
        assert.equal(told.filter((outcome) => outcome === 'revoked').length, listed.length);
        assert.equal(told.filter((outcome) => outcome === 'LK_NOT_FOUND').length, 3 * listed.length);
        const kids = await Promise.all(
          nodes.map(async ({ program }, place) => {
            const { access } = await program.signUp(`${round}-${place}@example.com`);
            return kidOf(access);
          }),
        );
        assert.equal(new Set(kids).size, 1);
        assert.equal(await keyOf(nodes[0], 'current'), kids[0]);
      }
      await pair.close();
    });
  });

  describe(`a database that is restored under two nodes that run, on ${name}`, () => {
    test('has new keys, by which each signs at once what is good on both, and the old ones are dead (@rule R8)', async () => {
      const pair = await openPair({ on, second: withoutHints });
      const { nodes } = pair;
      const before = await nodes[0].program.signUp(EMAIL);
      const sign = await thief(pair);
      const old = new Set((await nodes[0].keys.list()).map(({ kid }) => kid));
      const { log } = await pair.other();
      assert.ok(await log.beginEpoch((await log.head()).epoch, 'restore', pair.clock.now()));

      const held = await Promise.all([...nodes, ...nodes].map(({ program }) => program.signIn(EMAIL)));
      for (const { access } of held) {
        assert.ok(!old.has(kidOf(access)));
        for (const { program } of nodes) assert.equal(await program.status(access), 200);
      }
      assert.equal(new Set(held.map(({ access }) => kidOf(access))).size, 1);
      for (const { program, system } of nodes) {
        assert.equal(await program.status(before.access), 401);
        const rs = system.rooms.tail.cursor?.seq;
        assert.equal(await program.status(sign({ ...saidBy(held[0]?.access ?? ''), rs })), 401);
      }
      for (const node of nodes) assert.equal((await publishedBy(node)).length, 2);
      await pair.close();
    });
  });
}

describe('a signing key that is revoked, as time goes by', () => {
  test('is refused by a node that has heard nothing when the bound has passed (@fault F14, @rule R4)', async () => {
    const { pair, lost, genuine, forge, head } = await victims({ second: withoutHints });
    const [here, there] = pair.nodes;
    await there.system.rooms.tail.catchUp();
    const warm = [genuine.access, forge(head)];
    for (const token of warm) assert.equal(await there.program.status(token), 200);
    await here.keys.revoke(lost);
    pair.clock.advance(5_001);
    for (const token of [...warm, ...positionsAround(head).map(forge)])
      assert.equal(await there.program.status(token), 401);
    await pair.close();
  });

  test('is refused also where a node cannot pull, and there too nobody else is (@fault F8, @rule R2)', async () => {
    let cut: (is: boolean) => void = () => assert.fail('the store was not opened');
    const second = (inner: Store): Store => {
      const made = cuttable(withoutHints(inner));
      cut = made.cut;
      return made.store;
    };
    const { pair, lost, genuine, forge, head } = await victims({ second });
    const [here, there] = pair.nodes;
    cut(true);
    await here.keys.revoke(lost);
    pair.clock.advance(5_001);
    for (const token of [genuine.access, ...positionsAround(head).map(forge)])
      assert.equal(await there.program.status(token), 401);
    const { access } = await here.program.renewed(genuine.refresh);
    assert.equal(await there.program.status(access), 200);
    await pair.close();
  });

  test('stays dead when its entry is gone (@rule R2)', async () => {
    const { pair, lost, forge, head } = await victims();
    await pair.nodes[0].keys.revoke(lost);
    for (let hour = 0; hour < 50; hour += 1) {
      pair.clock.advance(3_600_000);
      for (const node of pair.nodes) await node.maintain();
    }
    for (const { system, program } of pair.nodes) {
      await system.rooms.tail.catchUp();
      assert.equal(system.rooms.tail.size, 0, 'nothing is remembered of it');
      for (const rs of positionsAround(head)) assert.equal(await program.status(forge(rs)), 401);
    }
    await pair.close();
  });

  test('has a receipt that waits for the other node, and for who keeps the published keys (@rule R9)', async () => {
    const { pair, lost } = await victims();
    const receipt = await pair.nodes[0].keys.revoke(lost);
    const { at, deadline, tokensDeadBy, followers } = receipt;
    assert.equal(followers.confirmed + followers.pending, 2);
    assert.equal(deadline, at + 5_000);
    assert.equal(tokensDeadBy, deadline + 300_000);
    pair.clock.advance(5_000);
    assert.equal((await receipt.settledWithin({ timeout: '1ms' })).settled, true);
    await pair.close();
  });
});
