import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findId, idBytes, idFromBytes, newId, sortIds, subjectOf } from './ids.ts';

describe('ids', () => {
  test('are sorted by their bytes, as databases do it, and not by their texts', () => {
    // The highest byte first: '-' and '_' stand for 62 and 63, and are texts before and amid the letters.
    const ids = ['AAAA', 'aAAA', '0AAA', '9AAA', '-AAA', '_AAA'].map((start) => start.padEnd(22, 'A'));
    assert.deepEqual(sortIds(ids.toReversed()), ids);
    assert.notDeepEqual(ids.toSorted(), ids);
  });

  test('are UUIDv7 with the time in front and no two alike (RFC 9562 §5.7)', () => {
    const now = 1_700_000_000_123;
    const ids = Array.from({ length: 1_000 }, () => newId(now));
    assert.equal(new Set(ids).size, 1_000);
    for (const id of ids) {
      const bytes = idBytes(id);
      assert.equal(bytes.length, 16);
      assert.equal(bytes.readUIntBE(0, 6), now);
      assert.equal((bytes[6] ?? 0) >> 4, 7);
      assert.equal((bytes[8] ?? 0) >> 6, 2);
      assert.equal(findId(id), id);
      assert.equal(idFromBytes(bytes), id);
    }
  });

  test('are ordered by time in the store', () => {
    const [early, late] = [idBytes(newId(1_000)), idBytes(newId(1_001))];
    assert.ok(Buffer.compare(early, late) < 0);
  });

  test('have one spelling (@asvs 7.2.3)', () => {
    const id = newId(0);
    const last = id.at(-1) ?? '';
    assert.match(last, /[AQgw]/);
    const next = { A: 'B', Q: 'R', g: 'h', w: 'x' }[last] ?? '';
    assert.equal(Buffer.from(`${id.slice(0, -1)}${next}`, 'base64url').compare(idBytes(id)), 0);
    for (const text of [
      `${id.slice(0, -1)}${next}`,
      `${id}=`,
      `${id}==`,
      ` ${id}`,
      `${id}\n`,
      id.slice(1),
      `${id}A`,
      '',
      `${'+'.repeat(21)}A`,
      `${'/'.repeat(21)}A`,
    ]) {
      assert.equal(findId(text), null, JSON.stringify(text));
    }
  });

  test('of a name are the same each time, and differ by kind and name', () => {
    const subjects = [subjectOf('client', 'web'), subjectOf('client', 'ios'), subjectOf('address', 'web')];
    assert.equal(new Set(subjects).size, 3);
    assert.equal(subjectOf('client', 'web'), subjects[0]);
    for (const subject of subjects) assert.equal(idBytes(subject).length, 16);
  });
});
