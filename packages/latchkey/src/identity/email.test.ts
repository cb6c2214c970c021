import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isFailure } from '../errors.ts';
import { parseEmail } from './email.ts';

function reasonFor(text: string): string {
  try {
    parseEmail(text);
  } catch (error) {
    assert.ok(isFailure(error, 'LK_REQUEST_INVALID'), `not a refusal but ${String(error)}`);
    assert.deepEqual(
      error.detail.errors.map(({ field }) => field),
      ['email'],
    );
    return error.detail.errors[0]?.reason ?? '';
  }
  assert.fail(`accepted ${JSON.stringify(text)}`);
}

describe('an address that is accepted', () => {
  const ACCEPTED: readonly [typed: string, key: string][] = [
    ['ada@example.com', 'ada@example.com'],
    ['Ada.Lovelace@Example.COM', 'ada.lovelace@example.com'],
    ['ada+latchkey@mail.example.com', 'ada+latchkey@mail.example.com'],
    ["o'brien@example.com", "o'brien@example.com"],
    ['a@b.co', 'a@b.co'],
    ['{x}_#$&*/=?^~@example.com', '{x}_#$&*/=?^~@example.com'],
    ['1@1.example', '1@1.example'],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@Bücher.example', 'ada@xn--bcher-kva.example'],
    ['ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
    ['ada@XN--BCHER-KVA.example', 'ada@xn--bcher-kva.example'],
    ['ada@xn--fa-hia.example', 'ada@xn--fa-hia.example'],
    ['ada@中国.example', 'ada@xn--fiqs8s.example'],
    ['zoë@example.com', 'zoë@example.com'],
    ['Zoë@example.com', 'zoë@example.com'],
    ['иван@пример.example', 'иван@xn--e1afmkfd.example'],
    ['山田@example.com', '山田@example.com'],
    ['देवी@example.com', 'देवी@example.com'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
    [`a@${'b'.repeat(63)}.example`, `a@${'b'.repeat(63)}.example`],
  ];
  for (const [typed, key] of ACCEPTED) {
    test(`is mailed as typed and compared as ${key}: ${typed}`, () => {
      assert.deepEqual(parseEmail(typed), { email: typed, key });
    });
  }

  test('has 254 bytes at most', () => {
    const domain = `${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(61)}.example`;
    const longest = `${'a'.repeat(254 - 1 - domain.length)}@${domain}`;
    assert.equal(parseEmail(longest).email, longest);
    assert.match(reasonFor(`a${longest}`), /254/);
  });

  test('has 254 bytes at most with its domain in ASCII too', () => {
    const address = (labels: number): string => `ada@${'ü.'.repeat(labels)}example`;
    assert.equal(Buffer.byteLength(parseEmail(address(30)).key), 251);
    assert.ok(Buffer.byteLength(address(31)) < 254);
    assert.match(reasonFor(address(31)), /ASCII/);
  });

  test('comes out the same when its key is read again', () => {
    for (const [, key] of ACCEPTED) assert.equal(parseEmail(key).key, key);
  });
});

test('two mailboxes are never read out of one text (@incident N3)', () => {
  for (const text of [
    '"e@attacker.com"@victim.com',
    '"e@attacker.com "@victim.com',
    '"ada"@example.com',
    'ada@attacker.com@victim.com',
    'ada@attacker.com\0@victim.com',
    'ada@attacker.com(@victim.com)',
    'ada(comment)@example.com',
    'ada@example.com(comment)',
    'Ada <ada@example.com>',
    '<ada@example.com>',
    'ada@[127.0.0.1]',
    'ada@[IPv6:::1]',
    'ada\\@attacker.com@victim.com',
    'ada%attacker.com@victim.com',
    'victim.com!ada@attacker.com',
    '@attacker.com:ada@victim.com',
    '-froot@example.com',
    '|cat@example.com',
    '`id`@example.com',
  ]) {
    reasonFor(text);
  }
});

test('a list of addresses is no address (@incident N4)', () => {
  for (const text of [
    'a@x.example,b@y.example',
    'a@x.example, b@y.example',
    'a@x.example;b@y.example',
    'a@x.example b@y.example',
    'a@x.example\nb@y.example',
    'a@x.example\r\nBcc: b@y.example',
    'a@x.example\r\n',
    'a\r\n@x.example',
    'a@x.example%0ab@y.example',
    'a%0a@x.example',
    'a@x.example%0a',
    'a@x.example%0d%0aBcc:b',
    'a:b@y.example',
    'mailto:a@x.example',
    'group:a@x.example;',
  ]) {
    reasonFor(text);
  }
});

describe('an address that only looks like another', () => {
  const LOOKALIKES: readonly [what: string, text: string][] = [
    ['a dotless i', 'mıke@example.com'],
    ['a dotless i in the domain', 'mike@exampıe.com'],
    ['a capital I with a dot', 'mİke@example.com'],
    ['an i with a second dot', 'mi\u0307ke@example.com'],
    ['a long s', 'boſs@example.com'],
    ['a long s in the domain', 'boss@glaſs.example'],
    ['the Kelvin sign', 'mi\u212ae@example.com'],
    ['the Kelvin sign in the domain', 'mike@\u212a.example'],
    ['the Angstrom sign', '\u212b@example.com'],
    ['a ligature', 'ﬀ@example.com'],
    ['a ligature in the domain', 'a@ﬀ.example'],
    ['a sharp s, which has ss as its upper case', 'groß@example.com'],
    ['a sharp s in the domain, which older mailers write ss', 'a@faß.example'],
    ['a final sigma in the middle', 'αςα@example.com'],
    ['a full-width letter', 'ａda@example.com'],
    ['a full-width letter in the domain', 'ada@ｅxample.com'],
    ['a full-width dot', 'ada@example．com'],
    ['an ideographic full stop', 'ada@example。com'],
    ['a full-width at', 'ada＠example.com'],
    ['a decomposed letter', 'zoe\u0308@example.com'],
    ['a decomposed letter in the domain', 'a@bu\u0308cher.example'],
    ['a capital beyond ASCII', 'ÉRIC@example.com'],
    ['a superscript', 'a²@example.com'],
    ['a Roman numeral', 'ⅷ@example.com'],
    ['a soft hyphen', 'a\u00adda@example.com'],
    ['a soft hyphen in the domain', 'ada@exam\u00adple.com'],
    ['a zero-width space', 'a\u200bda@example.com'],
    ['a zero-width joiner', 'a\u200dda@example.com'],
    ['a zero-width joiner in the domain', 'ada@exam\u200dple.com'],
    ['a word joiner', 'a\u2060da@example.com'],
    ['a byte order mark', '\ufeffada@example.com'],
    ['a combining grapheme joiner', 'é\u034f@example.com'],
    ['a variation selector', '山\ufe00@example.com'],
    ['a Hangul filler', '\u3164@example.com'],
    ['a right-to-left override', '\u202emoc.elpmaxe@ada.example'],
    ['a right-to-left mark', 'ada\u200f@example.com'],
    ['a bidi isolate', 'ada\u2068@example.com'],
    ['a Cyrillic a among Latin letters', 'аda@example.com'],
    ['a Cyrillic a in a Latin domain', 'ada@exаmple.com'],
    ['the same in its ASCII form', 'ada@xn--exmple-4nf.com'],
    ['a Greek omicron among Latin letters', 'bοb@example.com'],
    ['a lone surrogate', 'a\ud800@example.com'],
    ['an emoji', '😀@example.com'],
    ['an emoji in the domain', 'a@😀.example'],
    ['an emoji in the domain, in ASCII', 'a@xn--e28h.example'],
  ];
  for (const [what, text] of LOOKALIKES) {
    test(`is refused: ${what} (@incident O5)`, () => {
      reasonFor(text);
    });
  }

  test('never has the key of one that is accepted, whatever case map or normalisation is applied (@incident O5)', () => {
    const letters = fc.constantFrom(
      ...Array.from('abikls.ABIKS019éıſßςσøœ'),
      ...[
        '\u212a',
        '\u212b',
        '\u0130',
        'ﬀ',
        'ａ',
        'ё',
        'а',
        'i\u0307',
        'e\u0301',
        '\u200d',
        '\u00ad',
        'ǆ',
        'ŉ',
      ],
    );
    const local = fc.array(letters, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(local, (text) => {
        let key: string;
        try {
          ({ key } = parseEmail(`${text}@example.com`));
        } catch {
          return;
        }
        const folded = key.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKC');
        const other = seen.get(folded);
        seen.set(folded, key);
        assert.ok(
          other === undefined || other === key,
          `${JSON.stringify(other)} and ${JSON.stringify(key)}`,
        );
      }),
      { numRuns: 5_000 },
    );
    assert.ok(seen.size > 100);
  });
});

test('more than one @ is refused before anything is made of either side (@incident N3)', () => {
  assert.match(reasonFor('ada@attacker.example@victim.example'), /exactly one/);
});

test('what is no address at all is refused with a reason', () => {
  for (const text of [
    '',
    '@',
    'ada',
    'ada@',
    '@example.com',
    'ada@example',
    'ada@localhost',
    'ada@example.com.',
    'ada@.example.com',
    'ada@example..com',
    '.ada@example.com',
    'ada.@example.com',
    'a..b@example.com',
    ' ada@example.com',
    'ada@example.com ',
    'ada @example.com',
    'ada@ example.com',
    'ada\t@example.com',
    'ada@exam\tple.com',
    'ada@example.com\u00a0',
    'ada\u0000@example.com',
    'ada\u007f@example.com',
    'ada@127.0.0.1',
    'ada@0x7f.1',
    'ada@1.2',
    'ada@example.123',
    'ada@example.com:25',
    'ada@example.com/x',
    'ada@example.com?x',
    'ada@example.com#x',
    'ada@example.com\\x',
    'ada@exa%6dple.com',
    'ada@exa_mple.com',
    'ada@-example.com',
    'ada@example-.com',
    'ada@xn--a.com',
    'ada@xn--zzzzz99.com',
    'ada@xn--.com',
    'ada@-ü.com',
    'ada@ü-.com',
    'ada@xn----eha.com',
    `ada@${'ü'.repeat(60)}a.example`,
    `ada@${'a'.repeat(64)}.com`,
    `${'a'.repeat(65)}@example.com`,
    `${'é'.repeat(33)}@example.com`,
  ]) {
    assert.notEqual(reasonFor(text), '', JSON.stringify(text));
  }
});

test('a hostile length costs nothing (@incident D2)', () => {
  for (const unit of ['a', '@', '.', 'a.', 'a@', '"', 'é', '\u0301', '\u200d', '\r\n', 'xn--', '-']) {
    const text = unit.repeat(100_000 / unit.length);
    const local = `${unit.repeat(60 / unit.length)}@example.com`;
    const domain = `a@${unit.repeat(240 / unit.length)}.com`;
    const before = performance.now();
    for (const each of [text, local, domain]) {
      try {
        parseEmail(each);
      } catch (error) {
        assert.ok(isFailure(error, 'LK_REQUEST_INVALID'));
      }
    }
    assert.ok(performance.now() - before < 100, unit);
  }
});
