import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { jwkThumbprint, publicJwk, verificationKey } from './verification-key.ts';

const edwards = generateKeyPairSync('ed25519');
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const otherCurve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ED = publicJwk(edwards.publicKey);
const EC = publicJwk(curve.publicKey);

/** With the thumbprint that belongs to it, so that nothing else is wrong. */
const named = (jwk: Record<string, unknown>): Record<string, unknown> => ({
  ...jwk,
  kid: jwkThumbprint(jwk),
});

const ofBytes = (length: number): string => Buffer.alloc(length, 1).toString('base64url');

const REFUSED: readonly (readonly [string, unknown])[] = [
  ['nothing', null],
  ['a text', JSON.stringify(ED)],
  ['an array', [ED]],
  ['a key without an algorithm', { ...ED, alg: undefined }],
  [
    'a key whose algorithm is left out',
    Object.fromEntries(Object.entries(EC).filter(([key]) => key !== 'alg')),
  ],
  ['an algorithm in another case', { ...ED, alg: 'eddsa' }],
  ['several algorithms', { ...ED, alg: ['EdDSA'] }],
  ['no signature at all', { ...ED, alg: 'none' }],
  ['a MAC', { ...EC, alg: 'HS256' }],
  ['the fully specified name of its algorithm (@rfc 9864 §2.2)', { ...ED, alg: 'Ed25519' }],
  ['the algorithm of the other type', { ...ED, alg: 'ES256' }],
  ['the algorithm of the other type, the other way round', { ...EC, alg: 'EdDSA' }],
  ['a type that does not fit', { ...ED, kty: 'EC' }],
  ['a type that is left out', { ...ED, kty: undefined }],
  ['a curve that does not fit', { ...ED, crv: 'X25519' }],
  ['a curve that is left out', { ...EC, crv: undefined }],
  ['another curve of the same type', named({ ...ED, crv: 'X25519' })],
  ['the curve of Bitcoin', named({ ...otherCurve.publicKey.export({ format: 'jwk' }), alg: 'ES256' })],
  [
    'its points under the name of ours',
    named({ ...otherCurve.publicKey.export({ format: 'jwk' }), crv: 'P-256', alg: 'ES256' }),
  ],
  ['an RSA key', named({ ...rsa.publicKey.export({ format: 'jwk' }), alg: 'ES256' })],
  ['a shared secret', { kty: 'oct', k: ofBytes(32), alg: 'HS256', kid: 'x' }],
  ['a point that is not on the curve', named({ ...EC, x: ofBytes(32) })],
  [
    'the point at infinity',
    named({ ...EC, x: Buffer.alloc(32).toString('base64url'), y: Buffer.alloc(32).toString('base64url') }),
  ],
  ['a coordinate that is too short', named({ ...ED, x: ofBytes(31) })],
  ['a coordinate that is too long', named({ ...ED, x: ofBytes(33) })],
  ['a coordinate with padding', named({ ...ED, x: `${ED.x}=` })],
  ['a coordinate with a space before it', named({ ...ED, x: ` ${ED.x}` })],
  ['a coordinate that is a number', { ...ED, x: 1 }],
  ['a missing coordinate', { ...EC, y: undefined }],
  ['a private key', { ...edwards.privateKey.export({ format: 'jwk' }), alg: 'EdDSA', kid: ED.kid }],
  ['an empty private member', { ...ED, d: '' }],
  ['a symmetric member', { ...EC, k: ofBytes(32) }],
  ['a key for encryption', { ...ED, use: 'enc' }],
  ['a use that is no text', { ...ED, use: ['sig'] }],
  ['a key that only signs', { ...ED, key_ops: ['sign'] }],
  ['operations that are no array', { ...ED, key_ops: 'verify' }],
  ['no name', { ...ED, kid: undefined }],
  ['the name of another key', { ...ED, kid: EC.kid }],
  ['a name of its own', { ...ED, kid: 'current' }],
];

describe('a verification key', () => {
  for (const [title, jwk] of REFUSED) {
    test(`is not ${title} (@rfc 8725 §3.1, @rfc 8725 §3.4, @incident J1, J5)`, () => {
      assert.throws(() => verificationKey(jwk), TypeError);
    });
  }

  test('is what was published, with its one algorithm (@rfc 8725 §3.1)', () => {
    for (const [jwk, key] of [
      [ED, edwards.publicKey],
      [EC, curve.publicKey],
    ] as const) {
      const read = verificationKey(JSON.parse(JSON.stringify(jwk)));
      assert.equal(read.algorithm, jwk.alg);
      assert.equal(read.kid, jwk.kid);
      assert.ok(read.key.equals(key));
      assert.equal(read.key.type, 'public');
    }
  });

  test('may have members that are not understood (@rfc 7517 §4)', () => {
    const jwk = { ...ED, x5u: 'http://127.0.0.1:1/', key_ops: ['verify'], exp: 1 };
    assert.equal(verificationKey(jwk).kid, ED.kid);
  });

  test('is published without private members, and only if it is public (@rfc 7517 §9)', () => {
    assert.deepEqual(Object.keys(ED).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    assert.deepEqual(Object.keys(EC).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    assert.throws(() => publicJwk(edwards.privateKey), TypeError);
    for (const { publicKey } of [rsa, generateKeyPairSync('x25519'), otherCurve]) {
      assert.throws(() => publicJwk(publicKey), TypeError);
    }
    assert.deepEqual(publicJwk(createPublicKey(edwards.privateKey)), ED);
  });
});

describe('a thumbprint', () => {
  test('is the one that others compute (@rfc 7638 §3)', async () => {
    for (const { publicKey } of [edwards, curve, rsa]) {
      const jwk = publicKey.export({ format: 'jwk' });
      assert.equal(jwkThumbprint(jwk), await calculateJwkThumbprint(jwk));
    }
  });

  test('depends on the key alone, not on order or other members (@rfc 7638 §3.2)', () => {
    const turned = Object.fromEntries(Object.entries({ ...EC, use: 'enc', note: 'x' }).toReversed());
    assert.equal(jwkThumbprint(turned), EC.kid);
  });

  for (const [title, jwk] of [
    ['no object', 'EC'],
    ['a key of no known type', { kty: '__proto__' }],
    ['a shared secret', { kty: 'oct', k: 'AA' }],
    ['a key with a member missing', { kty: 'EC', crv: 'P-256', x: 'AA' }],
    ['a key with a member that is no text', { kty: 'OKP', crv: 'Ed25519', x: ['AA'] }],
  ] as const) {
    test(`is refused for ${title} (@rfc 7638 §3.2)`, () => {
      assert.throws(() => jwkThumbprint(jwk), TypeError);
    });
  }
});
