import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure, isFailure } from '../../errors.ts';
import { ATTEMPTS, repeating } from './repeat.ts';

class Lost extends Error {}

const contest = {
  passes: (error: unknown) => error instanceof Lost,
  unavailable: (cause: unknown) => failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 }, { cause }),
};

/** Work that loses so often before it wins, sleeps that are written down, and how often it ran. */
function losing(times: number, error: Error = new Lost()) {
  const slept: number[] = [];
  let runs = 0;
  const answer = repeating(
    contest,
    async () => {
      runs += 1;
      if (runs <= times) throw error;
      return 'won';
    },
    async (pause) => void slept.push(pause),
  );
  return { answer, slept, runs: () => runs };
}

describe('work that loses against another', () => {
  test('runs again until it wins, after pauses that grow', async () => {
    const { answer, slept, runs } = losing(ATTEMPTS - 1);
    assert.equal(await answer, 'won');
    assert.equal(runs(), ATTEMPTS);
    for (const [index, pause] of slept.entries()) assert.ok(pause >= 0 && pause <= 10 * 2 ** index);
  });

  test('is given up in the end, as what passes by itself', async () => {
    const error = new Lost();
    const { answer, runs } = losing(ATTEMPTS, error);
    await assert.rejects(
      answer,
      (thrown: unknown) => isFailure(thrown, 'LK_STORE_UNAVAILABLE') && thrown.cause === error,
    );
    assert.equal(runs(), ATTEMPTS);
  });

  test('does not run again where it failed for another reason', async () => {
    const error = new Error('no');
    const { answer, slept, runs } = losing(1, error);
    await assert.rejects(answer, error);
    assert.deepEqual([runs(), slept], [1, []]);
  });
});
