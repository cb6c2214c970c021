import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Clock, SigningAlgorithm } from '@latchkey/verify';
import { isFailure } from '../errors.ts';
import { subjectOf } from '../foundation/ids.ts';
import { randomBytes } from '../foundation/random.ts';
import { parseRootSecret } from '../foundation/root-secret.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import type { Store } from '../stores/store.ts';
import { LEAD } from './key-schedule.ts';
import type { KeyRotation } from './key-turns.ts';
import { newKeyPair } from './signing-key.ts';
import { KEPT_UNUSED, type ListedKey, SigningKeys } from './signing-keys.ts';

const START = 1_700_000_000_000;
const MINUTE = 60_000;
const LIFE = 2 * 3_600_000;
const rootSecret = parseRootSecret(randomBytes(32).toString('base64'));

describe('signing keys take turns', () => {
  const time = { now: START };
  let store: Store;
  let revoked: Set<string>;
  let rotated: string[];
  beforeEach(async () => {
    time.now = START;
    revoked = new Set();
    rotated = [];
    store = sqlite(':memory:');
    await store.open(time.now);
  });
  afterEach(() => store.close());

  /** A process of its own on the store; `skew` is how far its clock is ahead. */
  const open = async (
    algorithm: SigningAlgorithm = 'EdDSA',
    skew = 0,
    hears: (subject: string) => boolean = (subject) => revoked.has(subject),
  ): Promise<SigningKeys> => {
    const clock: Clock = { now: () => time.now + skew, monotonic: () => time.now };
    const onRotated = ({ kid }: { readonly kid: string }): void => void rotated.push(kid);
    const keys = new SigningKeys({
      store,
      clock,
      rootSecret,
      algorithm,
      keyLife: LIFE,
      isRevoked: hears,
      onRotated,
    });
    await keys.open();
    return keys;
  };
  const states = async (keys: SigningKeys): Promise<string> =>
    (await keys.list()).map(({ state }) => state).join(' ');
  const kidOf = async (keys: SigningKeys, state: string): Promise<string> =>
    (await keys.list()).find((key) => key.state === state)?.kid ?? assert.fail(`none is ${state}`);
  /** As `rotateSigningKey` does it. */
  const rotate = async (keys: SigningKeys): Promise<KeyRotation> => {
    const rotation = await store.transaction((tables) => keys.rotate(tables));
    await keys.read();
    return rotation;
  };
  /** As `revokeSigningKey` does it, but for the entry of the log. */
  const revoke = async (keys: SigningKeys, kid: string): Promise<void> => {
    await store.transaction(async (tables) => {
      await keys.replace(tables, kid);
      await tables.signingKeys.remove(kid);
    });
    revoked.add(subjectOf('signing_key', kid));
  };

  test('a next one is published from the first start (@fault F14)', async () => {
    const keys = await open();
    assert.equal(await states(keys), 'current next');
    assert.equal(keys.published.length, 2);
    assert.notEqual(keys.current.kid, await kidOf(keys, 'next'));
    assert.ok(keys.find(await kidOf(keys, 'next')) !== null, 'and verifies');
  });

  test('by schedule: not before the life of the current one is over, by one of twenty processes, and another next is made', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => open()));
    const [one] = all;
    assert.ok(one !== undefined);
    const [before, next] = [one.current.kid, await kidOf(one, 'next')];
    time.now = START + LIFE - 30_001;
    await Promise.all(all.map((keys) => keys.keep()));
    assert.deepEqual([one.current.kid, rotated], [before, []]);
    time.now = START + LIFE;
    await Promise.all(all.map((keys) => keys.keep()));
    await Promise.all(all.map((keys) => keys.read()));
    assert.deepEqual(new Set(all.map(({ current }) => current.kid)), new Set([next]));
    assert.deepEqual(rotated, [next]);
    assert.equal(await states(one), 'retired current next');
    assert.ok(one.find(before) !== null, 'tokens of the one before are good');
  });

  test('a key that is retired goes when no token of it can be good, and the others stay', async () => {
    const keys = await open();
    const before = keys.current.kid;
    for (let minute = 0; time.now < START + LIFE + KEPT_UNUSED + 2 * MINUTE; minute += 1) {
      time.now += MINUTE;
      await keys.keep();
      await store.signingKeys.sweep(time.now - KEPT_UNUSED, 10);
      if (keys.current.kid !== before && time.now < START + LIFE + 45 * MINUTE)
        assert.ok((await store.signingKeys.find(before)) !== null, `after ${minute} minutes`);
    }
    assert.equal(await store.signingKeys.find(before), null);
    assert.equal(await states(keys), 'current next');
    assert.equal(rotated.length, 1);
  });

  test('at will: as soon as everybody has seen the next one, on every process at the same moment', async () => {
    const [keys, other] = [await open(), await open()];
    const next = await kidOf(keys, 'next');
    const rotation = await rotate(keys);
    assert.deepEqual(rotation, { kid: next, algorithm: 'EdDSA', activatesAt: START + LEAD });
    assert.equal(await states(keys), 'current next next');
    await other.keep();
    for (const each of [keys, other]) assert.notEqual(each.current.kid, next);
    time.now = rotation.activatesAt - 1;
    assert.notEqual((await keys.signer()).kid, next);
    time.now += 1;
    for (const each of [keys, other]) assert.equal((await each.signer()).kid, next);
    assert.equal(await states(keys), 'retired current next');
  });

  test('at will and at once, where everybody has seen it; twice in a row turns once', async () => {
    const keys = await open();
    time.now += LEAD + 1;
    const next = await kidOf(keys, 'next');
    assert.equal((await rotate(keys)).activatesAt, time.now);
    assert.equal(keys.current.kid, next);
    const after = await rotate(keys);
    assert.equal(after.activatesAt, time.now + LEAD);
    assert.deepEqual(await rotate(keys), after);
    assert.deepEqual(
      new Set((await Promise.all(Array.from({ length: 20 }, () => rotate(keys)))).map(({ kid }) => kid)),
      new Set([after.kid]),
    );
    assert.equal((await keys.list()).length, 4);
  });

  test('no schedule has a key sign that not everybody has seen (@fault F14)', async () => {
    const keys = await open();
    time.now = START + LIFE - MINUTE;
    await keys.keep();
    await revoke(keys, await kidOf(keys, 'next'));
    const youngest = await kidOf(keys, 'next');
    time.now = START + LIFE;
    await keys.keep();
    const listed = (await keys.list()).find(({ kid }) => kid === youngest);
    assert.equal(listed?.activatesAt, START + LIFE - MINUTE + LEAD);
    assert.notEqual(keys.current.kid, youngest);
    time.now = START + LIFE - MINUTE + LEAD;
    assert.equal(keys.current.kid, youngest);
  });

  test('a process that reads each minute knows each key before it signs, and no unknown id can keep it from that (@fault F14, @incident D4)', async () => {
    const [early, late] = [await open(), await open()];
    const known: string[] = [];
    for (let second = 0; second < 4 * 3_600; second += 1) {
      time.now += 1_000;
      // Unknown ids come without end, so that none earns a reading when it matters.
      await late.refresh();
      if (second % 60 === 0) await early.keep();
      if (second % 60 === 59) await late.read();
      if (second === 3_600) await rotate(early);
      const { kid } = await early.signer();
      if (!known.includes(kid)) known.push(kid);
      assert.ok(late.find(kid) !== null, `after ${second} seconds`);
    }
    assert.equal(known.length, 3, 'one at will, one by schedule');
  });

  describe('and when one is revoked', () => {
    test('the next one signs at once on each process, without another reading of theirs before (@rule R2)', async () => {
      const [here, there] = [await open(), await open()];
      const [lost, next] = [here.current.kid, await kidOf(here, 'next')];
      await revoke(here, lost);
      for (const keys of [here, there]) {
        assert.equal(keys.find(lost), null);
        assert.ok(!keys.published.some(({ kid }) => kid === lost));
        assert.equal((await keys.signer()).kid, next);
        assert.equal(await states(keys), 'current next');
      }
    });

    test('it is not one that is retired, though it verifies still', async () => {
      const [here, there] = [await open(), await open()];
      const retired = here.current.kid;
      time.now += LEAD + 1;
      await rotate(here);
      await there.keep();
      const next = await kidOf(here, 'next');
      await revoke(here, here.current.kid);
      for (const keys of [here, there]) assert.equal((await keys.signer()).kid, next);
      assert.equal(await states(here), 'retired current next');
      assert.ok(here.find(retired) !== null);
    });

    test('it signs also by a clock that is behind, and not one that is retired', async () => {
      const fast = await open('EdDSA', 30_000);
      const slow = await open();
      time.now += LEAD + 1;
      await rotate(fast);
      time.now += MINUTE;
      await slow.keep();
      const next = await kidOf(fast, 'next');
      await revoke(fast, fast.current.kid);
      assert.equal((await slow.signer()).kid, next);
      assert.equal(await states(slow), 'retired current next');
    });

    test('a process that has heard nothing yet goes on until it reads, and then has the next one', async () => {
      const here = await open();
      const deaf = await open('EdDSA', 0, () => false);
      const next = await kidOf(here, 'next');
      await revoke(here, here.current.kid);
      await deaf.keep();
      assert.equal((await deaf.signer()).kid, next);
      assert.equal(deaf.published.length, 2);
    });

    test('and the next is, a new one is made and the current one signs on', async () => {
      const keys = await open();
      const [current, next] = [keys.current.kid, await kidOf(keys, 'next')];
      await revoke(keys, next);
      assert.equal((await keys.signer()).kid, current);
      assert.equal(await states(keys), 'current next');
      assert.notEqual(await kidOf(keys, 'next'), next);
    });

    test('and all are, one after the other and at once, somebody always can sign', async () => {
      const all = await Promise.all(Array.from({ length: 5 }, () => open()));
      const [one] = all;
      assert.ok(one !== undefined);
      for (let round = 0; round < 5; round += 1) {
        const listed: readonly ListedKey[] = await one.list();
        const outcomes = await Promise.all(
          all.flatMap((keys) =>
            listed.map(({ kid }) =>
              revoke(keys, kid).then(
                () => 'revoked',
                (error: unknown) => (isFailure(error) ? error.code : String(error)),
              ),
            ),
          ),
        );
        const each = ['revoked', ...Array.from({ length: 4 }, () => 'LK_NOT_FOUND')];
        assert.deepEqual(outcomes.toSorted(), [...each, ...each].toSorted());
        const signing = await Promise.all(all.map((keys) => keys.signer()));
        assert.equal(new Set(signing.map(({ kid }) => kid)).size, 1);
        assert.equal(await states(one), 'current next');
      }
    });

    test('of another algorithm, its process has another one as well', async () => {
      const [one, other] = [await open(), await open('ES256')];
      const lost = other.current.kid;
      const [current] = [one.current.kid];
      await revoke(one, lost);
      const { kid, algorithm } = await other.signer();
      assert.notEqual(kid, lost);
      assert.equal(algorithm, 'ES256');
      assert.equal((await one.signer()).kid, current);
      assert.deepEqual((await states(one)).split(' ').toSorted(), ['current', 'current', 'next', 'next']);
    });

    test('one that is not there is LK_NOT_FOUND, and nothing changes', async () => {
      const keys = await open();
      const before = await keys.list();
      for (const kid of ['', 'x'.repeat(43), '__proto__'])
        await assert.rejects(revoke(keys, kid), { code: 'LK_NOT_FOUND' });
      assert.deepEqual(await keys.list(), before);
    });
  });

  test('where all are gone, as after a restore, whoever signs next makes them, once (@rule R8)', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => open()));
    for (const { kid } of await store.signingKeys.list()) await store.signingKeys.remove(kid);
    await Promise.all(all.map((keys) => keys.read()));
    const signing = await Promise.all(all.map((keys) => keys.signer()));
    assert.equal(new Set(signing.map(({ kid }) => kid)).size, 1);
    for (const keys of all) {
      await keys.read();
      assert.ok(keys.find(signing[0]?.kid ?? '') !== null);
    }
    assert.equal((await store.signingKeys.list()).length, 2);
  });

  test('a process that stood still reads before it signs', async () => {
    const still = await open();
    const before = still.current.kid;
    for (let minute = 0; minute < 90; minute += 1) {
      time.now += MINUTE;
      await store.signingKeys.sweep(time.now - KEPT_UNUSED, 10);
    }
    assert.deepEqual(await store.signingKeys.list(), []);
    const { kid } = await still.signer();
    assert.notEqual(kid, before);
    assert.ok((await store.signingKeys.find(kid)) !== null);
  });

  test('an older reading that is answered later changes nothing', async () => {
    const keys = await open();
    const list = store.signingKeys.list.bind(store.signingKeys);
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    store.signingKeys.list = async () => {
      store.signingKeys.list = list;
      const before = await list();
      await held;
      return before;
    };
    const older = keys.read();
    const lost = keys.current.kid;
    await store.transaction(async (tables) => {
      await keys.replace(tables, lost);
      await tables.signingKeys.remove(lost);
    });
    await keys.read();
    release(undefined);
    await older;
    assert.equal(keys.find(lost), null);
  });

  describe('beside the build before, which signs with the oldest of its algorithm', () => {
    test('a key that it made signs, and a next one is published', async () => {
      const pair = newKeyPair(rootSecret, 'EdDSA');
      await store.signingKeys.add({ ...pair, createdAt: START - LIFE, usedAt: START, activatesAt: 0 });
      const keys = await open();
      assert.equal(keys.current.kid, pair.kid);
      assert.equal(rotated.length, 1, 'its life is over, and yet it signs: nobody has seen the next one');
      assert.equal((await keys.list()).find(({ state }) => state === 'current')?.activatesAt, START - LIFE);
      time.now += LEAD + 1;
      assert.deepEqual([await states(keys), keys.current.kid === pair.kid], ['retired current next', false]);
    });

    test('the key that it signs with stays while it says so, whatever is current', async () => {
      const keys = await open();
      const oldest = keys.current.kid;
      for (let minute = 0; time.now < START + 2 * LIFE; minute += 1) {
        time.now += MINUTE;
        if (minute % 30 === 0) await store.signingKeys.use(oldest, time.now);
        await keys.keep();
        await store.signingKeys.sweep(time.now - KEPT_UNUSED, 10);
        assert.equal((await store.signingKeys.list())[0]?.kid, oldest);
        assert.ok(keys.find(oldest) !== null);
      }
      assert.notEqual(keys.current.kid, oldest);
    });
  });
});
