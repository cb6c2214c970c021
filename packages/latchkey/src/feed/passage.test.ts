import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '@latchkey/verify';
import type { TaggedPull } from '../revocation/revocation-log.ts';
import { Passage } from './passage.ts';

const NOW = 1_700_000_000_000;

function entryAt(seq: number, expiresAt = NOW + 1_000): Entry {
  return { seq, kind: 'revoke', scope: 'session', subject: 'A'.repeat(22), expiresAt };
}

/** Entries at these positions, each with a tag of ten times as much. */
function pullOf(seqs: readonly number[], change: Partial<TaggedPull> = {}): TaggedPull {
  const head = seqs.at(-1) ?? 0;
  return {
    epoch: 'one',
    epochStart: 0,
    head,
    tag: head * 10,
    now: NOW,
    age: 0,
    maxStaleness: 5_000,
    whole: false,
    entries: seqs.map((seq) => entryAt(seq)),
    tags: seqs.map((seq) => seq * 10),
    ...change,
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const at = (seq: number, tag = seq * 10, epoch = 'one') => ({ epoch, seq, tag });

describe('the last entries of the log', () => {
  test('know a cursor by the tag that stands at its position, and no other (@rule R8)', () => {
    const passage = new Passage();
    assert.equal(passage.isKnown(at(0)), false, 'before the first pull');
    passage.read(pullOf([3, 5], { whole: true, head: 7, tag: 70 }));
    passage.read(pullOf([8, 9]));
    for (const seq of [3, 5, 7, 8, 9]) assert.equal(passage.isKnown(at(seq)), true, String(seq));
    for (const cursor of [at(4), at(6), at(10), at(9, 91), at(8, 0), at(7, 71), at(9, 90, 'two'), at(0)])
      assert.equal(passage.isKnown(cursor), false, JSON.stringify(cursor));
  });

  test('answer what came after, without what has expired since', () => {
    const passage = new Passage();
    passage.read(pullOf([1, 2, 3], { whole: true }));
    passage.read(pullOf([4, 5], { entries: [entryAt(4, NOW - 1), entryAt(5)] }));
    const after = (seq: number) => passage.after(seq, NOW, (entry) => `<${entry.seq}>`);
    assert.deepEqual(after(2), [
      { seq: 3, text: '<3>' },
      { seq: 5, text: '<5>' },
    ]);
    assert.deepEqual(after(5), []);
    assert.equal(passage.countAfter(2), 3);
  });

  test('write each entry once, however many ask', () => {
    const passage = new Passage();
    passage.read(pullOf([1, 2], { whole: true }));
    let written = 0;
    const write = (entry: Entry): string => {
      written += 1;
      return String(entry.seq);
    };
    for (let asked = 0; asked < 10; asked += 1) passage.after(0, NOW, write);
    assert.equal(written, 2);
  });

  test('do not grow without end, and know nothing of what they forgot', () => {
    const passage = new Passage();
    passage.read(pullOf(range(1, 20_000), { whole: true }));
    assert.equal(passage.isKnown(at(3_616)), false);
    assert.equal(passage.isKnown(at(3_617)), true);
    for (let head = 20_000; head < 80_000; head += 1_000) passage.read(pullOf(range(head + 1, head + 1_000)));
    assert.ok(passage.countAfter(0) <= 2 * 16_384);
    assert.equal(passage.isKnown(at(20_001)), false);
    assert.equal(passage.isKnown(at(79_999)), true);
  });

  test('do not know the place where they began once what came right after it is forgotten', () => {
    const passage = new Passage();
    passage.read(pullOf([1], { whole: true }));
    passage.read(pullOf(range(2, 10_000)));
    assert.equal(passage.isKnown(at(1)), true);
    for (let head = 10_000; head < 80_000; head += 1_000) passage.read(pullOf(range(head + 1, head + 1_000)));
    assert.equal(passage.isKnown(at(1)), false, 'whoever stands there would pass by what it never heard');
  });

  test('begin anew with the whole, and take nothing twice', () => {
    const passage = new Passage();
    passage.read(pullOf([1, 2, 3], { whole: true }));
    passage.read(pullOf([3, 4]));
    assert.equal(passage.countAfter(0), 4);
    passage.read(pullOf([9], { whole: true, epoch: 'two' }));
    assert.equal(passage.isKnown(at(4)), false);
    assert.equal(passage.isKnown(at(9, 90, 'two')), true);
    assert.equal(passage.countAfter(0), 1);
  });
});
