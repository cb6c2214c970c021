import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '@latchkey/verify';
import { sampleEntry } from '../stores/conformance/samples.ts';
import { RecentEntries } from './recent-entries.ts';

const entry = (seq: number): Entry => ({ ...sampleEntry(), seq });

test('entries are remembered for thirty seconds, each once, oldest first (@rule R8)', () => {
  const recent = new RecentEntries();
  recent.add([entry(1), entry(2)], 0);
  recent.add([entry(2), entry(3)], 10_000);
  const seqs = (): readonly number[] => recent.all.map(({ seq }) => seq);
  assert.deepEqual(seqs(), [1, 2, 3]);
  recent.forgetOld(30_000);
  assert.deepEqual(seqs(), [1, 2, 3]);
  recent.forgetOld(30_001);
  assert.deepEqual(seqs(), [3]);
});

test('no more are remembered than memory is meant for, and the oldest go first', () => {
  const recent = new RecentEntries();
  const many = Array.from({ length: 20_010 }, (_, index) => entry(index));
  recent.add(many, 0);
  assert.equal(recent.all.length, 20_000);
  assert.equal(recent.all[0]?.seq, 10);
});
