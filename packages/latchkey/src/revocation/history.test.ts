import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EpochEnd, LogReading, Seen } from '../stores/records.ts';
import { judgeHistory, MADE_GOOD } from './history.ts';

const SEEN: Seen = { lineage: 'l', epoch: 'one', seq: 100, tag: 1, beatAt: 1_000_000 };
const SAME: LogReading = {
  lineage: 'l',
  epoch: 'one',
  epochStart: 10,
  cause: 'first',
  head: 100,
  tag: 1,
  now: 1_000_000,
  age: 0,
  whole: false,
  tags: [],
  entries: [],
  previous: null,
  beatAt: 1_000_000,
  succeeded: false,
  rewritten: false,
};
/** The epoch that began after the one that was seen. */
const NEXT: Partial<LogReading> = { epoch: 'two', epochStart: 2_000, head: 2_000, cause: 'failover' };

/** Before it, and after the one that was seen. */
const BETWEEN: Seen = { ...SEEN, epoch: 'between' };
const END: EpochEnd = { seq: 100, beatAt: 1_000_000, restored: false };

describe('whether a log goes on from what was seen (@rule R8)', () => {
  const cases: readonly (readonly [
    title: string,
    answer: Partial<LogReading>,
    verdict: string,
    seen?: Seen | null,
    end?: EpochEnd | null,
  ])[] = [
    ['it stands still', {}, 'same'],
    ['it has grown', { head: 101 }, 'same'],
    ['nobody has seen anything', { head: 5 }, 'same', null],
    ['nobody has seen anything and another database answers', { succeeded: true }, 'failover', null],
    ['its head went back', { head: 99 }, 'restore'],
    ['its head went back, on a database without beats', { head: 99, beatAt: null }, 'restore'],
    ['other entries stand where those were', { head: 120, rewritten: true }, 'restore'],
    ['another database answers and lacks nothing', { succeeded: true }, 'failover'],
    [
      'another database answers and lacks seconds',
      { succeeded: true, head: 90, beatAt: 1_000_000 - MADE_GOOD },
      'failover',
    ],
    [
      'another database answers and lacks more',
      { succeeded: true, head: 90, beatAt: 1_000_000 - MADE_GOOD - 1 },
      'restore',
    ],
    [
      'another database answers and lacks nobody knows what',
      { succeeded: true, head: 90, beatAt: null },
      'restore',
    ],
    [
      'another database answers with other entries of the last seconds',
      { succeeded: true, head: 120, rewritten: true },
      'failover',
    ],
    ['somebody has begun an epoch, and nothing is lacking', { ...NEXT, previous: SEEN }, 'same'],
    [
      'somebody has begun an epoch, and seconds are lacking',
      { ...NEXT, previous: { ...SEEN, seq: 90 } },
      'same',
    ],
    [
      'somebody has begun an epoch without knowing that hours are lacking',
      { ...NEXT, previous: { ...SEEN, seq: 90, beatAt: 1_000_000 - 3_600_000 } },
      'restore',
    ],
    [
      'somebody has ended all that is older',
      { ...NEXT, cause: 'restore', previous: { ...SEEN, seq: 90, beatAt: 1 } },
      'same',
    ],
    ['epochs have come and gone that nobody has noted', { ...NEXT, previous: BETWEEN }, 'same'],
    ['epochs have come and gone, and nothing is lacking', { ...NEXT, previous: BETWEEN }, 'same', SEEN, END],
    [
      'epochs have come and gone, and seconds are lacking',
      { ...NEXT, previous: BETWEEN },
      'same',
      SEEN,
      { ...END, seq: 90 },
    ],
    [
      'epochs have come and gone that nobody saw, and hours are lacking',
      { ...NEXT, previous: BETWEEN },
      'restore',
      SEEN,
      { ...END, seq: 90, beatAt: 1 },
    ],
    [
      'epochs have come and gone that nobody saw, and nobody knows what is lacking',
      { ...NEXT, previous: BETWEEN, succeeded: true },
      'restore',
      SEEN,
      { ...END, seq: 99, beatAt: null },
    ],
    [
      'epochs have come and gone, one of which has ended all that is older',
      { ...NEXT, previous: BETWEEN },
      'same',
      SEEN,
      { seq: 90, beatAt: 1, restored: true },
    ],
    [
      'it is of an epoch before the one that was seen',
      { epoch: 'zero', head: 50, previous: null },
      'restore',
    ],
    ['it is another, newer database', { ...NEXT, cause: 'first', lineage: 'm' }, 'same'],
    ['it is another, older database', { lineage: 'm' }, 'restore'],
  ];
  for (const [title, answer, verdict, seen = SEEN, end = null] of cases) {
    test(`${verdict}, where ${title}`, () => {
      assert.equal(judgeHistory(seen, { ...SAME, ...answer }, end), verdict);
    });
  }
});
