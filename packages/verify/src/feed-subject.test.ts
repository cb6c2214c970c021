import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { feedSubject, SCOPE_CODES, subjectHasher } from './feed-subject.ts';
import { readSubject } from './subject.ts';

const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
const scopes = fc.constantFrom('session', 'user', 'client', 'organisation', 'api_key', 'signing_key');

describe('a subject on the feed', () => {
  test('is what the page says, as text and as words between others (@rule R12)', () => {
    fc.assert(
      fc.property(bytes, bytes, scopes, (salt, subject, scope) => {
        const input = Buffer.concat([salt, Buffer.of(SCOPE_CODES[scope]), subject]);
        const expected = createHash('sha256').update(input).digest().subarray(0, 16).toString('base64url');
        const text = Buffer.from(subject).toString('base64url');
        assert.equal(feedSubject(salt, scope, text), expected);
        const words = new Uint32Array(12).fill(7);
        const [plain, hashed] = [words.subarray(4, 8), new Uint32Array(4)];
        assert.ok(readSubject(text, plain) && readSubject(expected, hashed));
        subjectHasher(salt)(scope, words, 4);
        assert.deepEqual([...words], [7, 7, 7, 7, ...hashed, 7, 7, 7, 7]);
      }),
    );
  });

  test('is empty, or zeros, for scope all (@rule R12)', () => {
    assert.equal(feedSubject(Buffer.alloc(16), 'all', ''), '');
    const words = new Uint32Array(4).fill(7);
    subjectHasher(Buffer.alloc(16))('all', words, 0);
    assert.deepEqual([...words], [0, 0, 0, 0]);
  });

  for (const [what, subject] of [
    ['is too short', 'A'.repeat(21)],
    ['is too long', 'A'.repeat(23)],
    ['has loose bits', `${'A'.repeat(21)}B`],
    ['is empty', ''],
  ] as const) {
    test(`is none that ${what}, by which nothing would ever be found`, () => {
      assert.throws(() => feedSubject(Buffer.alloc(16), 'session', subject), TypeError);
    });
  }

  test('needs a salt of sixteen bytes', () => {
    for (const length of [0, 15, 17]) assert.throws(() => subjectHasher(Buffer.alloc(length)), TypeError);
  });
});
