import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Cursor } from '@latchkey/verify';
import { type MadeSnapshot, Snapshots } from './snapshots.ts';

const at = (seq: number): Cursor => ({ epoch: 'epoch', seq, tag: seq });
const always = (): boolean => true;

/** Snapshots of a log whose head a test moves, and which it may hold back. */
function scene() {
  const now = { millis: 1_000, head: 1, made: 0 };
  let held: Promise<void> | null = null;
  const make = async (): Promise<MadeSnapshot> => {
    now.made += 1;
    const of = at(now.head);
    await held;
    return { of, parts: [Buffer.alloc(10), Buffer.alloc(200_000, now.made)] };
  };
  const snapshots = new Snapshots({ now: () => 0, monotonic: () => now.millis }, make);
  const hold = () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    held = promise;
    return {
      go: () => {
        held = null;
        resolve();
      },
      fail: () => {
        held = null;
        reject(new Error('away'));
      },
    };
  };
  return { now, snapshots, hold };
}

describe('snapshots of the feed', () => {
  test('are made once for all who ask while one is made, wherever the log is by then', async () => {
    const { now, snapshots, hold } = scene();
    const { go } = hold();
    const asked = [1, 2, 3].map((head) => {
      now.head = head;
      return snapshots.get(at(head), always);
    });
    go();
    const [first, ...others] = await Promise.all(asked);
    assert.equal(now.made, 1);
    assert.ok(first !== undefined);
    assert.deepEqual(first.of, at(1));
    assert.equal(first.length, 200_010);
    for (const other of others) assert.equal(other, first);
  });

  test('are asked for in vain by all where it fails, and made anew for the next', async () => {
    const { now, snapshots, hold } = scene();
    const { fail } = hold();
    const asked = [snapshots.get(at(1), always), snapshots.get(at(1), always)];
    fail();
    for (const each of asked) await assert.rejects(each);
    assert.deepEqual((await snapshots.get(at(1), always)).of, at(1));
    assert.equal(now.made, 2);
  });

  test('are good for five seconds, for a minute where nothing came, and only where they serve', async () => {
    const { now, snapshots } = scene();
    const steps: readonly (readonly [millis: number, head: number, serves: boolean, made: number])[] = [
      [0, 1, true, 1],
      [4_999, 2, true, 1],
      [5_000, 1, true, 1],
      [59_999, 1, true, 1],
      [59_999, 2, true, 2],
      [60_000, 2, false, 3],
      [119_999, 2, true, 3],
      [120_000, 2, true, 4],
    ];
    for (const [millis, head, serves, made] of steps) {
      now.millis = 1_000 + millis;
      now.head = head;
      await snapshots.get(at(head), () => serves);
      assert.equal(now.made, made, `${millis}`);
    }
  });

  test('that are on their way are six at the most: who reads the oldest is cut, and nobody else', async () => {
    const { now, snapshots } = scene();
    const cut: string[] = [];
    const readers: ReadableStreamDefaultReader<Uint8Array>[] = [];
    const begin = async (name: string, cuts: boolean): Promise<void> => {
      const snapshot = await snapshots.get(at(now.head), always);
      readers.push(snapshots.download(name, snapshot, cuts ? () => cut.push(name) : null).getReader());
    };
    for (now.head = 1; now.head <= 6; now.head += 1) {
      now.millis += 5_000;
      await begin(`${now.head}`, now.head > 1);
      if (now.head === 1) await begin('first', true);
    }
    assert.deepEqual(cut, []);
    // Two of the first one, of which only one has a connection that can be cut.
    now.millis += 5_000;
    await begin('7', true);
    assert.deepEqual(cut, ['first']);
    await assert.rejects(readers[0]?.read() ?? Promise.resolve());
    // Whoever has read it all, or gone, keeps nothing.
    let bytes = 0;
    for (;;) {
      const { done, value } = (await readers[2]?.read()) ?? { done: true, value: undefined };
      if (done) break;
      bytes += value.length;
    }
    assert.equal(bytes, 200_010);
    now.head = 8;
    now.millis += 5_000;
    await begin('8', true);
    assert.deepEqual(cut, ['first']);
    now.head = 9;
    now.millis += 5_000;
    await begin('9', true);
    assert.deepEqual(cut, ['first', '3']);
    for (const reader of readers.slice(1)) await reader.cancel();
  });

  test('are handed to 256 at once at the most, whoever they are, and who is done makes room once', async () => {
    const { snapshots } = scene();
    const snapshot = await snapshots.get(at(1), always);
    const begin = (nr: number): ReadableStream<Uint8Array> =>
      snapshots.download(`client-${nr % 8}`, snapshot, null);
    const streams = Array.from({ length: 256 }, (_, nr) => begin(nr));
    assert.throws(() => begin(0), { code: 'LK_BUSY' });
    const reader = streams.pop()?.getReader();
    for (let isDone = false; !isDone; ) isDone = (await reader?.read())?.done ?? true;
    await reader?.cancel();
    streams.push(begin(0));
    assert.throws(() => begin(0), { code: 'LK_BUSY' });
    for (const stream of streams) await stream.cancel();
  });

  test('are cut off after a minute: for so long at the most a reader keeps one in memory', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { snapshots } = scene();
    const snapshot = await snapshots.get(at(1), always);
    const cut: string[] = [];
    const begin = (name: string): ReadableStream<Uint8Array> =>
      snapshots.download('orders', snapshot, () => cut.push(name));
    const slow = begin('slow');
    await begin('gone').cancel();
    t.mock.timers.tick(30_000);
    const others = Array.from({ length: 63 }, () => begin('other'));
    t.mock.timers.tick(29_999);
    assert.deepEqual(cut, []);
    t.mock.timers.tick(1);
    assert.deepEqual(cut, ['slow']);
    // As a host does whose connection has ended: it is counted no second time.
    await slow.cancel();
    others.push(begin('other'));
    assert.throws(() => begin('other'), { code: 'LK_THROTTLED' });
    for (const stream of others) await stream.cancel();
  });

  test('that were cut are counted no more', async () => {
    const { snapshots } = scene();
    const snapshot = await snapshots.get(at(1), always);
    for (let turn = 0; turn < 3; turn += 1) {
      const streams = Array.from({ length: 64 }, () => snapshots.download('orders', snapshot, null));
      assert.throws(() => snapshots.download('orders', snapshot, null), { code: 'LK_THROTTLED' });
      for (const stream of streams) await stream.cancel();
    }
  });
});
