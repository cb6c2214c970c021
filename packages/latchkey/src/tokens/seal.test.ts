import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomBytes } from '../foundation/random.ts';
import { parseRootSecret } from '../foundation/root-secret.ts';
import { seal, unseal } from './seal.ts';

const first = randomBytes(32).toString('base64');
const second = randomBytes(32).toString('base64');
const PLAIN = Buffer.from('the private half');

describe('what is sealed with the root secret', () => {
  const root = parseRootSecret(first);

  test('opens under its label, and never looks the same twice (@asvs 11.2.1)', () => {
    const sealed = seal(root, 'signing key a', PLAIN);
    assert.deepEqual(unseal(root, 'signing key a', sealed), PLAIN);
    const again = seal(root, 'signing key a', PLAIN);
    assert.notDeepEqual(again.bytes, sealed.bytes);
    assert.ok(!Buffer.from(sealed.bytes).includes(PLAIN));
  });

  test('does not open under another label, nor with any bit changed', () => {
    const sealed = seal(root, 'signing key a', PLAIN);
    assert.throws(() => unseal(root, 'signing key b', sealed), TypeError);
    for (let index = 0; index < sealed.bytes.length; index += 1) {
      const bytes = Uint8Array.from(sealed.bytes);
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      assert.throws(() => unseal(root, 'signing key a', { ...sealed, bytes }), TypeError);
    }
    assert.throws(() => unseal(root, 'signing key a', { ...sealed, bytes: new Uint8Array() }), TypeError);
  });

  test('opens with whichever secret of the ring sealed it, and with no other', () => {
    const sealed = seal(root, 'x', PLAIN);
    assert.deepEqual(unseal(parseRootSecret(`${second},${first}`), 'x', sealed), PLAIN);
    assert.equal(unseal(parseRootSecret(second), 'x', sealed), null);
  });
});
