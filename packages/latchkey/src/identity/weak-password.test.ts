import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COMMON_PASSWORDS } from './common-passwords.ts';
import { consistsOf, isCommon } from './weak-password.ts';

/** An entry as somebody makes it long enough: again, with spaces, with digits, in capitals. */
const DISGUISES: readonly [what: string, disguise: (entry: string) => string][] = [
  ['as it is', (entry) => entry],
  ['in capitals', (entry) => entry.toUpperCase()],
  [
    'again and again, the last cut short',
    (entry) => entry.repeat(16).slice(0, Math.max(15, entry.length * 2)),
  ],
  ['three times with spaces', (entry) => `${entry} ${entry} ${entry}`],
];

describe('the blocklist', () => {
  test('has more than 3,000 entries, in lower case and NFC, without the signs that are ignored (@asvs 6.2.4)', () => {
    assert.ok(COMMON_PASSWORDS.size >= 3_000);
    for (const entry of COMMON_PASSWORDS) {
      assert.equal(entry, entry.toLowerCase().normalize('NFC'));
      assert.doesNotMatch(entry, /[\s._-]/);
    }
  });

  for (const [what, disguise] of DISGUISES) {
    test(`refuses each of its entries, ${what} (@asvs 6.2.4, @asvs 6.2.12)`, () => {
      const missed = [...COMMON_PASSWORDS].map(disguise).filter((password) => !isCommon(password));
      assert.deepEqual(missed, []);
    });
  }

  test('refuses each of its words with a year, a sign and letters as digits', () => {
    const words = [...COMMON_PASSWORDS].filter((entry) => /^[a-z]+$/.test(entry));
    assert.ok(words.length > 2_000);
    const missed = words.filter((word) => !isCommon(`${word}2026!`) || !isCommon(`#1${word}`));
    assert.deepEqual(missed, []);
  });
});

describe('what is tried first', () => {
  for (const password of [
    'passwordpassword',
    'passwordpasswor',
    'P@ssw0rd P@ssw0rd',
    'pa55word.pa55word',
    'january2026january2026',
    'correct horse battery staple',
    'aaaaaaaaaaaaaaa',
    'abababababababa',
    '               ',
    '...............',
    '123456789012345',
    '098765432109876',
    'qwertyuiopasdfg',
    'poiuytrewqpoiuy',
    '1qaz2wsx3edc4rfv',
    'abcdefghijklmno',
    'asdasdasdasdasd',
    'letmeinletmein1',
    'dr4g0n123456789',
    'm0nk3y1234567890',
    'l1v3rp00l2024!!',
    'p@ssw0rd1234567',
  ]) {
    test(`is common: ${JSON.stringify(password)}`, () => assert.equal(isCommon(password), true));
  }

  for (const password of [
    'the password inside a long phrase',
    'lantern orchid gravel seven',
    'zqxvkjwmpfybdlt',
    '583920174625830',
    'password lantern password',
  ]) {
    test(`is not: ${password}, which holds an entry at the most (@nist 3.1.1.2)`, () => {
      assert.equal(isCommon(password), false);
    });
  }
});

test('words are found however often and in whatever order they stand, and only if nothing else is left', () => {
  assert.equal(consistsOf('acme2026ACME', ['acme']), true);
  assert.equal(consistsOf('foo-bar-foo', ['foo', 'bar']), true);
  assert.equal(consistsOf('foobarbaz', ['foo', 'bar']), false);
  // Whoever takes the longest word first finds no way through.
  assert.equal(consistsOf('acmecorp', ['acmec', 'acme', 'corp']), true);
  assert.equal(consistsOf('2026', ['acme']), false, 'nothing is left of digits, and they are no word');
  assert.equal(consistsOf('李小龍李小龍2026', ['李小龍']), true);
});
