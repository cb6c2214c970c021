import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FINDINGS, type FindingCode } from './inspect-findings.ts';
import { inspectToken } from './inspect-token.ts';

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1_000;

type Json = Readonly<Record<string, unknown>>;

const HEADER: Json = { alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' };
const CLAIMS: Json = {
  iss: 'https://auth.example.com',
  aud: 'orders',
  sub: 'AZjwwnsceloAAAAAAAAAAQ',
  jti: 'AZjwwnsceloAAAAAAAAAAg',
  client_id: 'web',
  iat: SECONDS - 10,
  exp: SECONDS + 290,
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const SIGNATURE = Buffer.alloc(64, 7).toString('base64url');

/** A token whose header and claims differ in this from a good one; `undefined` leaves a member out. */
const token = (header: Json = {}, claims: Json = {}, signature = SIGNATURE): string =>
  `${encode({ ...HEADER, ...header })}.${encode({ ...CLAIMS, ...claims })}.${signature}`;
const raw = (header: string, payload: string, signature = SIGNATURE): string =>
  `${encode(header)}.${encode(payload)}.${signature}`;
const hmac = (secret: string, alg = 'HS256', hash = 'sha256'): string => {
  const signed = token({ alg }).split('.').slice(0, 2).join('.');
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
};
const bytes = (length: number): string => Buffer.alloc(length, 7).toString('base64url');
const codes = (text: string): readonly FindingCode[] =>
  inspectToken(text, NOW).findings.map(({ code }) => code);

/** Each with every code that it leads to, in order. */
const FAULTS: readonly (readonly [title: string, token: string, codes: readonly FindingCode[]])[] = [
  ['a good access token', token(), []],
  ['the same behind Bearer', `Authorization: Bearer ${token()}\n`, []],
  ['nothing', '', ['not-a-jwt']],
  ['one part', 'eyJ', ['not-a-jwt']],
  ['four parts', 'a.b.c.d', ['not-a-jwt']],
  ['a cookie of ours', `lkc_${'a'.repeat(22)}.${'b'.repeat(43)}`, ['not-a-jwt']],
  ['words with dots', 'not.a.token', ['encoding', 'json', 'not-a-jwt']],
  ['a header that is a list', raw('[]', '{}'), ['header-shape']],
  ['a payload that is a list', raw(JSON.stringify(HEADER), '[1]'), ['payload-shape']],
  ['a payload that is text', raw(JSON.stringify(HEADER), 'hello'), ['json']],
  ['a break inside', token().replace('.', '.\n'), ['encoding']],
  ['padding', `${token()}==`, ['encoding']],
  ['the other alphabet', `${token({}, {}, 'A'.repeat(85))}+`, ['encoding']],
  ['loose bits', `${token().slice(0, -1)}x`, ['encoding']],

  [
    'a key twice in the header',
    raw('{"alg":"none","alg":"EdDSA","typ":"at+jwt"}', JSON.stringify(CLAIMS)),
    ['json'],
  ],
  [
    'a key twice among the claims',
    raw(JSON.stringify(HEADER), `{"sub":"a",${JSON.stringify(CLAIMS).slice(1)}`),
    ['json'],
  ],
  ['nesting without end', raw(JSON.stringify(HEADER), '['.repeat(100)), ['json']],

  ['alg none', token({ alg: 'none' }, {}, ''), ['alg-none']],
  ['alg nOnE', token({ alg: 'nOnE' }, {}, ''), ['alg-none']],
  ['alg " NONE"', token({ alg: ' NONE' }), ['alg-none']],
  ['no alg', token({ alg: undefined }), ['alg-missing']],
  ['a list as alg', token({ alg: ['none'] }), ['alg-missing']],
  ['an alg of nobody', token({ alg: 'XX1' }), ['alg-unknown']],
  ['an alg named like a member of every object', token({ alg: 'constructor' }), ['alg-unknown']],
  ['no signature', token({}, {}, ''), ['unsigned']],
  ['a signature that is too short', token({}, {}, bytes(63)), ['signature-length']],
  [
    'a signature of zeros',
    token({ alg: 'ES256' }, {}, Buffer.alloc(64).toString('base64url')),
    ['signature-zero'],
  ],
  ['RSA with 3072 bits', token({ alg: 'PS256' }, {}, bytes(384)), []],
  ['RSA with 2048 bits', token({ alg: 'RS256' }, {}, bytes(256)), ['rsa-2048']],
  ['RSA with 1024 bits', token({ alg: 'RS256' }, {}, bytes(128)), ['rsa-short']],
  ['a shared secret of its own', hmac('f29c04d1a7be4f8f9d3c6b5a08e7'), ['alg-shared']],
  ['the secret of every tutorial', hmac('secret'), ['weak-secret', 'alg-shared']],
  ['the sample secret of a website', hmac('your-256-bit-secret'), ['weak-secret', 'alg-shared']],
  ['no secret at all', hmac(''), ['weak-secret', 'alg-shared']],
  ['a weak secret in HS512', hmac('changeme', 'HS512', 'sha512'), ['weak-secret', 'alg-shared']],

  ['no typ', token({ typ: undefined }), ['typ-missing']],
  ['typ JWT for what looks like an access token', token({ typ: 'JWT' }), ['typ-not-access', 'typ-general']],
  ['typ JWT', token({ typ: 'JWT' }, { client_id: undefined }), ['typ-general']],
  ['typ with its prefix', token({ typ: 'application/AT+JWT' }), []],
  ['jku', token({ jku: 'https://keys.example.com' }), ['header-key']],
  ['x5u', token({ x5u: 'https://keys.example.com' }), ['header-key']],
  ['jwk', token({ jwk: { kty: 'OKP' } }), ['header-key']],
  ['a private jwk', token({ jwk: { kty: 'OKP', d: 'AA' } }), ['header-private-key']],
  ['jwk of a proof of possession', token({ typ: 'dpop+jwt', jwk: { kty: 'OKP' } }), []],
  ['x5c', token({ x5c: ['MIIB'] }), ['header-chain']],
  ['a crit that nobody knows', token({ crit: ['exp2'], exp2: 1 }), ['crit-unknown']],
  ['b64', token({ crit: ['b64'], b64: false }), ['crit-unknown']],
  ['an empty crit', token({ crit: [] }), ['crit-shape']],
  ['a kid that climbs', token({ kid: '../../dev/null' }), ['kid-odd']],
  ['a kid that queries', token({ kid: "' OR 1=1" }), ['kid-odd']],
  ['zip', token({ zip: 'DEF' }), ['compressed']],
  ['a token inside', token({ cty: 'JWT' }), ['nested']],

  ['no exp', token({}, { exp: undefined }), ['exp-missing']],
  ['exp as text', token({}, { exp: '1800000290' }), ['time-shape']],
  ['exp below zero', token({}, { exp: -1 }), ['time-shape']],
  ['exp in milliseconds', token({}, { exp: NOW }), ['time-milliseconds']],
  ['a quarter of an hour', token({}, { iat: SECONDS, exp: SECONDS + 900 }), []],
  ['a second more', token({}, { iat: SECONDS, exp: SECONDS + 901 }), ['life-long']],
  ['a day', token({}, { iat: SECONDS, exp: SECONDS + 86_400 }), ['life-long']],
  ['more than a day', token({}, { iat: SECONDS, exp: SECONDS + 86_401 }), ['life-very-long']],
  [
    'a long life without iat',
    token({}, { iat: undefined, exp: SECONDS + 86_401 }),
    ['life-very-long', 'iat-missing'],
  ],
  [
    'expired, without iat',
    token({}, { iat: undefined, exp: SECONDS - 1 }),
    ['iat-missing', 'expired', 'life-unknown'],
  ],
  ['expired', token({}, { iat: SECONDS - 300, exp: SECONDS }), ['expired']],
  ['exp before iat', token({}, { iat: SECONDS, exp: SECONDS - 1 }), ['life-none', 'expired']],
  ['iat in the future', token({}, { iat: SECONDS + 61, exp: SECONDS + 300 }), ['iat-future']],
  ['iat within the leeway', token({}, { iat: SECONDS + 60, exp: SECONDS + 300 }), []],
  ['nbf in the future', token({}, { nbf: SECONDS + 61 }), ['nbf-future']],
  ['no iss', token({}, { iss: undefined }), ['iss-missing']],
  ['iss as a list', token({}, { iss: ['https://auth.example.com'] }), ['claim-shape']],
  ['iss over http', token({}, { iss: 'http://auth.example.com' }), ['iss-http']],
  ['iss over http on this machine', token({}, { iss: 'http://localhost:3000' }), []],
  ['no aud', token({}, { aud: undefined }), ['aud-missing']],
  ['an empty aud', token({}, { aud: [] }), ['claim-shape']],
  ['aud for everybody', token({}, { aud: ['*'] }), ['aud-any']],
  ['no sub', token({}, { sub: undefined }), ['sub-missing']],
  ['sub as a number', token({}, { sub: 1 }), ['claim-shape']],
  ['no jti', token({}, { jti: undefined }), ['jti-missing']],

  ['a declared name', token({}, { phone_number: 'x' }), ['sensitive']],
  ['a declared name, deep inside', token({}, { profile: [{ homeAddress: {} }] }), ['sensitive']],
  ['an address as sub', token({}, { sub: 'ada@example.com' }), ['sensitive']],
  ['an address as a key', token({}, { seen: { 'ada@example.com': true } }), ['sensitive']],
  ['an address in the header', token({ for: 'ada@example.com' }), ['sensitive']],
  ['a card', token({}, { paid: '4111 1111 1111 1111' }), ['sensitive']],
  ['a yes about an address', token({}, { email_verified: true, email: true }), []],
  ['more than 1 kB', token({}, { plan: 'p'.repeat(800) }), ['size-large']],
  ['more than 4 kB', token({}, { plan: 'p'.repeat(3_200) }), ['size-too-large']],
];

describe('a token is taken apart', () => {
  for (const [title, text, expected] of FAULTS) {
    test(`${title}: ${expected.join(', ') || 'nothing wrong'}`, () =>
      assert.deepEqual(codes(text), expected));
  }

  test('and every code has an example', () => {
    const seen = new Set([
      ...FAULTS.flatMap(([, , expected]) => expected),
      ...ENCRYPTED.flatMap(([, , all]) => all),
    ]);
    assert.deepEqual(
      Object.keys(FINDINGS).filter((code) => !seen.has(code as FindingCode)),
      [],
    );
  });

  test('and whatever is found in it, no value is repeated', () => {
    const values = [
      'ada@example.com',
      '4111111111111111',
      'hunter2hunter2',
      '+44 20 7946 0958',
      'Ada Lovelace',
    ];
    const [sub, card, password, phone, name] = values;
    const text = token({}, { sub, paid: card, password, at: { desk: phone }, name, [sub ?? '']: 1 });
    const findings = JSON.stringify(inspectToken(text, NOW).findings);
    assert.equal(inspectToken(text, NOW).findings.length, 6);
    for (const value of values) assert.ok(!findings.includes(value));
  });

  test('and of many members of the kind, twenty are named', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`email${index}`, 'x']));
    assert.equal(codes(token({}, many)).filter((code) => code === 'sensitive').length, 21);
  });
});

const jwe = (header: Json, rest = '.a2V5.aXY.Y2lwaGVy.dGFn'): string => encode(header) + rest;

const ENCRYPTED: readonly (readonly [title: string, token: string, codes: readonly FindingCode[]])[] = [
  ['a JWE', jwe({ alg: 'ECDH-ES', enc: 'A256GCM', typ: 'at+jwt' }), ['encrypted']],
  [
    'a JWE with a token inside',
    jwe({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt', cty: 'jwt' }),
    ['encrypted', 'nested'],
  ],
  ['RSA1_5', jwe({ alg: 'RSA1_5', enc: 'A256GCM', typ: 'at+jwt' }), ['alg-unsafe', 'encrypted']],
  ['none', jwe({ alg: 'None', enc: 'A256GCM', typ: 'at+jwt' }), ['alg-none', 'encrypted']],
  ['no alg', jwe({ enc: 'A256GCM', typ: 'at+jwt' }), ['alg-missing', 'encrypted']],
  [
    'a JWE that is compressed',
    jwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF', typ: 'at+jwt' }),
    ['compressed', 'encrypted'],
  ],
  [
    'PBES2',
    jwe({ alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31 - 1, enc: 'A256GCM', typ: 'at+jwt' }),
    ['pbes2-count', 'encrypted'],
  ],
  [
    'a tag with padding',
    jwe({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt' }, '..aXY.Y2lwaGVy.dGFn='),
    ['encoding', 'encrypted'],
  ],
  ['no header', 'a.b.c.d.e', ['encoding', 'json', 'not-a-jwt']],
];

describe('a token that is encrypted tells what can be seen', () => {
  for (const [title, text, expected] of ENCRYPTED) {
    test(`${title}: ${expected.join(', ')}`, () => {
      assert.deepEqual(codes(text), expected);
      assert.equal(inspectToken(text, NOW).claims, null);
    });
  }
});

describe('hostile text', () => {
  test('is taken apart without an error', () => {
    const part = fc.oneof(fc.string(), fc.json().map(encode), fc.base64String(), fc.constant(encode(HEADER)));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        assert.ok(inspectToken(parts.join('.'), NOW).bytes >= 0);
      }),
      { numRuns: 500 },
    );
  });

  for (const [title, make] of [
    ['dots', (size: number) => '.'.repeat(size)],
    ['spaces', (size: number) => ` a`.repeat(size / 2)],
    ['Bearer', (size: number) => 'Bearer '.repeat(size / 7)],
    ['claims', (size: number) => token({}, { a: Array.from({ length: size / 4 }, () => 1) })],
    ['names', (size: number) => token({}, { ['e'.repeat(size)]: 'm@'.repeat(size) })],
  ] as const) {
    test(`takes time by its length alone: ${title} (@asvs 1.3.12, @incident D2)`, () => {
      const cost = (size: number): number => {
        const text = make(size);
        const costs = Array.from({ length: 3 }, () => {
          const start = process.cpuUsage();
          inspectToken(text, NOW);
          const { user, system } = process.cpuUsage(start);
          return (user + system) / 1_000;
        });
        return Math.min(...costs);
      };
      cost(25_000);
      // What is quadratic takes 256 times as long for 16 times the length.
      assert.ok(cost(400_000) < 100 + 64 * cost(25_000));
    });
  }
});
