import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Leaf } from '@latchkey/verify';
import { randomBytes } from '../foundation/random.ts';
import { HashedSlots } from './hashed-slots.ts';

/** What a number is for: a subject, and a position and an expiry by which it is recognised. */
function addAll(hashed: HashedSlots, subjects: readonly Buffer[]): void {
  for (let from = 0; from < subjects.length; from += 100) {
    const part = subjects.slice(from, from + 100);
    const words = new Uint32Array(part.flatMap((bytes) => [0, 4, 8, 12].map((at) => bytes.readUInt32BE(at))));
    const leaf = new Leaf(part.length);
    leaf.count = part.length;
    leaf.seqs.set(part.map((_, index) => from + index));
    leaf.expiries.set(part.map((_, index) => 2 * (from + index)));
    hashed.add(words, leaf);
  }
}

function drained(hashed: HashedSlots) {
  const rows: { readonly subject: string; readonly seq: number; readonly expiresAt: number }[] = [];
  const steps: number[] = [];
  for (const { leaf, order } of hashed.drain()) {
    steps.push(order.length);
    for (const row of order) {
      const subject = [...leaf.subjects.subarray(4 * row, 4 * row + 4)]
        .map((word) => word.toString(16).padStart(8, '0'))
        .join('');
      rows.push({ subject, seq: leaf.seqs[row] ?? -1, expiresAt: leaf.expiries[row] ?? -1 });
    }
  }
  return { rows, steps };
}

describe('hashed slots', () => {
  const digests = (count: number): Buffer[] => Array.from({ length: count }, () => randomBytes(16));
  const alike = (count: number, first: string): Buffer[] =>
    Array.from({ length: count }, () => Buffer.concat([Buffer.from(first, 'hex'), randomBytes(16)], 16));

  for (const [what, expected, subjects] of [
    ['none', 0, []],
    ['some where none were expected', 0, digests(3_000)],
    ['a few', 5, digests(5)],
    ['many', 50_000, digests(50_000)],
    ['fewer than were expected', 100_000, digests(100)],
    ['more than were expected', 4_000, digests(40_000)],
    ['those that begin with the same bits', 20_000, alike(5_000, '1f')],
    ['those that begin with the same word', 20_000, alike(500, 'ffffffff')],
    ['those that differ in the last word alone', 20_000, alike(500, '000000000000000000000000')],
    ['the least and the greatest', 10_000, [Buffer.alloc(16, 255), Buffer.alloc(16), ...digests(10)]],
  ] as const) {
    test(`hands over ${what}, in the order of the subjects, each with its own numbers`, () => {
      const hashed = new HashedSlots(expected);
      addAll(hashed, subjects);
      assert.equal(hashed.size, subjects.length);
      const right = subjects
        .map((bytes, index) => ({ subject: bytes.toString('hex'), seq: index, expiresAt: 2 * index }))
        .toSorted((one, other) => (one.subject < other.subject ? -1 : 1));
      assert.deepEqual(drained(hashed).rows, right);
    });
  }

  test('sorts no more than a few thousand in one step, however many there are', () => {
    const hashed = new HashedSlots(200_000);
    addAll(hashed, digests(200_000));
    const { steps } = drained(hashed);
    assert.ok(Math.max(...steps) <= 2_500, String(Math.max(...steps)));
  });
});
