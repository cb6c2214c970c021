import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { jwkThumbprint, verificationKey } from '@latchkey/verify';

const COOKBOOK = path.join(import.meta.dirname, 'jose-cookbook');

function jwkOf(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path.join(COOKBOOK, file), 'utf8')) as Record<string, unknown>;
}

/** RFC 7520 §3, file by file: none is a key of ours. */
const REFUSED: readonly (readonly [file: string, why: string])[] = [
  ['jwk/3_1.ec_public_key.json', 'P-521 is not ours'],
  ['jwk/3_2.ec_private_key.json', 'it is private'],
  ['jwk/3_3.rsa_public_key.json', 'RSA is not ours'],
  ['jwk/3_4.rsa_private_key.json', 'it is private'],
  ['jwk/3_5.symmetric_key_mac_computation.json', 'it is a shared secret'],
  ['jwk/3_6.symmetric_key_encryption.json', 'it is a shared secret'],
];

const RFC_7515_A3 = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const RFC_8037_A2 = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
const RFC_7638_3_1 = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  alg: 'RS256',
  kid: '2011-04-29',
};

describe('a published JWK', () => {
  for (const [file, why] of REFUSED) {
    test(`${file} is refused: ${why} (@rfc 7517 §4, @rfc 8725 §3.1)`, () => {
      const jwk = jwkOf(file);
      for (const alg of [undefined, jwk['alg'], 'EdDSA', 'ES256']) {
        assert.throws(() => verificationKey({ ...jwk, alg }), TypeError);
        if (jwk['kty'] === 'oct') continue;
        assert.throws(() => verificationKey({ ...jwk, alg, kid: jwkThumbprint(jwk) }), TypeError);
      }
    });
  }

  test('has a row in the table', () => {
    const files = globSync('jwk/*.json', { cwd: COOKBOOK });
    assert.deepEqual(REFUSED.map(([file]) => file).toSorted(), files.toSorted());
  });

  for (const [name, jwk, alg] of [
    ['RFC 7515 A.3', RFC_7515_A3, 'ES256'],
    ['RFC 8037 A.2', RFC_8037_A2, 'EdDSA'],
  ] as const) {
    test(`of ${name} is a key of ours once it says what it is for (@rfc 8725 §3.1, @incident J5)`, () => {
      const kid = jwkThumbprint(jwk);
      assert.throws(() => verificationKey({ ...jwk, kid }), TypeError);
      assert.throws(() => verificationKey({ ...jwk, alg }), TypeError);
      assert.equal(verificationKey({ ...jwk, alg, kid }).algorithm, alg);
    });
  }
});

describe('a published thumbprint', () => {
  for (const [name, jwk, thumbprint] of [
    ['RFC 7638 §3.1', RFC_7638_3_1, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
    ['RFC 8037 A.3', RFC_8037_A2, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
  ] as const) {
    test(`of ${name} is ours (@rfc 7638 §3.1)`, () => {
      assert.equal(jwkThumbprint(jwk), thumbprint);
    });
  }
});
