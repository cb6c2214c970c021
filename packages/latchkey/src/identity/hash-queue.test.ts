import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { isFailure } from '../errors.ts';
import { type HashQueue, hashQueue } from './hash-queue.ts';

/** A queue whose jobs end when they are told to. */
class Bench {
  readonly queue: HashQueue;
  readonly begun: string[] = [];
  readonly refused: { readonly name: string; readonly retryAfter: number }[] = [];
  /** Milliseconds, by a clock that stands still. */
  time = 0;
  readonly #ends: (() => void)[] = [];

  constructor(options: { concurrency: number; waiting: number }) {
    this.queue = hashQueue({ ...options, clock: { monotonic: () => this.time } });
  }

  /** Adds a job that is called like its network and a number. */
  add(network: string, number = 0): void {
    const name = `${network}${number}`;
    const job = (): Promise<void> => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.push(resolve));
    };
    this.queue.run(network, job).catch((error: unknown) => {
      assert.ok(isFailure(error, 'LK_BUSY'));
      this.refused.push({ name, retryAfter: error.detail.retryAfter });
    });
  }

  /** Ends the job that has run for the longest, and lets the next begin. */
  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await turn();
  }

  async drain(): Promise<void> {
    await turn();
    while (this.#ends.length > 0) await this.endOne();
  }
}

describe('the queue', () => {
  test('runs so many at once and no more', async () => {
    const bench = new Bench({ concurrency: 2, waiting: 10 });
    for (let number = 0; number < 5; number += 1) bench.add('a', number);
    await turn();
    assert.deepEqual([bench.begun.length, bench.queue.running, bench.queue.depth], [2, 2, 3]);
    await bench.endOne();
    assert.deepEqual([bench.begun.length, bench.queue.running, bench.queue.depth], [3, 2, 2]);
    await bench.drain();
    assert.deepEqual([bench.begun.length, bench.queue.running, bench.queue.depth], [5, 0, 0]);
  });

  test('answers what the job answers, and goes on after one that fails', async () => {
    const queue = hashQueue({ concurrency: 1, waiting: 1, clock: { monotonic: () => 0 } });
    await assert.rejects(
      queue.run('a', () => Promise.reject(new RangeError('no'))),
      RangeError,
    );
    assert.equal(await queue.run('a', async () => 7), 7);
    assert.equal(queue.running, 0);
  });

  test('is bounded: who comes when it is full is refused at once and told when to come back (@incident D3)', async () => {
    const bench = new Bench({ concurrency: 1, waiting: 3 });
    for (let number = 0; number < 200; number += 1) bench.add('a', number);
    await turn();
    assert.equal(bench.queue.depth, 3);
    assert.equal(bench.refused.length, 196);
    assert.ok(bench.refused.every(({ retryAfter }) => retryAfter >= 1_000));
    await bench.drain();
    assert.deepEqual(bench.begun, ['a0', 'a1', 'a2', 'a3'], 'no refused job has begun');
  });

  test('gives each network its turn, however many jobs another has (@incident D3)', async () => {
    const bench = new Bench({ concurrency: 1, waiting: 10 });
    for (let number = 0; number < 5; number += 1) bench.add('a', number);
    bench.add('b');
    bench.add('c');
    await bench.drain();
    assert.deepEqual(bench.begun, ['a0', 'a1', 'b0', 'c0', 'a2', 'a3', 'a4']);
  });

  test('makes room for a newcomer at the cost of whoever waits most, last come first (@incident D3)', async () => {
    const bench = new Bench({ concurrency: 1, waiting: 4 });
    for (let number = 0; number < 5; number += 1) bench.add('a', number);
    bench.add('b');
    await turn();
    assert.deepEqual(
      bench.refused.map(({ name }) => name),
      ['a4'],
    );
    await bench.drain();
    assert.deepEqual(bench.begun, ['a0', 'a1', 'b0', 'a2', 'a3']);
  });

  test('refuses a newcomer where nobody waits with two more than it', async () => {
    const bench = new Bench({ concurrency: 1, waiting: 2 });
    bench.add('a');
    bench.add('b');
    bench.add('c');
    bench.add('d');
    await turn();
    assert.deepEqual(
      bench.refused.map(({ name }) => name),
      ['d0'],
    );
    await bench.drain();
  });

  test('sends away whoever has waited too long behind jobs that hang, and serves who came since (@fault F4)', async () => {
    const bench = new Bench({ concurrency: 1, waiting: 64 });
    for (let number = 0; number < 50; number += 1) bench.add('a', number);
    await turn();
    bench.time = 30_000;
    await bench.endOne();
    bench.add('b');
    bench.time = 30_001;
    await bench.endOne();
    assert.deepEqual(bench.begun, ['a0', 'a1', 'b0']);
    await bench.endOne();
    assert.equal(bench.refused.length, 48);
    assert.deepEqual([bench.queue.running, bench.queue.depth], [0, 0]);
  });
});
