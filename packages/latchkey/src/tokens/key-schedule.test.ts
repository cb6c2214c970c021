import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  announced,
  createdAfter,
  currentOf,
  hasNext,
  isDue,
  JWKS_MAX_AGE,
  LEAD,
  READ_EVERY,
  readyAt,
  stateOf,
  type Turn,
  waitingOf,
} from './key-schedule.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

const key = (kid: string, createdAt: number, activatesAt: number | null): Turn => ({
  kid,
  createdAt,
  activatesAt,
});

describe('of the keys of one algorithm', () => {
  const cases: readonly (readonly [title: string, keys: readonly Turn[], states: string])[] = [
    ['none signs where there is none', [], ''],
    ['a key that signs is current', [key('a', 1, 1)], 'current'],
    ['one of which nobody has said when is next', [key('a', 1, 1), key('b', 2, null)], 'current next'],
    ['one whose time is to come is next', [key('a', 1, 1), key('b', 2, NOW + 1)], 'current next'],
    ['one whose time has come signs', [key('a', 1, 1), key('b', 2, NOW)], 'retired current'],
    [
      'the newest signs, whichever was said last',
      [key('a', 1, NOW - 1), key('b', 2, NOW - 2)],
      'retired current',
    ],
    ['a key of the build before signs', [key('a', 1, 0)], 'current'],
    [
      'of several states each has its own',
      [key('a', 1, 0), key('b', 2, 5), key('c', 3, NOW + 1), key('d', 4, null)],
      'retired current next next',
    ],
  ];
  for (const [title, keys, states] of cases) {
    test(title, () => {
      assert.equal(keys.map((each) => stateOf(each, keys, NOW)).join(' '), states);
      assert.equal(currentOf(keys, NOW)?.kid, keys[states.split(' ').indexOf('current')]?.kid);
      assert.equal(waitingOf(keys, NOW).length, states.split(' ').filter((state) => state === 'next').length);
      assert.equal(hasNext(keys), keys.at(-1)?.activatesAt === null);
    });
  }

  test('that which is said to sign next is told with its time', () => {
    const keys = [key('a', 1, 1), key('b', 2, NOW + 5), key('c', 3, null)];
    assert.deepEqual(announced(keys, NOW), { kid: 'b', activatesAt: NOW + 5 });
    assert.equal(announced(keys, NOW + 5), null);
  });
});

describe('the next key', () => {
  const due: readonly (readonly [title: string, keys: readonly Turn[], expected: boolean])[] = [
    ['when the current one has signed for its life', [key('a', 1, NOW - HOUR)], true],
    ['not before', [key('a', 1, NOW - HOUR + 1)], false],
    ['of a key of the build before, by its beginning', [key('a', NOW - HOUR, 0)], true],
    ['of a young key of the build before, not yet', [key('a', NOW - HOUR + 1, 0)], false],
    ['not where it has been said already', [key('a', 1, NOW - HOUR), key('b', 2, NOW + 1)], false],
    ['not where nothing signs', [key('a', 1, null)], false],
  ];
  for (const [title, keys, expected] of due)
    test(`is due: ${title}`, () => assert.equal(isDue(keys, HOUR, NOW), expected));

  test('signs when it was published for as long as anybody may be without it, and not before (@fault F14)', () => {
    assert.ok(LEAD >= JWKS_MAX_AGE * 1_000 + READ_EVERY);
    assert.equal(readyAt(key('a', NOW, null), NOW), NOW + LEAD);
    assert.equal(readyAt(key('a', NOW - LEAD + 1, null), NOW), NOW + 1);
    assert.equal(readyAt(key('a', NOW - LEAD, null), NOW), NOW);
    assert.equal(readyAt(key('a', 0, null), NOW), NOW);
  });

  test('waits no longer where a clock was set back since it was made', () => {
    assert.equal(readyAt(key('a', NOW + 365 * 24 * HOUR, null), NOW), NOW + LEAD);
  });

  test('is always made after the others, whatever clocks say', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 * NOW })), (times) => {
        const keys = times.map((at, index) => key(String(index), at, null));
        const at = createdAfter(keys, NOW);
        assert.ok(at >= NOW && times.every((other) => other < at));
      }),
    );
  });
});
