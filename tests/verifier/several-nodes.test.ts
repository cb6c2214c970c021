import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Line, newSubject, sendJson, type TestIssuer } from './issuer.ts';
import { bearing, openScene, refusalCode, until } from './scene.ts';

/*
 * The next request may be answered by another node than the last one: one that has begun a
 * moment ago and knows no cursor of before, or one that has heard less.
 */

const PULL = '/auth/feed/pull';

interface Asked {
  readonly epoch: string;
  readonly tag: number;
  readonly after: number;
}

const lastPull = (issuer: TestIssuer): Asked =>
  JSON.parse(issuer.requests.findLast(({ path }) => path === PULL)?.body ?? '{}') as Asked;

describe('a service whose nodes are several', () => {
  for (const [title, change] of [
    ['the node does not remember its cursor', () => undefined],
    ['the log goes on in another history', (issuer: TestIssuer) => issuer.beginEpoch('second')],
    [
      'subjects are hashed with another salt',
      (issuer: TestIssuer) => {
        issuer.salt = randomBytes(16);
      },
    ],
  ] as const) {
    test(`refuses what it acknowledges from then on, where ${title} (@rule R9)`, async (t) => {
      const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
      const sid = newSubject();
      const token = issuer.token({ sid });
      await orders.require(bearing(token));
      change(issuer);
      issuer.append('session', sid, 'revoke', false);
      let forgetful = true;
      const acknowledged = Promise.withResolvers<void>();
      issuer.lies.set(PULL, async (_, res, truth) => {
        if (forgetful) {
          forgetful = false;
          sendJson(res, { ...issuer.pull({ epoch: '', tag: 0, after: 0 }), entries: null });
          return;
        }
        if (lastPull(issuer).after < issuer.head) return await truth();
        // Said by the service, and never answered.
        acknowledged.resolve();
      });
      await acknowledged.promise;
      assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
    });
  }

  test('does not accept again what a hint has ended, by the answer of a node that has heard less (@rule R4)', async (t) => {
    const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
    const sid = newSubject();
    const token = issuer.token({ sid });
    await orders.require(bearing(token));
    await until(() => orders.status().hints);
    const { head } = issuer;
    let age = 900;
    issuer.lies.set(PULL, (_, res) => {
      const asked = lastPull(issuer);
      sendJson(res, {
        ...issuer.pull(asked),
        head,
        tag: asked.tag,
        age_ms: age,
        entries: [],
      });
    });
    const line: Line = issuer.append('session', sid);
    await until(() => orders.status().entries === 0 && lastPull(issuer).after === head);
    const pulled = issuer.asked(PULL);
    await until(() => issuer.asked(PULL) > pulled);
    await until(() => (orders.status().lag ?? 0) >= age);
    assert.equal(orders.status().fresh, true);
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_TOKEN_REVOKED');
    // A node that has asked the log since then says that it was never so.
    age = 0;
    issuer.lines = issuer.lines.filter((each) => each !== line);
    await until(() => (orders.status().lag ?? age) < 500);
    assert.equal(await refusalCode(orders.require(bearing(token))), null);
  });
});
