import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFailure } from '../../errors.ts';
import { StoreRefused } from '../store.ts';
import { isBusy, refused, unavailable } from './sqlite-errors.ts';

const sqliteError = (errcode: number): Error => Object.assign(new Error('from SQLite'), { errcode });

describe('at run time', () => {
  const codes: readonly (readonly [string, number])[] = [
    ['busy', 5],
    ['busy while recovering', 261],
    ['locked', 6],
    ['out of memory', 7],
    ['read-only', 8],
    ['interrupted', 9],
    ['an error of the disk', 10],
    ['an error of fsync', 1034],
    ['damaged', 11],
    ['a full disk', 13],
    ['a file that cannot be opened', 14],
    ['a lock that failed', 15],
    ['no database', 26],
  ];
  for (const [title, code] of codes) {
    test(`${title} is LK_STORE_UNAVAILABLE with its cause`, () => {
      const cause = sqliteError(code);
      const error = unavailable(cause);
      assert.ok(isFailure(error, 'LK_STORE_UNAVAILABLE'));
      assert.deepEqual(error.detail, { retryAfter: 1_000 });
      assert.equal(error.cause, cause);
    });
  }

  const ours: readonly (readonly [string, unknown])[] = [
    ['an error in SQL', sqliteError(1)],
    ['a constraint', sqliteError(19)],
    ['a unique constraint', sqliteError(2067)],
    ['misuse', sqliteError(21)],
    ['an error that is not from SQLite', new TypeError('no')],
    ['what is no error', 'text'],
  ];
  for (const [title, error] of ours) {
    test(`${title} stays what it is`, () => assert.equal(unavailable(error), error));
  }
});

describe('while a file is opened', () => {
  for (const code of [8, 11, 14, 26]) {
    test(`result code ${code} is refused in one line that names the file`, () => {
      const error = refused(sqliteError(code), '"/data/a.db"');
      assert.ok(error instanceof StoreRefused);
      assert.match(error.message, /^"\/data\/a\.db" [^\n]+: [^\n]+$/);
    });
  }

  test('what may pass by itself is LK_STORE_UNAVAILABLE', () => {
    assert.ok(isFailure(refused(sqliteError(5), 'a'), 'LK_STORE_UNAVAILABLE'));
  });

  test('a refusal stays what it is', () => {
    const error = new StoreRefused('no');
    assert.equal(refused(error, 'a'), error);
  });
});

test('only a busy database is tried again', () => {
  assert.equal(isBusy(sqliteError(5)), true);
  assert.equal(isBusy(sqliteError(261)), true);
  assert.equal(isBusy(sqliteError(6)), false);
  assert.equal(isBusy(new Error('no')), false);
});
