import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifyAccessToken } from '@latchkey/verify';
import { CompactEncrypt } from 'jose';
import {
  assertRefused,
  assertRefusedUnseen,
  CLAIMS,
  desk,
  EC,
  ED,
  edwards,
  headerOf,
  ISSUER,
  idOf,
  mint,
  NOW,
  signatureOf,
  spell,
} from './minting.ts';

describe('a token that asks for work', () => {
  test('is refused unseen, however many iterations it names (@incident J6)', () => {
    for (const p2c of [2 ** 31 - 1, 1, 1e308]) {
      const header = { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2s: spell('salt'), p2c };
      assertRefusedUnseen(mint(ED, header), 'a header member that is not allowed');
      assertRefusedUnseen(mint(ED, { p2c }), 'a header member that is not allowed');
      const jwe = `${spell(JSON.stringify(header))}.AA.AA.AA.AA`;
      assertRefusedUnseen(jwe, 'not a compact JWS');
    }
  });

  test('is refused unseen and never inflated (@incident J7, @rfc 8725 §3.6)', () => {
    assertRefusedUnseen(mint(ED, { zip: 'DEF' }), 'a header member that is not allowed');
    assertRefusedUnseen(mint(ED, { zip: 'GZIP' }), 'a header member that is not allowed');
    assertRefusedUnseen(
      `${spell('{"alg":"dir","enc":"A128GCM","zip":"DEF"}')}..AA.AA.AA`,
      'not a compact JWS',
    );
  });

  test('is refused unseen above 4,096 characters, however long (@incident J7, @fault F17)', () => {
    // Made flat before they are measured.
    const forty = Buffer.alloc(40_000_000, 'u').toString('latin1');
    const dots = Buffer.alloc(40_000_000, 'u.').toString('latin1');
    const texts = [forty, dots, mint(ED, {}, { pad: 'u'.repeat(4_000) })];
    const before = process.memoryUsage().rss;
    for (const text of texts) assertRefusedUnseen(text, 'too long');
    assert.ok(process.memoryUsage().rss - before < 10_000_000);
  });

  test('is refused unseen where it nests too deep (@incident D1)', () => {
    let nested: unknown = 1;
    for (let level = 0; level < 400; level += 1) nested = [nested];
    assertRefusedUnseen(mint(ED, {}, { nested }), 'a payload that is not strict JSON');
    assertRefusedUnseen(mint(ED, { nested }), 'a header that is not strict JSON');
  });
});

describe('a token that must be understood another way', () => {
  for (const header of [
    { crit: [] },
    { crit: ['exp'], exp: NOW },
    { crit: ['b64'], b64: true },
    { crit: ['b64'], b64: false },
    { crit: ['http://example.com/unknown'] },
    { crit: null },
    { crit: 'alg' },
    { b64: false },
    { b64: true },
    { cty: 'JWT' },
    { iss: ISSUER },
    { url: ISSUER },
  ]) {
    test(`is refused unseen: ${JSON.stringify(header)} (@rfc 7515 §4.1.11, @rfc 7797 §6)`, () => {
      assertRefusedUnseen(mint(ED, header), 'a header member that is not allowed');
    });
  }

  test('is refused unseen: the payload as it is, under b64 false (@rfc 7797 §5.2)', () => {
    const head = spell(JSON.stringify({ ...headerOf(ED), b64: false, crit: ['b64'] }));
    const payload = JSON.stringify(CLAIMS).replaceAll('.', '\\u002e');
    const input = `${head}.${payload}`;
    assertRefusedUnseen(`${input}.${spell(signatureOf(ED, input))}`, 'a header member that is not allowed');
  });

  test('is refused unseen: an unsigned token inside an encrypted one (@incident A1, @rfc 8725 §3.3)', async () => {
    const plain = `${spell('{"alg":"none"}')}.${spell(JSON.stringify(CLAIMS))}.`;
    for (const cty of [{}, { cty: 'JWT' }]) {
      for (const inner of [plain, mint(ED)]) {
        const text = await new CompactEncrypt(Buffer.from(inner))
          .setProtectedHeader({
            alg: 'ECDH-ES',
            enc: 'A128GCM',
            typ: 'at+jwt',
            kid: EC.published.kid,
            ...cty,
          })
          .encrypt(EC.publicKey);
        assert.equal(text.split('.').length, 5);
        assertRefusedUnseen(text, 'not a compact JWS');
      }
    }
  });

  test('is refused unseen: a signed token inside a signed one (@rfc 8725 §3.3, @rfc 7519 §7.2)', () => {
    for (const payload of [mint(ED), JSON.stringify(mint(ED))]) {
      const input = `${spell(JSON.stringify(headerOf(ED)))}.${spell(payload)}`;
      assertRefusedUnseen(`${input}.${spell(signatureOf(ED, input))}`, 'a payload that is not strict JSON');
    }
  });

  test('is refused unseen: the JSON serialisations (@rfc 8725 §3.3)', () => {
    const [head = '', payload = '', signature = ''] = mint(ED).split('.');
    for (const value of [
      { protected: head, payload, signature },
      { payload, signatures: [{ protected: head, signature }] },
      [mint(ED)],
    ]) {
      assertRefused(JSON.stringify(value), null);
    }
  });

  for (const [title, payload] of [
    ['a claim twice', '"sub":"x"'],
    ['a claim twice by escapes', '"\\u0073ub":"x"'],
    ['an expiry twice', '"exp":1'],
  ] as const) {
    test(`is refused unseen: ${title} (@rfc 8725 §3.7, @incident D1, @asvs 1.5.3)`, () => {
      const text = `{${payload},${JSON.stringify(CLAIMS).slice(1)}`;
      const input = `${spell(JSON.stringify(headerOf(ED)))}.${spell(text)}`;
      assertRefusedUnseen(`${input}.${spell(signatureOf(ED, input))}`, 'a payload that is not strict JSON');
    });
  }
});

describe('a good token of another kind', () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'At+Jwt', 'application/at+jwt', 'APPLICATION/AT+JWT']) {
    test(`is none: ${typ} is what an access token is called (@asvs 9.2.2, @rfc 9068 §4)`, () => {
      assert.equal(verifyAccessToken(mint(ED, { typ }), desk().rules).session, idOf(2));
    });
  }

  for (const typ of [
    'JWT',
    'jwt',
    'application/jwt',
    'JOSE',
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'statuslist+jwt',
    'id+jwt',
    'rt+jwt',
    'state+jwt',
    'session+jwt',
    'token-introspection+jwt',
    'oauth-authz-req+jwt',
    'at+jwt ',
    ' at+jwt',
    'at jwt',
    'at',
    '+jwt',
    'xat+jwt',
    'at+jwtx',
    'text/at+jwt',
    'application/at+jwt;v=1',
    'application/application/at+jwt',
    'at+jwt\n',
    'аt+jwt',
    '',
    null,
    1,
    true,
    {},
    ['at+jwt'],
    undefined,
  ]) {
    test(`is refused unseen: ${JSON.stringify(typ)} (@asvs 9.2.2, @incident N2, @rfc 8725 §3.11, @rfc 9068 §4)`, () => {
      assertRefusedUnseen(mint(ED, { typ }), 'another type');
    });
  }

  test('is refused where it says what an ID token says, under whatever type (@asvs 9.2.2, @rfc 8725 §3.12)', () => {
    const idToken = {
      sid: undefined,
      client_id: undefined,
      jti: undefined,
      nonce: 'n',
      azp: 'mobile',
      aud: 'mobile',
    };
    assertRefusedUnseen(mint(ED, { typ: 'JWT' }, idToken), 'another type');
    assertRefused(mint(ED, {}, idToken), 'a missing or malformed claim');
  });

  test('is refused for another audience (@asvs 9.2.3, 10.3.1, @rfc 8725 §3.9)', () => {
    for (const [aud, reason] of [
      ['https://app.example.com/', 'another audience'],
      ['https://app.example.org', 'another audience'],
      ['HTTPS://APP.EXAMPLE.COM', 'another audience'],
      ['orders', 'another audience'],
      [`${ISSUER} orders`, 'another audience'],
      [['orders', 'users'], 'another audience'],
      [[`${ISSUER}x`], 'another audience'],
      [[], 'a missing or malformed claim'],
      [[[ISSUER]], 'a missing or malformed claim'],
      [[ISSUER, 1], 'a missing or malformed claim'],
      [[ISSUER, ''], 'a missing or malformed claim'],
      ['', 'a missing or malformed claim'],
      [{ [ISSUER]: true }, 'a missing or malformed claim'],
      [undefined, 'a missing or malformed claim'],
    ] as const) {
      assertRefused(mint(ED, {}, { aud }), reason);
    }
    for (const aud of [ISSUER, [ISSUER], ['orders', ISSUER]]) {
      assert.deepEqual(verifyAccessToken(mint(ED, {}, { aud }), desk().rules).audience, [aud].flat());
    }
  });

  test('is refused of another issuer, though one key signs for both (@incident A4, @rfc 8725 §3.8)', () => {
    for (const iss of ['https://app.example.org', `${ISSUER}/`, ISSUER.toUpperCase(), `${ISSUER}/tenant`]) {
      assertRefused(mint(ED, {}, { iss }), 'another issuer');
    }
    for (const iss of [[ISSUER], { 0: ISSUER }, '', null, undefined]) {
      assertRefused(mint(ED, {}, { iss }), 'a missing or malformed claim');
    }
  });

  test('is refused with the key of another issuer, in whatever name (@incident A4, @rfc 8725 §3.8)', () => {
    const here = edwards();
    const there = edwards();
    const { rules } = desk([here]);
    assert.equal(verifyAccessToken(mint(here), rules).kid, here.published.kid);
    assertRefused(mint(there), 'unknown key', rules);
    assertRefused(mint(there, { kid: here.published.kid }), 'a bad signature', rules);
    assertRefused(mint(there, {}, { iss: 'https://there.example.com' }), 'unknown key', rules);
  });
});
