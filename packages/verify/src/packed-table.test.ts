import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NO_ROW, PackedTable } from './packed-table.ts';

const TAIL = 'the tail';
/** Keys that differ in their last characters, and keys that all belong at one place. */
const KEYS = Array.from('abcdefghijklmnop').flatMap((letter) => [`${letter}${TAIL}`, `- - - - ${letter}`]);

function tableOf(rows: number) {
  const table = new PackedTable({ keyLength: 9, columns: 2, rows });
  const read = (key: string): number | null => {
    const row = table.find(key);
    return row === NO_ROW ? null : table.get(row, 1);
  };
  const write = (key: string, value: number): void => table.set(table.take(key), 1, value);
  const drop = (key: string): void => {
    const row = table.find(key);
    if (row !== NO_ROW) table.drop(row);
  };
  return { table, read, write, drop };
}

describe('the packed table', () => {
  const steps = fc.array(
    fc.record({ key: fc.constantFrom(...KEYS), does: fc.constantFrom('write', 'write', 'drop') }),
    { maxLength: 400 },
  );

  test('is a map while there is room', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { table, read, write, drop } = tableOf(KEYS.length);
        const model = new Map<string, number>();
        for (const [value, { key, does }] of all.entries()) {
          if (does === 'write') {
            write(key, value);
            model.set(key, value);
          } else {
            drop(key);
            model.delete(key);
          }
          for (const each of KEYS) assert.equal(read(each), model.get(each) ?? null);
          assert.equal(table.size, model.size);
        }
      }),
    );
  });

  test('lets go of some where there is no room, and answers no key what is of another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), steps, (rows, all) => {
        const { table, read, write, drop } = tableOf(rows);
        const model = new Map<string, number>();
        for (const [value, { key, does }] of all.entries()) {
          const before = table.size;
          const isNew = read(key) === null;
          if (does === 'write') {
            write(key, value);
            model.set(key, value);
            assert.equal(read(key), value);
            assert.equal(table.size, Math.min(rows, before + (isNew ? 1 : 0)));
          } else {
            drop(key);
            model.delete(key);
            assert.equal(read(key), null);
          }
          const found = KEYS.filter((each) => read(each) !== null);
          for (const each of found) assert.equal(read(each), model.get(each));
          assert.equal(found.length, table.size);
        }
      }),
    );
  });

  test('lets the oldest go first', () => {
    const { read, write } = tableOf(10);
    for (const [value, key] of KEYS.entries()) write(key, value);
    assert.deepEqual(
      KEYS.filter((key) => read(key) !== null),
      KEYS.slice(-10),
    );
  });

  test('passes once by what was taken again, and by what stands in a row that was freed', () => {
    const { read, write, drop } = tableOf(4);
    const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = ''] = KEYS;
    for (const key of [a, b, c, d]) write(key, 0);
    write(a, 1);
    drop(b);
    write(e, 1);
    const left = (): string[] => [a, b, c, d, e, f, g, h].filter((key) => read(key) !== null);
    write(f, 1);
    assert.deepEqual(left(), [a, d, e, f], 'the oldest that is not new again is c');
    write(g, 1);
    assert.deepEqual(left(), [a, e, f, g]);
    write(h, 1);
    assert.deepEqual(left(), [e, f, g, h], 'a had its turn');
  });

  test('gives a new key a row of zeros, whatever stood there', () => {
    const { table, write, drop } = tableOf(1);
    const [a = '', b = '', c = ''] = KEYS;
    write(a, 7);
    drop(a);
    assert.equal(table.get(table.take(b), 1), 0);
    write(b, 7);
    assert.equal(table.get(table.take(c), 1), 0);
  });

  test('holds many, and finds each', () => {
    const { table, read, write } = tableOf(5_000);
    const names = Array.from({ length: 5_000 }, (_, number) => String(number).padStart(9, 'x'));
    for (const [value, name] of names.entries()) write(name, value);
    assert.equal(table.size, 5_000);
    for (const [value, name] of names.entries()) assert.equal(read(name), value);
  });

  test('refuses a key of another length, and finds none', () => {
    const { table } = tableOf(3);
    assert.throws(() => table.take('short'), TypeError);
    table.take(KEYS[0] ?? '');
    assert.equal(table.find(TAIL), NO_ROW);
  });
});
