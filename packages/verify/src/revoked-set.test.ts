import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from './log-entry.ts';
import { type Facts, RevokedSet, type Verdict } from './revoked-set.ts';
import { Leaf } from './sorted-slots.ts';
import { writeSubject } from './subject.ts';

/** Sixteen bytes for a name. */
const subjectOf = (name: string): string =>
  createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url');

const FACTS: Facts = {
  rs: 100,
  session: subjectOf('the-session'),
  user: subjectOf('the-user'),
  client: subjectOf('the-client'),
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
  subject: subject === '' ? '' : subjectOf(subject),
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
    assert.equal(judged([entry('revoke', 'user', 'null', 101)], anonymous), 'ok');
    assert.equal(judged([entry('revoke', 'session', 'the-session', 1)], anonymous), 'revoked');
  });

  test('neither order nor repetition matters, and a subject has one slot (@rule R2)', () => {
    const entries = fc.array(
      fc.record({
        kind: fc.constantFrom('revoke' as const, 'changed' as const),
        scope: fc.constantFrom('session' as const, 'user' as const, 'client' as const, 'all' as const),
        name: fc.constantFrom('the-session', 'the-user', 'the-client'),
        seq: fc.integer({ min: 95, max: 105 }),
        expiresAt: fc.integer({ min: 1, max: 10 }).map((seconds) => seconds * 1_000),
      }),
    );
    fc.assert(
      fc.property(entries, fc.integer({ min: 0, max: 11_000 }), (drawn, now) => {
        const list = drawn.map(({ name, ...rest }) => ({
          ...rest,
          subject: rest.scope === 'all' ? '' : subjectOf(name),
        }));
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
    set.apply(entry('revoke', 'session', 'the-session', 1, 19_001));
    set.apply(entry('revoke', 'session', 'the-session', 2, 10_000));
    set.purge(19_999);
    assert.equal(set.judge(FACTS), 'revoked');
    set.purge(20_000);
    assert.equal(set.judge(FACTS), 'ok');
    assert.equal(set.size, 0);
  });

  for (const [title, wrong] of [
    ['a subject that is too short', { ...entry('revoke', 'user', 'x', 1), subject: 'AAAAAAAAAAAAAAAAAAAAA' }],
    ['loose bits', { ...entry('revoke', 'user', 'x', 1), subject: 'AAAAAAAAAAAAAAAAAAAAAB' }],
    ['another character', { ...entry('revoke', 'user', 'x', 1), subject: 'AAAAAAAAAA+AAAAAAAAAAA' }],
    ['no subject', entry('revoke', 'session', '', 1)],
    ['a subject where all are meant', entry('revoke', 'all', 'x', 1)],
  ] as const) {
    test(`refuses an entry with ${title}, by which nothing would ever be found`, () => {
      assert.throws(() => new RevokedSet().apply(wrong), TypeError);
    });
  }

  test('refuses to judge by a subject under which nothing could be', () => {
    const set = new RevokedSet();
    set.apply(entry('revoke', 'session', 'another', 1));
    assert.throws(() => set.judge({ ...FACTS, session: 'the-session' }), TypeError);
    assert.equal(set.judge({ ...FACTS, session: '' }), 'ok');
  });

  test('takes over what another set holds, each slot with the highest position (@rule R8)', () => {
    const [one, other] = [new RevokedSet(), new RevokedSet()];
    one.apply(entry('revoke', 'user', 'the-user', 101));
    other.apply(entry('revoke', 'user', 'the-user', 99));
    other.apply(entry('revoke', 'session', 'another', 98));
    one.absorb(other);
    assert.equal(one.size, 2);
    assert.equal(one.judge(FACTS), 'revoked');
    assert.equal(one.isRevoked('session', subjectOf('another')), true);
  });

  test('holds the same as a map of slots, however many there are, and drops what expires bit by bit (@rule R6)', () => {
    const set = new RevokedSet();
    const slots = new Map<string, { seq: number; expiresAt: number }>();
    for (let seq = 1; seq <= 20_000; seq += 1) {
      // Some twice, and their expiry now earlier, now later.
      const subject = subjectOf(`${(seq * 7_919) % 15_000}`);
      const expiresAt = 1_000 * (1 + ((seq * 104_729) % 100));
      set.apply({ kind: 'changed', scope: 'user', subject, seq, expiresAt });
      const slot = slots.get(subject);
      slots.set(subject, { seq, expiresAt: Math.max(expiresAt, slot?.expiresAt ?? 0) });
    }
    for (const now of [0, 30_000, 99_000, 100_000]) {
      set.purge(now);
      for (const [subject, { seq, expiresAt }] of slots) {
        const lives = expiresAt > now;
        assert.equal(set.hasChanged('user', subject, seq - 1), lives);
        assert.equal(set.hasChanged('user', subject, seq), false);
      }
      assert.equal(set.size, [...slots.values()].filter(({ expiresAt }) => expiresAt > now).length);
    }
  });

  test('looks at a part of a large set in each purge, and in the end at all of it (@rule R6)', () => {
    const set = new RevokedSet();
    const bytes = Buffer.alloc(16);
    for (let index = 0; index < 200_000; index += 1) {
      bytes.writeUInt32BE(index);
      const subject = bytes.toString('base64url');
      set.apply({ kind: 'revoke', scope: 'session', subject, seq: index, expiresAt: 1_000 });
    }
    let purges = 0;
    for (let before = set.size; set.size > 0; before = set.size) {
      set.purge(1_000);
      purges += 1;
      assert.ok(set.size < before && before - set.size <= 64 * 512);
    }
    assert.ok(purges > 1);
  });
});

describe('the slots of a set', () => {
  const fill = (set: RevokedSet, from: number, to: number): void => {
    for (let index = from; index < to; index += 1) {
      set.apply({
        kind: 'revoke',
        scope: 'session',
        subject: subjectOf(`${index}`),
        seq: index,
        expiresAt: 1_000 * (1 + (index % 2)),
      });
    }
  };
  /** All of them, `capacity` at a time; others work in between. */
  const gone = (set: RevokedSet, capacity: number, meanwhile: (step: number) => void) => {
    const [section] = set.sections();
    assert.ok(section !== undefined);
    const found = new Leaf(capacity);
    const seen: { readonly subject: string; readonly seq: number; readonly expiresAt: number }[] = [];
    let step = 0;
    for (section.slots.copyAfter(null, found); found.count > 0; section.slots.copyAfter(found.last, found)) {
      assert.ok(found.count <= capacity);
      for (let row = 0; row < found.count; row += 1) {
        const subject = writeSubject(found.subjects.subarray(4 * row, 4 * row + 4));
        seen.push({ subject, seq: found.seqs[row] ?? 0, expiresAt: found.expiries[row] ?? 0 });
      }
      step += 1;
      meanwhile(step);
    }
    return seen;
  };
  const isAscending = (subjects: readonly string[]): boolean => {
    const bytes = subjects.map((subject) => Buffer.from(subject, 'base64url').toString('hex'));
    return bytes.every((each, index) => index === 0 || each > (bytes[index - 1] ?? ''));
  };

  for (const capacity of [1, 7, 511, 512, 513, 5_000]) {
    test(`are gone through in order, ${capacity} at a time, each with its own position and expiry`, () => {
      const set = new RevokedSet();
      fill(set, 0, 3_000);
      const seen = gone(set, capacity, () => undefined);
      assert.equal(seen.length, 3_000);
      assert.ok(isAscending(seen.map(({ subject }) => subject)));
      for (const { subject, seq, expiresAt } of seen) {
        assert.equal(subject, subjectOf(`${seq}`));
        assert.equal(expiresAt, 1 + (seq % 2));
      }
    });
  }

  test('that stay are gone through once, in order, though others come and go meanwhile', () => {
    const set = new RevokedSet();
    fill(set, 0, 3_000);
    const seen = gone(set, 60, (step) => {
      // So many that leaves are split, also where it stands; and so few left that they are joined.
      if (step < 30) fill(set, 2_900 + step * 100, 3_000 + step * 100);
      if (step % 7 === 0) set.purge(1_000);
    });
    const subjects = seen.map(({ subject }) => subject);
    assert.ok(isAscending(subjects), 'each once');
    const known = new Set(subjects);
    for (let index = 1; index < 3_000; index += 2) assert.ok(known.has(subjectOf(`${index}`)), `${index}`);
  });

  test('are none where all are gone behind the last one', () => {
    const set = new RevokedSet();
    fill(set, 0, 2_000);
    const seen = gone(set, 100, (step) => {
      if (step === 1) set.purge(9_000);
    });
    assert.equal(seen.length, 100);
  });

  test('are taken over bit by bit, and are in one of both sets at each step (@rule R8)', () => {
    const [one, other] = [new RevokedSet(), new RevokedSet()];
    fill(one, 0, 1_000);
    fill(other, 500, 60_000);
    other.apply(entry('changed', 'all', '', 7));
    let steps = 0;
    for (; other.size > 0; steps += 1) {
      const before = other.size;
      one.absorb(other);
      assert.ok(other.size < before && before - other.size <= 32 * 512);
      for (let index = 0; index < 60_000; index += 997) {
        const subject = subjectOf(`${index}`);
        assert.ok(one.isRevoked('session', subject) || other.isRevoked('session', subject));
      }
      assert.ok([one, other].some((set) => set.hasChanged('all', '', 6)));
    }
    assert.ok(steps > 3);
    assert.equal(one.size, 60_001);
  });
});
