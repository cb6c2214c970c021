import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Cursor, type LogSource, type Pull, Tail } from '@latchkey/verify';
import type { AuthEvent } from '../options.ts';
import { Freshness } from './freshness.ts';

const START = 1_700_000_000_000;

/** A tail of an empty log by a clock of the test's own, and what was told of it. */
async function scene() {
  const time = { wall: START, monotonic: 0, ahead: 0, away: false };
  const pass = (millis: number): void => {
    time.wall += millis;
    time.monotonic += millis;
  };
  let answer: (() => void) | null = null;
  let held = false;
  const source: LogSource = {
    pull: async (_cursor: Cursor | null): Promise<Pull> => {
      if (held) await new Promise<void>((resolve) => (answer = resolve));
      if (time.away) throw new Error('away');
      const history = { epoch: 'one', epochStart: 0, head: 0, tag: 0, whole: true, entries: [] };
      return { ...history, now: time.wall + time.ahead, age: 0, maxStaleness: 5_000 };
    },
    onHint: () => () => undefined,
  };
  const clock = { now: () => time.wall, monotonic: () => time.monotonic };
  const told: AuthEvent[] = [];
  const freshness = new Freshness({ tail: () => tail, clock, emit: (event) => void told.push(event) });
  const tail: Tail = new Tail({
    source,
    clock,
    onError: () => freshness.failed(),
    onConfirmed: () => freshness.answered(),
  });
  await tail.catchUp();
  return {
    time,
    pass,
    tail,
    freshness,
    told,
    /** Keeps the next pull waiting, and answers how to let it be answered. */
    hold: (): { pulled: Promise<unknown>; release: () => void } => {
      held = true;
      const pulled = tail.catchUp();
      held = false;
      return { pulled, release: () => answer?.() };
    },
  };
}

describe('a tail that stops being fresh', () => {
  test('is told of once, and of its end once, with how long it was so: the store is away', async () => {
    const { time, pass, tail, told } = await scene();
    time.away = true;
    for (let seconds = 0; seconds < 12; seconds += 1) {
      pass(1_000);
      await tail.catchUp();
    }
    assert.deepEqual(told, [{ type: 'log_stale', reason: 'store_away' }]);
    time.away = false;
    await tail.catchUp();
    await tail.catchUp();
    assert.deepEqual(told.slice(1), [{ type: 'log_fresh', reason: 'store_away', ms: 7_000 }]);
  });

  test('names the clock where that is what is wrong, though pulls are answered', async () => {
    const { time, pass, tail, told } = await scene();
    time.ahead = 31_000;
    for (let seconds = 0; seconds < 3; seconds += 1) {
      pass(1_000);
      await tail.catchUp();
    }
    assert.deepEqual(told, [{ type: 'clock_wrong' }, { type: 'log_stale', reason: 'clock_wrong' }]);
    time.ahead = 0;
    await tail.catchUp();
    assert.deepEqual(told.slice(2), [
      { type: 'clock_right' },
      { type: 'log_fresh', reason: 'clock_wrong', ms: 2_000 },
    ]);
  });

  test('names slow pulls where an answer comes too late to be of use', async () => {
    const { pass, tail, told, hold } = await scene();
    const { pulled, release } = hold();
    pass(6_000);
    release();
    await pulled;
    assert.deepEqual(told, [{ type: 'log_stale', reason: 'slow_pulls' }]);
    await tail.catchUp();
    assert.deepEqual(told.slice(1), [{ type: 'log_fresh', reason: 'slow_pulls', ms: 1_000 }]);
  });

  test('is noticed where no pull is answered at all, and not for the moment after a machine has slept', async () => {
    const { pass, tail, freshness, told, hold } = await scene();
    pass(3_600_000);
    freshness.look();
    await tail.catchUp();
    freshness.look();
    assert.deepEqual(told, []);
    const { pulled, release } = hold();
    for (let seconds = 0; seconds < 9; seconds += 1) {
      pass(1_000);
      freshness.look();
    }
    assert.deepEqual(told, [{ type: 'log_stale', reason: 'slow_pulls' }]);
    release();
    await pulled;
    await tail.catchUp();
    freshness.look();
    assert.deepEqual(told.slice(1), [{ type: 'log_fresh', reason: 'slow_pulls', ms: 4_000 }]);
  });
});
