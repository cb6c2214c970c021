import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from './log-entry.ts';
import { type Facts, RevokedSet, type Verdict } from './revoked-set.ts';

const FACTS: Facts = {
  rs: 100,
  session: 'the-session',
  user: 'the-user',
  client: 'the-client',
  signingKey: null,
};
const LATER = 1_000_000;

const entry = (
  kind: Entry['kind'],
  scope: Entry['scope'],
  subject: string,
  seq: number,
  expiresAt = LATER,
): Entry => ({
  kind,
  scope,
  subject,
  seq,
  expiresAt,
});

const judged = (entries: readonly Entry[], facts: Facts = FACTS): Verdict => {
  const set = new RevokedSet();
  for (const one of entries) set.apply(one);
  return set.judge(facts);
};

describe('the revoked set', () => {
  const cases: readonly (readonly [string, Entry, Verdict])[] = [
    [
      'a revoked session is dead, whatever the position',
      entry('revoke', 'session', 'the-session', 1),
      'revoked',
    ],
    ['a revoked session is dead, from later too', entry('revoke', 'session', 'the-session', 101), 'revoked'],
    ['another session is not concerned', entry('revoke', 'session', 'another', 101), 'ok'],
    ['a changed session is stale', entry('changed', 'session', 'the-session', 101), 'stale'],
    ['a session read after the change is not', entry('changed', 'session', 'the-session', 100), 'ok'],
    ['a revoked user is dead', entry('revoke', 'user', 'the-user', 101), 'revoked'],
    ['who signed in after it is not', entry('revoke', 'user', 'the-user', 100), 'ok'],
    ['another user is not concerned', entry('revoke', 'user', 'another', 101), 'ok'],
    ['a user is no session', entry('revoke', 'user', 'the-session', 101), 'ok'],
    ['a changed user is stale', entry('changed', 'user', 'the-user', 101), 'stale'],
    ['a revoked client is dead', entry('revoke', 'client', 'the-client', 101), 'revoked'],
    ['what the client did after it is not', entry('revoke', 'client', 'the-client', 100), 'ok'],
    ['a changed client is stale', entry('changed', 'client', 'the-client', 101), 'stale'],
    ['all that is older is dead', entry('revoke', 'all', '', 101), 'revoked'],
    ['all that is newer is not', entry('revoke', 'all', '', 100), 'ok'],
    ['a change for all makes stale', entry('changed', 'all', '', 101), 'stale'],
    ['a position above every earlier one counts', entry('revoke', 'user', 'the-user', 2 ** 52), 'revoked'],
  ];
  for (const [title, one, verdict] of cases) {
    test(`${title} (@rule R2)`, () => assert.equal(judged([one]), verdict));
  }

  test('a death counts more than a change (@rule R2)', () => {
    const changed = entry('changed', 'user', 'the-user', 103);
    assert.equal(judged([changed, entry('revoke', 'user', 'the-user', 102)]), 'revoked');
  });

  test('a session before login is no user (@rule R2)', () => {
    const anonymous = { ...FACTS, user: null };
    assert.equal(
      judged([entry('revoke', 'user', '', 101), entry('revoke', 'user', 'null', 101)], anonymous),
      'ok',
    );
    assert.equal(judged([entry('revoke', 'session', 'the-session', 1)], anonymous), 'revoked');
  });

  test('neither order nor repetition matters, and a subject has one slot (@rule R2)', () => {
    const entries = fc.array(
      fc.record({
        kind: fc.constantFrom('revoke' as const, 'changed' as const),
        scope: fc.constantFrom('session' as const, 'user' as const, 'client' as const, 'all' as const),
        subject: fc.constantFrom('the-session', 'the-user', 'the-client', ''),
        seq: fc.integer({ min: 95, max: 105 }),
        expiresAt: fc.integer({ min: 1, max: 10 }),
      }),
    );
    fc.assert(
      fc.property(entries, fc.integer({ min: 0, max: 11 }), (list, now) => {
        const [one, other] = [new RevokedSet(), new RevokedSet()];
        for (const item of list) one.apply(item);
        for (const item of [...list, ...list].toReversed()) other.apply(item);
        assert.equal(one.judge(FACTS), other.judge(FACTS));
        const slots = new Set(list.map(({ kind, scope, subject }) => `${kind} ${scope} ${subject}`));
        assert.equal(one.size, slots.size);
        for (const set of [one, other]) set.purge(now);
        assert.equal(one.size, other.size);
        assert.equal(one.judge(FACTS), other.judge(FACTS));
      }),
    );
  });

  test('an entry is kept until its expiry, and the latest expiry counts (@rule R6)', () => {
    const set = new RevokedSet();
    set.apply(entry('revoke', 'session', 'the-session', 1, 20));
    set.apply(entry('revoke', 'session', 'the-session', 2, 10));
    set.purge(19);
    assert.equal(set.judge(FACTS), 'revoked');
    set.purge(20);
    assert.equal(set.judge(FACTS), 'ok');
    assert.equal(set.size, 0);
  });

  test('clearing forgets everything', () => {
    const set = new RevokedSet();
    set.apply(entry('revoke', 'all', '', 101));
    set.clear();
    assert.equal(set.size, 0);
    assert.equal(set.judge(FACTS), 'ok');
  });
});
