import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  jwkThumbprint,
  parseCompactJws,
  type TokenRefusal,
  TokenRefused,
  verificationKey,
  verifyAccessToken,
  verifySignature,
} from '@latchkey/verify';
import { compactVerify, flattenedVerify, generalVerify, type JWK } from 'jose';

/** A published vector, in one of its forms, and the answer of a verifier of access tokens. */
interface Row {
  readonly name: string;
  /** As it is sent: the compact form, or JSON as text. */
  readonly text: string;
  readonly reason: TokenRefusal;
  readonly why: string;
}

const COOKBOOK = path.join(import.meta.dirname, 'jose-cookbook');

interface Vector {
  readonly input: { readonly key: JWK | readonly JWK[]; readonly payload: string };
  readonly output: Readonly<Record<string, unknown>>;
}

function vectorOf(file: string): Vector {
  return JSON.parse(readFileSync(path.join(COOKBOOK, file), 'utf8')) as Vector;
}

const JSON_FORM =
  'only the compact serialisation is read: JSON has several signatures, and headers that none covers';
const MAC =
  'a MAC proves nothing of its sender to those who share the key, and invites a public key as its secret';

/** What the JOSE Cookbook (RFC 7520 §4, RFC 7797 §4, RFC 8037 A.4 and A.6) has, file by file and form by form. */
const EXPECTED: readonly (readonly [file: string, form: string, reason: TokenRefusal, why: string])[] = [
  ['jws/4_1.rsa_v15_signature.json', 'compact', 'another algorithm', 'RS256 is not ours'],
  ['jws/4_1.rsa_v15_signature.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_1.rsa_v15_signature.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['jws/4_2.rsa-pss_signature.json', 'compact', 'another algorithm', 'PS384 is not ours'],
  ['jws/4_2.rsa-pss_signature.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_2.rsa-pss_signature.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['jws/4_3.ecdsa_signature.json', 'compact', 'another algorithm', 'ES512 is not ours'],
  ['jws/4_3.ecdsa_signature.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_3.ecdsa_signature.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['jws/4_4.hmac-sha2_integrity_protection.json', 'compact', 'another algorithm', MAC],
  ['jws/4_4.hmac-sha2_integrity_protection.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_4.hmac-sha2_integrity_protection.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  [
    'jws/4_5.signature_with_detached_content.json',
    'compact',
    'not a compact JWS',
    'a token has its payload in it',
  ],
  ['jws/4_5.signature_with_detached_content.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_5.signature_with_detached_content.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['jws/4_6.protecting_specific_header_fields.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_6.protecting_specific_header_fields.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['jws/4_7.protecting_content_only.json', 'json', 'not a compact JWS', JSON_FORM],
  ['jws/4_7.protecting_content_only.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['jws/4_8.multiple_signatures.json', 'json', 'not a compact JWS', JSON_FORM],
  ['rfc7797/4.2.hmac-sha2_b64_false.json', 'json', 'not a compact JWS', JSON_FORM],
  ['rfc7797/4.2.hmac-sha2_b64_false.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  [
    'rfc7797/hmac-sha2_b64_false.json',
    'compact',
    'a header member that is not allowed',
    'b64 changes what the bytes mean',
  ],
  ['rfc7797/hmac-sha2_b64_false.json', 'json', 'not a compact JWS', JSON_FORM],
  ['rfc7797/hmac-sha2_b64_false.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  [
    'curve25519/jws.json',
    'compact',
    'another type',
    'our algorithm and a good signature, but not of an access token',
  ],
  ['curve25519/jws.json', 'json', 'not a compact JWS', JSON_FORM],
  ['curve25519/jws.json', 'json_flat', 'not a compact JWS', JSON_FORM],
  ['curve25519/ecdh-es.json', 'compact', 'not a compact JWS', 'encrypted is not authenticated'],
  ['curve25519/ecdh-es.json', 'json', 'not a compact JWS', JSON_FORM],
  ['curve25519/ecdh-es.json', 'json_flat', 'not a compact JWS', JSON_FORM],
];

const JOE = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
const RS256 =
  'cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw';
const ES256 = 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q';
const ES512 =
  'AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn';

const A1_KEY: JWK = {
  kty: 'oct',
  k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
};
const A2_KEY: JWK = {
  kty: 'RSA',
  n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
  e: 'AQAB',
};
const A3_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
};
const A4_KEY: JWK = {
  kty: 'EC',
  crv: 'P-521',
  x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
  y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
};

const A1 = `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`;
const A2 = `eyJhbGciOiJSUzI1NiJ9.${JOE}.${RS256}`;
const A3 = `eyJhbGciOiJFUzI1NiJ9.${JOE}.${ES256}`;
const A4 = `eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.${ES512}`;
const A5 = `eyJhbGciOiJub25lIn0.${JOE}.`;
const A6 = {
  payload: JOE,
  signatures: [
    { protected: 'eyJhbGciOiJSUzI1NiJ9', header: { kid: '2010-12-29' }, signature: RS256 },
    {
      protected: 'eyJhbGciOiJFUzI1NiJ9',
      header: { kid: 'e9bc097a-ce51-4036-9562-d2ade882db0d' },
      signature: ES256,
    },
  ],
};
const A7 = {
  payload: JOE,
  protected: 'eyJhbGciOiJFUzI1NiJ9',
  header: { kid: 'e9bc097a-ce51-4036-9562-d2ade882db0d' },
  signature: ES256,
};

const APPENDIX_A: readonly Row[] = [
  { name: 'A.1', text: A1, reason: 'another algorithm', why: MAC },
  { name: 'A.2', text: A2, reason: 'another algorithm', why: 'RS256 is not ours' },
  {
    name: 'A.3',
    text: A3,
    reason: 'another type',
    why: 'our algorithm and a good signature, but not of an access token',
  },
  { name: 'A.4', text: A4, reason: 'another algorithm', why: 'ES512 is not ours' },
  { name: 'A.5', text: A5, reason: 'not a compact JWS', why: 'nobody signed it' },
  { name: 'A.6', text: JSON.stringify(A6), reason: 'not a compact JWS', why: JSON_FORM },
  { name: 'A.7', text: JSON.stringify(A7), reason: 'not a compact JWS', why: JSON_FORM },
];

const COOKBOOK_ROWS: readonly Row[] = EXPECTED.map(([file, form, reason, why]) => {
  const output = vectorOf(file).output[form];
  return {
    name: `${file} ${form}`,
    text: typeof output === 'string' ? output : JSON.stringify(output),
    reason,
    why,
  };
});

/** The key of a vector as we would publish it: its algorithm and its thumbprint added. */
function published(key: JWK, alg: string): ReturnType<typeof verificationKey> {
  const point = { kty: key.kty, crv: key.crv, x: key.x, ...(key.y === undefined ? {} : { y: key.y }) };
  return verificationKey({ ...point, alg, kid: jwkThumbprint(point) });
}

function oneKeyOf(file: string): JWK {
  const { key } = vectorOf(file).input;
  assert.ok(!Array.isArray(key));
  return key as JWK;
}

const ED25519 = published(oneKeyOf('curve25519/jws.json'), 'EdDSA');
const P256 = published(A3_KEY, 'ES256');

describe('a published JWS', () => {
  for (const { name, text, reason, why } of [...APPENDIX_A, ...COOKBOOK_ROWS]) {
    test(`${name} is refused: ${why} (@rfc 7515 §5.2, @asvs 9.1.2, 9.2.2)`, () => {
      const looked: string[] = [];
      const rules = {
        issuer: 'joe',
        audience: 'joe',
        // With the right keys at hand, so that no lack of them is what refuses.
        key: (kid: string) => {
          looked.push(kid);
          return P256;
        },
        now: 1_300_819_379_000,
      };
      assert.throws(
        () => verifyAccessToken(text, rules),
        (error: unknown) => error instanceof TokenRefused && error.reason === reason,
      );
      assert.throws(() => parseCompactJws(text), TokenRefused);
      assert.deepEqual(looked, []);
    });
  }

  test('has a row in the table, in each of its forms', () => {
    const files = globSync(['jws/*.json', 'rfc7797/*.json', 'curve25519/*.json'], { cwd: COOKBOOK });
    const forms = files.flatMap((file) =>
      Object.keys(vectorOf(file).output).map((form) => `${file} ${form}`),
    );
    assert.deepEqual(COOKBOOK_ROWS.map(({ name }) => name).toSorted(), forms.toSorted());
  });

  test('is good by its own rules, so that it is refused by ours and not for a slip of the pen', async () => {
    for (const [text, key] of [
      [A1, A1_KEY],
      [A2, A2_KEY],
      [A3, A3_KEY],
      [A4, A4_KEY],
    ] as const) {
      assert.ok((await compactVerify(text, key)).payload.length > 0);
    }
    await generalVerify(A6, A2_KEY, { algorithms: ['RS256'] });
    await generalVerify({ ...A6, signatures: A6.signatures.slice(1) }, A3_KEY);
    await flattenedVerify(A7, A3_KEY);
  });
});

describe('the signature of a published JWS', () => {
  for (const [name, text, key] of [
    ['RFC 7515 A.3', A3, P256],
    ['RFC 8037 A.4', String(vectorOf('curve25519/jws.json').output['compact']), ED25519],
  ] as const) {
    const [header = '', payload = '', signature = ''] = text.split('.');
    const input = Buffer.from(`${header}.${payload}`);
    const bytes = Buffer.from(signature, 'base64url');

    test(`of ${name} verifies with its key (@rfc 7518 §3.4, @rfc 8037 §3.1)`, () => {
      verifySignature(key, input, bytes);
    });

    test(`of ${name} verifies with no bit of it, nor of what it signs, changed (@asvs 9.1.1)`, () => {
      for (const [changing, other] of [
        [bytes, input],
        [input, bytes],
      ] as const) {
        for (let bit = 0; bit < changing.length * 8; bit += 1) {
          const changed = Buffer.from(changing);
          changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const [signed, by] = changing === bytes ? [other, changed] : [changed, other];
          assert.throws(() => verifySignature(key, signed, by), TokenRefused);
        }
      }
    });
  }

  test('of one algorithm does not verify with the key of the other (@rfc 8725 §3.1)', () => {
    const bytes = Buffer.from(ES256, 'base64url');
    const input = Buffer.from(A3.slice(0, A3.lastIndexOf('.')));
    assert.throws(() => verifySignature(ED25519, input, bytes), TokenRefused);
    // Such a key can't be read, only be made up; it verifies nothing.
    assert.throws(() => verifySignature({ ...ED25519, algorithm: 'ES256' }, input, bytes));
  });
});
