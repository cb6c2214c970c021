import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readSnapshot } from './service.ts';
import { makeVectors, VECTORS } from './vectors.ts';

interface Vectors {
  readonly snapshot: { readonly hex: string; readonly slots: readonly unknown[] };
  readonly verdicts: readonly { readonly verdict: string }[];
}

describe('the vectors of docs/feed.md', () => {
  const written = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors;

  test('are what the code makes', async () => {
    assert.deepEqual(written, JSON.parse(JSON.stringify(await makeVectors())));
  });

  test('have a snapshot that another reader reads, and no part or continuation of which it does', () => {
    const bytes = Buffer.from(written.snapshot.hex, 'hex');
    assert.equal(readSnapshot(bytes).entries.length, written.snapshot.slots.length);
    assert.throws(() => readSnapshot(Buffer.concat([bytes, Buffer.alloc(1)])));
    for (let length = 0; length < bytes.length; length += 1)
      assert.throws(() => readSnapshot(bytes.subarray(0, length)));
  });

  test('have every verdict', () => {
    const verdicts = new Set(written.verdicts.map(({ verdict }) => verdict));
    assert.deepEqual(verdicts, new Set(['good', 'revoked', 'stale', 'unknown']));
  });
});
