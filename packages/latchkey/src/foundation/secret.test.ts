import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { format, inspect } from 'node:util';
import { equalDigests, Secret, sha256 } from './secret.ts';

describe('a secret', () => {
  const secret = new Secret('lkc_do-not-show');
  const accidents: readonly (readonly [string, () => string])[] = [
    ['a template', () => `It is ${String(secret)}.`],
    ['a concatenation', () => ''.concat(String(secret))],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect({ secret }, { depth: 9, showHidden: true, getters: true })],
    ['a format', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['an error', () => inspect(new Error(`with ${String(secret)}`, { cause: secret }))],
    ['its keys', () => Object.entries(secret).join()],
    ['all its properties', () => Reflect.ownKeys(secret).map(String).join()],
    ['a copy', () => JSON.stringify(Object.assign({}, secret)) + inspect(structuredClone(secret))],
  ];
  for (const [title, show] of accidents) {
    test(`is not shown by ${title} (@asvs 13.3.1)`, () => assert.ok(!show().includes('do-not-show')));
  }

  test('is shown to who asks for it', () => assert.equal(secret.reveal(), 'lkc_do-not-show'));

  test('is compared by digests, which are equal in every byte or are not', () => {
    const digest = sha256('one');
    assert.equal(digest.toString('hex'), '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    assert.equal(equalDigests(digest, sha256('one')), true);
    assert.equal(equalDigests(digest, sha256('two')), false);
    assert.equal(equalDigests(digest, digest.subarray(0, 31)), false);
    assert.equal(equalDigests(new Uint8Array(), digest), false);
    for (let index = 0; index < digest.length; index += 1) {
      const other = Buffer.from(digest);
      other[index] = (other[index] ?? 0) ^ 1;
      assert.equal(equalDigests(digest, other), false);
    }
  });
});
