import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type JsonRefusal, JsonRefused, parseStrictJson } from './strict-json.ts';

const read = (text: string): unknown => parseStrictJson(new TextEncoder().encode(text));

const REFUSED: readonly (readonly [string, string | Uint8Array, JsonRefusal])[] = [
  ['nothing', '', 'not JSON'],
  ['half an object', '{"a":', 'not JSON'],
  ['an unfinished string', '"abc', 'not JSON'],
  ['an unfinished escape', '"abc\\', 'not JSON'],
  ['a trailing comma', '[1,]', 'not JSON'],
  ['single quotes', "{'a':1}", 'not JSON'],
  ['a control character in a string', '"\u0001"', 'not JSON'],
  ['a byte order mark', '\ufeff{}', 'not JSON'],
  ['too many brackets closed', ']]', 'not JSON'],
  ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not UTF-8'],
  ['an overlong form', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), 'not UTF-8'],
  ['an encoded surrogate', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'not UTF-8'],
  ['a key twice', '{"a":1,"a":2}', 'a key that stands twice'],
  ['a key twice with the same value', '{"a":1,"a":1}', 'a key that stands twice'],
  ['a key twice by escapes', '{"a":1,"\\u0061":2}', 'a key that stands twice'],
  ['a key twice, deep inside', '[{"b":{"a":1,"c":[],"a":2}}]', 'a key that stands twice'],
  ['a key twice with space before the colon', '{"a" \n:1,"a"\t:2}', 'a key that stands twice'],
  ['an empty key twice', '{"":1,"":2}', 'a key that stands twice'],
  ['__proto__ twice', '{"__proto__":1,"__proto__":2}', 'a key that stands twice'],
  ['a lone surrogate', '"\\ud800"', 'a lone surrogate'],
  ['a lone surrogate in a key', '{"\\udc00":1}', 'a lone surrogate'],
  ['surrogates in the wrong order', '["\\udc00\\ud800"]', 'a lone surrogate'],
  ['17 levels', '['.repeat(17) + ']'.repeat(17), 'too deep'],
  ['a hundred thousand levels', '['.repeat(100_000), 'too deep'],
  ['a hundred thousand objects', '{"a":'.repeat(100_000), 'too deep'],
];

describe('strict JSON', () => {
  for (const [title, text, reason] of REFUSED) {
    test(`refuses ${title} (@incident D1, @asvs 1.5.3)`, () => {
      const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
      assert.throws(
        () => parseStrictJson(bytes),
        (error: unknown) => error instanceof JsonRefused && error.reason === reason,
      );
    });
  }

  for (const text of [
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2}]',
    '{"a":"a","b":"a"}',
    '{"a":"\\"a\\":1","b":"{[","c":"\\\\"}',
    '"\\ud83d\\udd11"',
    '["a","a"]',
    '['.repeat(16) + ']'.repeat(16),
    '"{{{{{{{{{{{{{{{{{{{{"',
    ' 1 ',
    'null',
  ]) {
    test(`reads ${text.slice(0, 40)} as JSON.parse does (@incident D1)`, () => {
      assert.deepEqual(read(text), JSON.parse(text));
    });
  }

  test('makes __proto__ a key like every other and pollutes nothing (@incident D1, @asvs 15.3.6)', () => {
    const value = read('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}');
    assert.ok(typeof value === 'object' && value !== null);
    assert.ok(Object.hasOwn(value, '__proto__'));
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(Reflect.get({}, 'admin'), undefined);
  });

  test('reads whatever JSON.stringify writes, and equal (@incident D1)', () => {
    const values = fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' });
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(read(text), JSON.parse(text));
      }),
    );
  });

  test('either reads as JSON.parse does or refuses, whatever the text (@incident D1)', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\',
      '"a"',
      '"b"',
      '1',
      'null',
      ' ',
      '\\u0061',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join('');
        let value: unknown;
        try {
          value = read(text);
        } catch (error) {
          assert.ok(error instanceof JsonRefused);
          return;
        }
        assert.deepEqual(value, JSON.parse(text.toWellFormed()));
      }),
      { numRuns: 2_000 },
    );
  });
});
