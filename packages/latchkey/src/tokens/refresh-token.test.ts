import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newId } from '../foundation/ids.ts';
import { randomBytes } from '../foundation/random.ts';
import { parseRootSecret } from '../foundation/root-secret.ts';
import { isGenuine, parseRefreshToken, type RefreshToken, refreshToken } from './refresh-token.ts';

const first = randomBytes(32).toString('base64');
const second = randomBytes(32).toString('base64');
const root = parseRootSecret(first);
const SESSION = newId<'session'>(1_700_000_000_000);
const CHAIN = { nonce: randomBytes(16), generation: 7, key: root.current.id };

function parsed(text: string): RefreshToken {
  const token = parseRefreshToken(text);
  assert.ok(token !== null);
  return token;
}

describe('a refresh token', () => {
  const text = refreshToken(root, SESSION, CHAIN).reveal();

  test('is the same whoever computes it and whenever (@rule R10)', () => {
    assert.equal(refreshToken(parseRootSecret(first), SESSION, { ...CHAIN }).reveal(), text);
    assert.match(text, /^lkr_[\w-]{82}$/);
  });

  test('says its session, its generation and its key, and is genuine in its own chain alone (@rule R10)', () => {
    const token = parsed(text);
    assert.deepEqual([token.session, token.generation, token.key], [SESSION, 7, root.current.id]);
    assert.equal(isGenuine(root, token, CHAIN), true);
    assert.equal(isGenuine(root, token, { nonce: randomBytes(16) }), false);
    assert.equal(isGenuine(root, { ...token, generation: 8 }, CHAIN), false);
    assert.equal(isGenuine(root, { ...token, session: newId<'session'>(1) }, CHAIN), false);
    assert.equal(isGenuine(root, { ...token, mac: token.mac.subarray(1) }, CHAIN), false);
  });

  test('has no other spelling, and no character of it can be changed (@asvs 9.1.1)', () => {
    for (let index = 0; index < text.length; index += 1) {
      for (const other of ['A', '_', '.', ' ']) {
        if (text[index] === other) continue;
        const token = parseRefreshToken(`${text.slice(0, index)}${other}${text.slice(index + 1)}`);
        assert.ok(token === null || !isGenuine(root, token, CHAIN), `${index} ${other}`);
      }
    }
    for (const bad of ['', 'lkr_', `${text}=`, ` ${text}`, text.slice(0, -1), `${text}A`, text.toUpperCase()])
      assert.equal(parseRefreshToken(bad), null);
  });

  test('made with an older root secret is genuine while that one is in the ring', () => {
    const token = parsed(text);
    assert.equal(isGenuine(parseRootSecret(`${second},${first}`), token, CHAIN), true);
    assert.equal(isGenuine(parseRootSecret(second), token, CHAIN), false);
    assert.throws(() => refreshToken(parseRootSecret(second), SESSION, CHAIN), TypeError);
  });
});
