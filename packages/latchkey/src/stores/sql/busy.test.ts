import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUSY_TIMEOUT, whileBusy } from './busy.ts';

const busy = (): Error => Object.assign(new Error('database is locked'), { errcode: 5 });

/** Sleeps that pass at once, and are written down. */
function sleeps(): { readonly slept: number[]; readonly sleep: (pause: number) => Promise<void> } {
  const slept: number[] = [];
  return { slept, sleep: async (pause) => void slept.push(pause) };
}

test('work is repeated until the database is no longer busy', async () => {
  const { slept, sleep } = sleeps();
  let calls = 0;
  const answer = await whileBusy(() => {
    calls += 1;
    if (calls < 4) throw busy();
    return calls;
  }, sleep);
  assert.equal(answer, 4);
  assert.deepEqual(slept, [1, 2, 4]);
});

test('a database that stays busy is given up after the limit, with its own error', async () => {
  const { slept, sleep } = sleeps();
  const error = busy();
  const work = whileBusy(() => {
    throw error;
  }, sleep);
  await assert.rejects(work, error);
  const waited = slept.reduce((sum, pause) => sum + pause, 0);
  assert.ok(waited >= BUSY_TIMEOUT && waited < BUSY_TIMEOUT + 100);
});

test('any other error is not waited for', async () => {
  const { slept, sleep } = sleeps();
  const error = new Error('no such table');
  const work = whileBusy(() => {
    throw error;
  }, sleep);
  await assert.rejects(work, error);
  assert.deepEqual(slept, []);
});
