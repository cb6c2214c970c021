import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFailure } from '../errors.ts';
import { type PasswordOwnerWords, passwordRules } from './password-rules.ts';

const RULES = passwordRules({ length: 15, contextWords: ['latchkey', 'acme'] });
const NOBODY: PasswordOwnerWords = { email: 'q@example.org', name: null };

function refusalOf(password: string, owner = NOBODY, rules = RULES): string {
  try {
    rules.check(password, owner);
  } catch (error) {
    if (isFailure(error, 'LK_PASSWORD_REFUSED')) {
      assert.match(error.detail.message, /^(Use|This) .*\.$/, 'it says what to do');
      return error.detail.reason;
    }
    assert.ok(isFailure(error), String(error));
    return error.code;
  }
  return 'accepted';
}

describe('length', () => {
  const LETTERS = Array.from('zqxvkjwmpfybdlt');

  test('is counted in code points, at 15 and at 8 (@asvs 6.2.1, @nist 3.1.1.2(1))', () => {
    for (const length of [8, 15]) {
      const rules = passwordRules({ length, contextWords: [] });
      assert.equal(refusalOf(LETTERS.slice(0, length).join(''), NOBODY, rules), 'accepted');
      assert.equal(refusalOf(LETTERS.slice(0, length - 1).join(''), NOBODY, rules), 'too_short');
    }
  });

  test('counts an emoji once, whatever it takes in UTF-16 (@asvs 6.2.1, @nist 3.1.1.2(4))', () => {
    const emoji = Array.from('🦊🐙🦉🐝🦀🐳🦔🐌🦚🐢🦜🐘🦩🐿🦥');
    assert.equal(emoji.length, 15);
    assert.equal(refusalOf(emoji.slice(0, 14).join('')), 'too_short');
    assert.equal(refusalOf(emoji.join('')), 'accepted');
  });

  test('may be 64 and more, of one byte or of four (@asvs 6.2.9, @nist 3.1.1.2(2))', () => {
    const ascii = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(33 + ((index * 37) % 90)));
    const wide = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(0x1f400 + ((index * 7) % 63)));
    assert.equal(refusalOf(ascii.join('')), 'accepted');
    assert.equal(refusalOf(wide.join('')), 'accepted');
  });

  test('is at most 1,024 bytes, counted before and after it is normalised', () => {
    const longest = 'lantern orchid gravel '.repeat(47).slice(0, 1_024);
    assert.equal(refusalOf(longest), 'accepted');
    assert.equal(refusalOf(`${longest}x`), 'too_long');
    assert.equal(refusalOf('x'.repeat(60_000)), 'too_long');
  });

  test('allows what is short enough once it is composed, however it was typed', () => {
    // The densest letters there are: two bytes composed, three units taken apart.
    const composed = 'ǖǘǚǜǟǡǭȫȭȱ'.repeat(51);
    assert.ok(Buffer.byteLength(composed) <= 1_024);
    assert.equal(RULES.normalise(composed.normalize('NFD')), composed);
  });

  test('never has an NFC within the limit where it is too long to be normalised', () => {
    let worst = 0;
    for (let point = 0; point < 0x110000; point += 1) {
      if (point >= 0xd800 && point < 0xe000) continue;
      const letter = String.fromCodePoint(point);
      if (letter.normalize('NFC') !== letter) continue;
      worst = Math.max(worst, letter.normalize('NFD').length / Buffer.byteLength(letter));
    }
    assert.equal(worst, 1.5);
  });
});

describe('composition', () => {
  for (const password of [
    'zqxvkjwmpfybdlt',
    'seven green bicycles',
    '583920174625830',
    'ZQXVKJWMPFYBDLT',
    '          lantern orchid',
    'Ωμέγα καράβι ψωμί',
    'the password inside a long phrase',
    'my monkey counts to 123456 slowly',
  ]) {
    test(`is free: ${password} (@asvs 6.2.5, @nist 3.1.1.2(5))`, () => {
      assert.equal(refusalOf(password), 'accepted');
    });
  }
});

describe('words that anyone would try here', () => {
  const REFUSED: readonly [password: string, reason: string][] = [
    ['acmeacmeacme2026', 'context'],
    ['ACME acme Acme 2026!', 'context'],
    ['latchkey-acme-2026', 'context'],
    ['acm3acm3acm3acm3', 'context'],
    ['@cme.@cme.@cme.@cme', 'context'],
    ['2026latchkeyacme', 'context'],
    ['acme password acme', 'context'],
  ];
  for (const [password, reason] of REFUSED) {
    test(`are not enough for a password: ${password} (@asvs 6.1.2, @asvs 6.2.11)`, () => {
      assert.equal(refusalOf(password), reason);
    });
  }

  test('may stand among others', () => {
    assert.equal(refusalOf('acme lantern orchid'), 'accepted');
  });

  test('are those of the configuration', () => {
    assert.equal(
      refusalOf('acmeacmeacme2026', NOBODY, passwordRules({ length: 15, contextWords: [] })),
      'accepted',
    );
  });
});

describe('words about its owner', () => {
  const ADA = { email: 'ada.lovelace@analytical.example', name: 'Ada Augusta King' };
  for (const password of [
    'ada.lovelace.1815',
    'adaaugustaking42',
    'AdaLovelace!AdaLovelace',
    'l0vel4ce l0vel4ce',
    'lovelaceanalytical',
    'adalovelaceacme1',
    'adalovelacepassword',
  ]) {
    test(`are not enough for a password: ${password} (@nist 3.1.1.2)`, () => {
      assert.equal(refusalOf(password, ADA), 'personal');
      assert.equal(refusalOf(password, { email: 'q@example.org', name: null }), 'accepted');
    });
  }

  test('of few letters count for nothing, since most texts can be spelled by them', () => {
    assert.equal(refusalOf('ab cd ab ef ab cd ef', { email: 'ab@cd.ef', name: 'A B' }), 'accepted');
  });
});

describe('normalisation', () => {
  test('is NFC and nothing else (@nist 3.1.1.2, @asvs 6.2.8)', () => {
    assert.equal(RULES.normalise('cafe\u0301'), 'caf\u00e9');
    for (const kept of ['Abc', ' a ', 'a\0b', 'ﬁ', 'Ａ', 'ß', 'a\u200db', 'x'.repeat(5_000)]) {
      assert.equal(RULES.normalise(kept), kept);
    }
  });

  test('refuses half a character, by which two passwords would be one', () => {
    assert.equal(refusalOf('lantern orchid \ud800'), 'LK_REQUEST_INVALID');
  });
});

test('a password that is tried first is refused, with that as its reason (@asvs 6.2.4, @nist 3.1.1.2)', () => {
  const rules = passwordRules({ length: 15, contextWords: ['acme'] });
  const owner = { email: 'ada@example.com', name: null };
  for (const [password, reason] of [
    ['correct horse battery staple', 'common'],
    ['dr4g0n123456789', 'common'],
    ['@cm3@cm3@cm32026', 'context'],
  ] as const) {
    assert.throws(
      () => rules.check(password, owner),
      (error) => isFailure(error, 'LK_PASSWORD_REFUSED') && error.detail.reason === reason,
      password,
    );
  }
});
