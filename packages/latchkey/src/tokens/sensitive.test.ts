import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { personalNumber, sensitiveName, sensitiveValue } from './sensitive.ts';

const REFUSED_NAMES: readonly (readonly [why: RegExp, names: string])[] = [
  [
    /e-mail/,
    'email e_mail eMail mail Email EMAIL workEmail email2 emails user.email contact-e-mail emailAddress',
  ],
  [/e-mail/, 'https://example.com/claims/email https://example.com/claims#eMail'],
  [/telephone/, 'phone phone_number phoneNumber PHONE-NUMBER phonenumber mobile mobileNumber tel phones fax'],
  [/password/, 'password passwd pwd passphrase passWord user_password password_hash PASSWORD'],
  [/secret/, 'secret client_secret clientSecret CLIENT-SECRET totpSeed'],
  [/credential/, 'token access_token refreshToken id-token idtoken api_key apiKey APIKey jwt tokens'],
  [/private key/, 'private_key privateKey signingKey'],
  [
    /authority/,
    'ssn SSN userSSN social_security socialSecurityNumber passport passport_no national_id taxId',
  ],
  [/card/, 'card card_number cardNumber cardnumber credit-card cvv CVV2 cvc pan'],
  [/bank/, 'iban IBAN bankAccount account_number'],
  [/somebody is/, 'address street home_address streetAddress addresses address1 postal_code zipCode'],
  [/born/, 'birthdate birth_date date_of_birth dateOfBirth DOB birthday'],
  [
    /name of a person/,
    'name given_name familyName first_name lastName fullname surname display_name nickname',
  ],
  [/PIN/, 'pin pin_code PINCode otp recovery_codes'],
  [/e-mail/, '\uff45\uff4d\uff41\uff49\uff4c'],
];

const HARMLESS_NAMES = [
  'email_verified emailVerified phone_number_verified has_password hasPassword is_mobile requires_pin',
  'password_changed_at token_use token_type token_version card_count email-enabled mfa_required',
  'plan tenant cardinality spin maximum pinned spinach mailbox_quota cardiology tokenized emailer',
  'plan_name tenantName role_name mobile_app product_names status address_count addressable phonetic',
  'iss sub aud exp nbf iat jti sid client_id acr amr auth_time org rs azp nonce at_hash cnf act scope roles',
  'locale zoneinfo updated_at entitlements groups tid ver permissions features region surnamed passage',
];

describe('a name of a claim', () => {
  for (const [why, names] of REFUSED_NAMES) {
    test(`is found to stand for ${why.source}: ${names}`, () => {
      for (const name of names.split(' ')) assert.match(sensitiveName(name) ?? '', why, name);
    });
  }
  for (const names of HARMLESS_NAMES) {
    test(`stands for nothing of the kind: ${names}`, () => {
      for (const name of names.split(' ')) assert.equal(sensitiveName(name), null, name);
    });
  }
  test('is read by its first 256 characters', () => {
    assert.match(sensitiveName(`${'a_'.repeat(120)}email`) ?? '', /e-mail/);
    assert.equal(sensitiveName(`${'a_'.repeat(128)}email`), null);
  });
  for (const name of ['', ' ', '__proto__', 'constructor', 'toString', '\ud800', '://', '💳']) {
    test(`such as ${JSON.stringify(name)} is read without an error`, () =>
      assert.equal(sensitiveName(name), null));
  }
});

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const JWT = `${base64url({ alg: 'EdDSA', typ: 'at+jwt' })}.${base64url({ sub: 'a' })}.c2lnbmF0dXJl`;

const REFUSED_VALUES: readonly (readonly [why: RegExp, values: readonly unknown[]])[] = [
  [
    /e-mail/,
    [
      'ada@example.com',
      'Ada Lovelace <ada@example.com>',
      'mailto:ada%40example.com',
      'https://app.example.com/?user=ada@example.com',
      '"ada"@example.com',
      'ada@bücher.example',
      'ada@xn--bcher-kva.xn--p1ai',
      'ада@пример.рф',
      'ADA+tag@EXAMPLE.CO.UK.',
      '@@@ada@example.com',
      { profile: [{ contact: 'ada@example.com' }] },
      { 'ada@example.com': true },
    ],
  ],
  [/JWT/, [JWT, `Bearer ${JWT}`, ` ${JWT}\n`, { deep: [[JWT]] }, `${base64url({ enc: 'A256GCM' })}.a.b.c.d`]],
  [
    /PEM/,
    [
      '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----',
      '-----BEGIN RSA PRIVATE KEY-----\\nMC4C',
      '-----BEGIN CERTIFICATE-----',
    ],
  ],
  [
    /hash/,
    [
      '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g',
      '$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234',
      '$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA',
      '$6$rounds=5000$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789',
      '$pbkdf2-sha256$600000$c2FsdA$aGFzaA',
      'pbkdf2_sha256$600000$salt$aGFzaGhhc2hoYXNo',
      '{SSHA}c2FsdGVkIGhhc2ggb2YgcGFzc3dvcmQ=',
    ],
  ],
  [
    /API key/,
    [
      `sk_live_${'a1'.repeat(12)}`,
      `AKIA${'A1'.repeat(8)}`,
      `ghp_${'a1'.repeat(18)}`,
      `xoxb-${'1'.repeat(12)}`,
      `glpat-${'a'.repeat(20)}`,
      `AIza${'b'.repeat(35)}`,
      `lka_${'c'.repeat(22)}`,
      `lkc_${'c'.repeat(22)}.${'d'.repeat(43)}`,
      { key: [`npm_${'e'.repeat(36)}`] },
    ],
  ],
];

const HARMLESS_VALUES: readonly unknown[] = [
  'pro',
  'a@b',
  'user@localhost',
  'pkg@1.2.3',
  '@scope/name',
  '@ example.com',
  'ada at example dot com',
  'eyewear.shop.example.com',
  'everything.is.fine',
  'e.g. this',
  'costs $5$ or $6$',
  '$2',
  'risk_living',
  'task_live_here',
  'AKIA',
  'https://example.com/a?b=c',
  '0198f0c2-7b1c-7a5e-8f00-000000000001',
  'urn:example:claims:plan',
  ['free', 'pro'],
  { plan: { name: 'pro', seats: 5 } },
  123_456,
  true,
  null,
  undefined,
  '',
];

describe('a value of a claim', () => {
  for (const [why, values] of REFUSED_VALUES) {
    for (const [index, value] of values.entries()) {
      test(`is found to hold ${why.source}, example ${index + 1}, and not repeated`, () => {
        const answer = sensitiveValue(value) ?? '';
        assert.match(answer, why);
        assert.ok(!JSON.stringify(value).includes(answer));
      });
    }
  }
  for (const value of HARMLESS_VALUES) {
    test(`passes: ${JSON.stringify(value)}`, () => assert.equal(sensitiveValue(value), null));
  }

  test('is read once where it holds itself, and however deep it goes', () => {
    const circle: Record<string, unknown> = { plan: 'pro' };
    circle['self'] = [circle];
    assert.equal(sensitiveValue(circle), null);
    let deep: unknown = 'ada@example.com';
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    assert.match(sensitiveValue(deep) ?? '', /e-mail/);
  });

  test('is read without an error whatever it is', () => {
    const throws = {
      get plan(): string {
        throw new Error('not readable');
      },
    };
    for (const value of [throws, Symbol('s'), () => 'ada', new Map(), new Date(0), 10n, Number.NaN]) {
      assert.equal(sensitiveValue(value), null);
      assert.equal(personalNumber(value), null);
    }
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.string(), (value, name) => {
        for (const answer of [sensitiveValue(value), personalNumber(value), sensitiveName(name)])
          assert.ok(answer === null || answer !== '');
      }),
    );
  });
});

describe('a number of a person', () => {
  for (const [why, value] of [
    [/telephone/, '+44 20 7946 0958'],
    [/telephone/, '+4930901820'],
    [/telephone/, 'tel:+1-202-555-0143'],
    [/telephone/, '(202) 555-0143'],
    [/card/, '4111 1111 1111 1111'],
    [/card/, '4111-1111-1111-1111'],
    [/card/, 4_111_111_111_111_111],
    [/card/, 'amex 378282246310005'],
    [/card/, { paid: ['5555555555554444'] }],
    [/bank/, 'DE89 3704 0044 0532 0130 00'],
    [/bank/, 'pay to GB82WEST12345698765432.'],
    [/bank/, 'de89370400440532013000'],
  ] as const) {
    test(`is found: ${JSON.stringify(value)}`, () => assert.match(personalNumber(value) ?? '', why));
  }
  for (const value of [
    '4111 1111 1111 1112',
    '1800000000000',
    1_800_000_000,
    1_800_000_000_000_000,
    '0.4111111111111111',
    '2026-11-23',
    '+12',
    '555',
    'DE88370400440532013000',
    '0198f0c27b1c7a5e8f00000000000001',
    'pro',
  ]) {
    test(`is not: ${JSON.stringify(value)}`, () => assert.equal(personalNumber(value), null));
  }
});

describe('time', () => {
  const pieces = [
    'a',
    '@',
    'a@',
    'a@a.',
    '%40',
    'a@-.',
    'eyJ',
    'eyJhbGci.',
    'eaaaaaaa.a.',
    '$2b$',
    '$1$1',
    '$argon2id$',
    '-',
    '-----BEGIN ',
    '-----BEGIN A',
    'sk_live_',
    'sk-',
    'xoxb-',
    '1',
    '1 ',
    '4-',
    'DE89',
    'A',
    'aB',
    'AB',
    'a_',
    's',
    'es_',
    'email_verified_',
    'e mail ',
    '://',
    '\ufdfa',
    '\ud800',
    'ab12',
    '{SSHA}',
    'SG.',
  ];
  const of = (work: () => unknown): number => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  };
  for (const piece of pieces) {
    test(`grows no faster than the length of ${JSON.stringify(piece)} repeated (@asvs 1.3.12, @incident D2)`, () => {
      const judge = (size: number): number => {
        const text = `${piece.repeat(Math.ceil(size / piece.length))}!`;
        return Math.min(
          ...Array.from({ length: 3 }, () =>
            of(() => [sensitiveName(text), sensitiveValue(text), personalNumber(text)]),
          ),
        );
      };
      judge(10_000);
      // What is quadratic takes 256 times as long for 16 times the length.
      assert.ok(judge(400_000) < 100 + 64 * judge(25_000), `${judge(25_000)} ms, ${judge(400_000)} ms`);
    });
  }
});
