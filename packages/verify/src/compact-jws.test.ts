import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseCompactJws, type TokenRefusal, TokenRefused, verifySignature } from './compact-jws.ts';
import { jwkThumbprint, publicJwk, verificationKey } from './verification-key.ts';

const spell = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');
const HEADER = '{"alg":"EdDSA","typ":"at+jwt","kid":"k"}';
const SIGNATURE = spell(Buffer.alloc(64, 1));
const jws = (
  header: string | Uint8Array,
  payload: string | Uint8Array = '{}',
  signature = SIGNATURE,
): string => `${spell(header)}.${spell(payload)}.${signature}`;
const header = (members: Record<string, unknown>): string =>
  jws(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k', ...members }));

const refused = (reason: TokenRefusal) => (error: unknown) =>
  error instanceof TokenRefused && error.reason === reason;

/** Another spelling of the same bytes, with loose bits. */
const loose = (segment: string): string => `${segment.slice(0, -1)}${segment.endsWith('Q') ? 'R' : 'B'}`;

const good = jws(HEADER);
const [first = '', second = ''] = good.split('.');

const REFUSED: readonly (readonly [string, string, TokenRefusal])[] = [
  ['nothing', '', 'not a compact JWS'],
  ['a dot', '.', 'not a compact JWS'],
  ['two dots', '..', 'not a compact JWS'],
  ['three dots', '...', 'not a compact JWS'],
  ['one segment', first, 'not a compact JWS'],
  ['two segments', `${first}.${second}`, 'not a compact JWS'],
  ['four segments', `${good}.${SIGNATURE}`, 'not a compact JWS'],
  ['five segments', `${first}.${second}.${second}.${second}.${SIGNATURE}`, 'not a compact JWS'],
  ['no header', `.${second}.${SIGNATURE}`, 'not a compact JWS'],
  ['a detached payload', `${first}..${SIGNATURE}`, 'not a compact JWS'],
  ['no signature', `${first}.${second}.`, 'not a compact JWS'],
  ['a dot after', `${good}.`, 'not a compact JWS'],
  [
    'the JSON serialisation',
    JSON.stringify({ payload: second, protected: first, signature: SIGNATURE }),
    'not a compact JWS',
  ],
  ['a space before', ` ${good}`, 'not base64url'],
  ['a line feed after', `${good}\n`, 'not base64url'],
  ['a space in the payload', `${first}. ${second}.${SIGNATURE}`, 'not base64url'],
  ['padding after the header', `${first}=.${second}.${SIGNATURE}`, 'not base64url'],
  ['padding after the signature', `${good}==`, 'not base64url'],
  ['the alphabet of base64', `${first}.${second}.${'+'.repeat(86)}`, 'not base64url'],
  ['loose bits in the signature', loose(good), 'not base64url'],
  ['loose bits in the payload', `${first}.${loose(second)}.${SIGNATURE}`, 'not base64url'],
  ['a payload that is not encoded', `${first}.{}.${SIGNATURE}`, 'not base64url'],
  ['a header that is no object', jws('"x"'), 'a header that is not strict JSON'],
  ['a header that is an array', jws('["alg"]'), 'a header that is not strict JSON'],
  ['a header that is null', jws('null'), 'a header that is not strict JSON'],
  ['a header with a byte order mark', jws(`\ufeff${HEADER}`), 'a header that is not strict JSON'],
  ['a header that is not UTF-8', jws(Uint8Array.of(0x7b, 0xff, 0x7d)), 'a header that is not strict JSON'],
  [
    'a header with the algorithm twice',
    jws('{"alg":"none","typ":"at+jwt","kid":"k","alg":"EdDSA"}'),
    'a header that is not strict JSON',
  ],
  [
    'a header with the algorithm twice by escapes',
    jws('{"\\u0061lg":"none","typ":"at+jwt","kid":"k","alg":"EdDSA"}'),
    'a header that is not strict JSON',
  ],
  ['no algorithm', jws('{"typ":"at+jwt","kid":"k"}'), 'another algorithm'],
  ['no type', jws('{"alg":"EdDSA","kid":"k"}'), 'another type'],
  ['a type that is no text', header({ typ: ['at+jwt'] }), 'another type'],
  ['no key id', jws('{"alg":"EdDSA","typ":"at+jwt"}'), 'no key id'],
  ['an empty key id', header({ kid: '' }), 'no key id'],
  ['a key id that is a number', header({ kid: 1 }), 'no key id'],
  ['a key id that is an array', header({ kid: ['k'] }), 'no key id'],
  ['a key id of 129 characters', header({ kid: 'k'.repeat(129) }), 'no key id'],
  [
    'a key id with a lone surrogate',
    jws('{"alg":"EdDSA","typ":"at+jwt","kid":"\\ud800"}'),
    'a header that is not strict JSON',
  ],
  [
    'a member __proto__',
    jws('{"__proto__":{"kid":"k"},"alg":"EdDSA","typ":"at+jwt","kid":"k"}'),
    'a header member that is not allowed',
  ],
  ['a member in another case', header({ Alg: 'EdDSA' }), 'a header member that is not allowed'],
  ['a signature of 63 bytes', jws(HEADER, '{}', spell(Buffer.alloc(63))), 'a bad signature'],
  ['a signature of 65 bytes', jws(HEADER, '{}', spell(Buffer.alloc(65))), 'a bad signature'],
  ['a payload that is no object', jws(HEADER, '[]'), 'a payload that is not strict JSON'],
  ['a payload that is no JSON', jws(HEADER, 'hello'), 'a payload that is not strict JSON'],
  [
    'a payload that is not UTF-8',
    jws(HEADER, Uint8Array.of(0x7b, 0xff, 0x7d)),
    'a payload that is not strict JSON',
  ],
  ['a payload that is a token', jws(HEADER, good), 'a payload that is not strict JSON'],
  ['a payload with a claim twice', jws(HEADER, '{"sub":"a","sub":"b"}'), 'a payload that is not strict JSON'],
  [
    'a payload of 17 levels',
    jws(HEADER, `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`),
    'a payload that is not strict JSON',
  ],
];

describe('a compact JWS', () => {
  for (const [title, text, reason] of REFUSED) {
    test(`is refused: ${title} (@rfc 7515 §5.2, @rfc 8725 §3.7, @incident D1)`, () => {
      assert.throws(() => parseCompactJws(text), refused(reason));
    });
  }

  for (const name of [
    'crit',
    'b64',
    'jku',
    'jwk',
    'x5u',
    'x5c',
    'x5t',
    'x5t#S256',
    'cty',
    'zip',
    'enc',
    'epk',
    'p2c',
    'p2s',
    'iss',
    'url',
    '',
  ]) {
    test(`is refused for ${JSON.stringify(name)} in its header, whatever its value (@asvs 9.1.3, @rfc 7515 §4.1.11)`, () => {
      for (const value of [null, true, false, 0, '', [], ['b64'], {}]) {
        assert.throws(
          () => parseCompactJws(header({ [name]: value })),
          refused('a header member that is not allowed'),
        );
      }
    });
  }

  test('is read as it is written', () => {
    const { header: read, payload, signingInput, signature } = parseCompactJws(jws(HEADER, '{"a":[1]}'));
    assert.deepEqual(read, { alg: 'EdDSA', typ: 'at+jwt', kid: 'k' });
    assert.deepEqual(payload, { a: [1] });
    assert.equal(Buffer.from(signingInput).toString(), `${spell(HEADER)}.${spell('{"a":[1]}')}`);
    assert.deepEqual(Buffer.from(signature), Buffer.alloc(64, 1));
  });

  test('has a key id of 128 characters at most, of any kind (@rfc 8725 §3.10)', () => {
    for (const kid of ['k'.repeat(128), '__proto__', '../../dev/null', "' OR 1=1", '\0', 'ключ']) {
      assert.equal(parseCompactJws(header({ kid })).header.kid, kid);
    }
  });

  test('has 4,096 characters at most (@incident J7, @fault F17)', () => {
    const sized = (length: number): string => {
      // Three bytes of payload are four characters; what is left is taken by the header.
      const rest = length - good.length;
      return jws(`${HEADER}${' '.repeat(3 * (rest % 3))}`, `{}${' '.repeat((rest - 4 * (rest % 3)) * 0.75)}`);
    };
    const fits = [4_096, 4_095, 4_094, 4_093].find((length) => sized(length).length === length);
    assert.ok(fits !== undefined);
    assert.doesNotThrow(() => parseCompactJws(sized(fits)));
    assert.throws(() => parseCompactJws(good.padEnd(4_097, 'A')), refused('too long'));
    assert.throws(() => parseCompactJws('.'.repeat(4_097)), refused('too long'));
  });

  test('shows nothing of itself when it is refused (@asvs 16.2.5)', () => {
    const secret = 'do-not-show-this';
    for (const text of [
      secret,
      `${spell(secret)}.${second}.${SIGNATURE}`,
      jws(HEADER, secret),
      header({ [secret]: 1 }),
    ]) {
      assert.throws(
        () => parseCompactJws(text),
        (error: unknown) => {
          assert.ok(error instanceof TokenRefused);
          assert.equal(error.cause, undefined);
          assert.ok(![error.message, error.stack].join(' ').includes(secret));
          assert.ok(![error.message, error.stack].join(' ').includes(spell(secret)));
          return true;
        },
      );
    }
  });

  test('is read or refused with a reason, whatever the text', () => {
    const piece = fc.constantFrom('.', first, second, SIGNATURE, '=', ' ', 'A', '{}', '"');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        try {
          parseCompactJws(text);
        } catch (error) {
          assert.ok(error instanceof TokenRefused);
          return;
        }
        assert.equal(text, good);
      }),
      { numRuns: 2_000 },
    );
  });
});

const INPUT = Buffer.from('input');
const edwards = generateKeyPairSync('ed25519');
const edwardsKey = verificationKey(publicJwk(edwards.publicKey));
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const curveKey = verificationKey(publicJwk(curve.publicKey));
const bad = refused('a bad signature');

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const MAX = 2n ** 256n - 1n;
const scalar = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

describe('an ES256 signature', () => {
  test('verifies whatever the sizes of its numbers (@rfc 7518 §3.4)', () => {
    const sizes = new Set<boolean>();
    for (let round = 0; round < 200; round += 1) {
      const message = Buffer.from(`message ${round}`);
      const signature = sign('sha256', message, { key: curve.privateKey, dsaEncoding: 'ieee-p1363' });
      verifySignature(curveKey, message, signature);
      sizes.add((signature[0] ?? 0) >= 0x80);
      assert.throws(() => verifySignature(curveKey, INPUT, signature), bad);
    }
    assert.equal(sizes.size, 2, 'with and without a byte for the sign');
  });

  const SPECIAL: readonly (readonly [string, bigint])[] = [
    ['0', 0n],
    ['1', 1n],
    ['n-1', N - 1n],
    ['n', N],
    ['n+1', N + 1n],
    ['p', P],
    ['p+1', P + 1n],
    ['max', MAX],
  ];
  for (const [rName, r] of SPECIAL) {
    test(`is not made of special numbers: r is ${rName} (@incident A3)`, () => {
      for (const [, s] of SPECIAL) {
        const signature = Buffer.concat([scalar(r), scalar(s)]);
        for (const message of [INPUT, Buffer.alloc(0), Buffer.alloc(32)]) {
          assert.throws(() => verifySignature(curveKey, message, signature), bad);
        }
      }
    });
  }

  test('is not the DER form, nor of another length (@rfc 7518 §3.4)', () => {
    const der = sign('sha256', INPUT, curve.privateKey);
    const raw = sign('sha256', INPUT, { key: curve.privateKey, dsaEncoding: 'ieee-p1363' });
    verifySignature(curveKey, INPUT, raw);
    const longer = Buffer.concat([raw.subarray(0, 32), Buffer.alloc(1), raw.subarray(32)]);
    for (const signature of [
      der,
      longer,
      raw.subarray(1),
      Buffer.concat([raw, Buffer.alloc(1)]),
      Buffer.alloc(0),
    ]) {
      assert.throws(() => verifySignature(curveKey, INPUT, signature), bad);
    }
  });
});

describe('an Ed25519 signature', () => {
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const little = (bytes: Uint8Array): bigint =>
    BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);

  test('verifies for its input and its key alone (@rfc 8032 §5.1.7)', () => {
    const signature = sign(null, INPUT, edwards.privateKey);
    verifySignature(edwardsKey, INPUT, signature);
    assert.throws(() => verifySignature(edwardsKey, Buffer.from('Input'), signature), bad);
    const other = verificationKey(publicJwk(generateKeyPairSync('ed25519').publicKey));
    assert.throws(() => verifySignature(other, INPUT, signature), bad);
    assert.throws(() => verifySignature(curveKey, INPUT, signature), bad);
  });

  test('has one S, so none with the order added (@rfc 8032 §5.1.7)', () => {
    const signature = sign(null, INPUT, edwards.privateKey);
    const s = little(signature.subarray(32));
    assert.ok(s < L);
    for (let multiple = 1n; s + multiple * L < 2n ** 256n; multiple += 1n) {
      const changed = Buffer.concat([signature.subarray(0, 32), scalar(s + multiple * L).toReversed()]);
      assert.throws(() => verifySignature(edwardsKey, INPUT, changed), bad);
    }
  });

  test('is never by a key of small order, which is made for all messages at once (@rfc 8032 §5.1.7)', () => {
    for (const point of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
    ]) {
      for (const sign of [0, 0x80]) {
        const bytes = Buffer.from(point, 'hex');
        bytes[31] = (bytes[31] ?? 0) | sign;
        const jwk = { ...publicJwk(edwards.publicKey), x: bytes.toString('base64url') };
        assert.throws(() => verificationKey({ ...jwk, kid: jwkThumbprint(jwk) }), /small order/);
      }
    }
  });
});
