import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { acceptUntilExpiry } from '@latchkey/verify/unsafe';
import { newSubject, sendJson } from './issuer.ts';
import { bearing, openScene, refusalCode, until } from './scene.ts';

describe('what was begun with a good token', () => {
  test('is ended once, at once, when the log speaks against it, and nothing else is (@rule R9)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const [sid, sub] = [newSubject(), newSubject()];
    const ended: string[] = [];
    const watch = async (name: string, changes: object): Promise<() => void> => {
      const who = await orders.require(bearing(issuer.token({ ...changes })));
      return orders.onRevoked(who, (reason) => void ended.push(`${name} ${reason}`));
    };
    await watch('session', { sid });
    await watch('user', { sub, plan: 'pro' });
    await watch('silent', { sub });
    (await watch('left', { sid }))();
    await watch('nobody', {});
    await until(() => orders.status().hints);
    issuer.append('session', sid);
    issuer.append('session', sid);
    issuer.append('user', sub, 'changed');
    await until(() => ended.length === 2);
    assert.deepEqual(ended.toSorted(), ['session revoked', 'user stale']);
    assert.equal(orders.status().watched, 2);
    issuer.append('all', '');
    await until(() => ended.length === 4);
    assert.deepEqual(ended.slice(2).toSorted(), ['nobody revoked', 'silent revoked']);
  });

  test('is ended at once where it was revoked before it was watched, and where its history ends (@rule R8)', async (t) => {
    const { issuer, orders } = await openScene(t);
    const sid = newSubject();
    const dead = await orders.require(bearing(issuer.token({ sid })));
    const old = await orders.require(bearing(issuer.token()));
    issuer.append('session', sid, 'revoke', false);
    await until(() => orders.status().cursor?.seq === issuer.head);
    const ended: string[] = [];
    orders.onRevoked(dead, (reason) => void ended.push(reason));
    orders.onRevoked(old, (reason) => void ended.push(reason));
    await until(() => ended.length === 1);
    issuer.beginEpoch('second');
    await until(() => ended.length === 2);
    assert.deepEqual(ended, ['revoked', 'unknown']);
  });

  test('is ended when nobody can tell for as long as the copy may be trusted (@rule R4)', async (t) => {
    const { issuer, clock, orders, another } = await openScene(t);
    const accepting = another({ onUnknown: acceptUntilExpiry });
    const ended: string[] = [];
    const token = issuer.token();
    for (const [name, each] of [
      ['strict', orders],
      ['lax', accepting],
    ] as const) {
      each.onRevoked(await each.require(bearing(token)), (reason) => void ended.push(`${name} ${reason}`));
    }
    issuer.lies.set('/auth/feed/pull', () => undefined);
    clock.ahead = 5_001;
    await until(() => !orders.status().fresh);
    // Its timer looks each second; the clock is what decides.
    const step = setInterval(() => (clock.ahead += 2_000), 1_000);
    await until(() => ended.length > 0);
    clearInterval(step);
    assert.deepEqual(ended, ['strict unknown']);
  });

  test('is told nothing by a verifier that was let go of, nor is anybody told of what that cannot do', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    for (const isClosed of [false, true]) {
      const { issuer, clock, orders, errors } = await openScene(t);
      const ended: string[] = [];
      orders.onRevoked(await orders.require(bearing(issuer.token())), (reason) => void ended.push(reason));
      issuer.lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
      if (isClosed) orders.close();
      const before = errors.length;
      for (let steps = 0; steps < 2; steps += 1) {
        clock.ahead += 6_000;
        t.mock.timers.tick(1_000);
        for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
      }
      if (!isClosed) await until(() => ended.length === 1 && errors.length > before);
      else assert.deepEqual([ended, errors.length], [[], before]);
    }
  });

  test('asks the log again before its result counts (@rule R9)', async (t) => {
    const { issuer, clock, orders } = await openScene(t);
    const sid = newSubject();
    const who = await orders.require(bearing(issuer.token({ sid })));
    await who.recheck();
    issuer.append('session', sid, 'revoke', false);
    assert.equal(await refusalCode(who.recheck()), 'LK_TOKEN_REVOKED');
    const other = await orders.require(bearing(issuer.token()));
    issuer.lies.set('/auth/feed/pull', (_, res) => sendJson(res, {}, 503));
    assert.equal(await refusalCode(other.recheck()), null, 'the copy is still fresh');
    clock.ahead = 6_000;
    assert.equal(await refusalCode(other.recheck()), 'LK_NOT_FRESH');
    assert.equal(
      JSON.stringify(structuredClone(other)),
      JSON.stringify(other),
      'a principal is data all the same',
    );
    assert.throws(() => orders.onRevoked({ ...other, recheck: other.recheck }, () => undefined), {
      name: 'TypeError',
      message: /another verifier/,
    });
  });
});
