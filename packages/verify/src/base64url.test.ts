import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { base64urlBytes } from './base64url.ts';

const REFUSED: readonly (readonly [string, string])[] = [
  ['padding', 'Zg=='],
  ['half the padding', 'Zg='],
  ['padding where none would be', 'Zm9v='],
  ['a rest of one character', 'Zm9vY'],
  ['one character', 'A'],
  ['four loose bits', 'Zh'],
  ['two loose bits', 'Zm9'],
  ['the alphabet of base64', 'ab+/'],
  ['a space', 'Zm 9v'],
  ['a space before', ' Zm9v'],
  ['a line feed after', 'Zm9v\n'],
  ['a line feed after a rest', 'Zg\n'],
  ['a NUL', 'Zm9v\0'],
  ['a dot', 'Zm9v.'],
  ['a letter that looks like one', 'Zm9\u0440'],
  ['a full-width letter', '\uff21m9v'],
];

describe('base64url', () => {
  for (const [title, text] of REFUSED) {
    test(`has no ${title} (@asvs 9.1.1, @rfc 7515 §2)`, () => {
      assert.equal(base64urlBytes(text), null);
    });
  }

  test('spells the vectors of RFC 4648 §10, without their padding', () => {
    const spelled = ['', 'Zg', 'Zm8', 'Zm9v', 'Zm9vYg', 'Zm9vYmE', 'Zm9vYmFy'];
    for (const [length, text] of spelled.entries()) {
      assert.equal(base64urlBytes(text)?.toString('latin1'), 'foobar'.slice(0, length));
    }
  });

  test('reads what is written, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64url');
        assert.deepEqual(base64urlBytes(text), Buffer.from(bytes));
      }),
    );
  });

  test('has one spelling for the same bytes (@asvs 9.1.1)', () => {
    const character = fc.constantFrom(...Array.from('AQgwEIMBCabz0189-_+/= \n.'));
    fc.assert(
      fc.property(fc.array(character, { maxLength: 9 }), (characters) => {
        const text = characters.join('');
        const written = Buffer.from(text, 'base64url').toString('base64url');
        assert.equal(base64urlBytes(text) !== null, written === text);
      }),
      { numRuns: 5_000 },
    );
  });
});
