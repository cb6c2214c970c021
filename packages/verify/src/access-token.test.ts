import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { jwtVerify } from 'jose';
import { type AccessTokenRules, RESERVED_CLAIMS, verifyAccessToken } from './access-token.ts';
import { type TokenRefusal, TokenRefused } from './compact-jws.ts';
import { publicJwk, verificationKey } from './verification-key.ts';

const ISSUER = 'https://app.example.com';
const NOW = 1_800_000_000;
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = verificationKey(publicJwk(publicKey));
const rules: AccessTokenRules = {
  issuer: ISSUER,
  audience: 'orders',
  key: (kid) => (kid === key.kid ? key : null),
  now: NOW * 1_000,
};

const idOf = (byte: number): string => Buffer.alloc(16, byte).toString('base64url');
const CLAIMS: Readonly<Record<string, unknown>> = {
  iss: ISSUER,
  aud: 'orders',
  sub: idOf(1),
  sid: idOf(2),
  client_id: 'mobile',
  iat: NOW - 10,
  exp: NOW + 290,
  jti: idOf(3),
  acr: 'aal1',
  amr: ['pwd'],
  auth_time: NOW - 1_000,
  rs: 1_887_436_800_000_001,
  plan: 'pro',
};

/** A token signed by the right key over any payload: nothing is wrong with it but what it says. */
function signed(payload: string, header: Record<string, unknown> = {}): string {
  const spell = (text: string): string => Buffer.from(text).toString('base64url');
  const head = spell(JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, ...header }));
  const input = `${head}.${spell(payload)}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}
const token = (claims: Record<string, unknown>): string => signed(JSON.stringify({ ...CLAIMS, ...claims }));
const without = (name: string): string =>
  signed(JSON.stringify(Object.fromEntries(Object.entries(CLAIMS).filter(([claim]) => claim !== name))));

function refused(reason: TokenRefusal, claim: string | null = null) {
  return (error: unknown) =>
    error instanceof TokenRefused && error.reason === reason && error.claim === claim;
}
const MALFORMED = 'a missing or malformed claim';

describe('an access token', () => {
  test('is what it says, frozen throughout (@rfc 9068 §2.2)', () => {
    const read = verifyAccessToken(token({ limits: { seats: [3] } }), rules);
    assert.deepEqual(read, {
      kind: 'user',
      issuer: ISSUER,
      audience: ['orders'],
      subject: idOf(1),
      session: idOf(2),
      client: 'mobile',
      issuedAt: NOW - 10,
      expiresAt: NOW + 290,
      id: idOf(3),
      acr: 'aal1',
      amr: ['pwd'],
      authTime: NOW - 1_000,
      rs: 1_887_436_800_000_001,
      claims: { plan: 'pro', limits: { seats: [3] } },
      kid: key.kid,
    });
    const limits: unknown = read.claims['limits'];
    const seats: unknown = Reflect.get(Object(limits), 'seats');
    for (const part of [read, read.audience, read.amr, read.claims, limits, seats]) {
      assert.ok(Object.isFrozen(part));
    }
  });

  const ofClient = (changes: Record<string, unknown> = {}): string => {
    const { sid: _sid, acr: _acr, amr: _amr, auth_time: _time, plan: _plan, ...claims } = CLAIMS;
    return signed(JSON.stringify({ ...claims, sub: 'client_shop', client_id: 'shop', ...changes }));
  };

  test('of a client itself speaks for no session and nobody who has signed in (@rfc 9068 §2.2)', () => {
    const read = verifyAccessToken(ofClient(), rules);
    assert.deepEqual(read, {
      kind: 'client',
      issuer: ISSUER,
      audience: ['orders'],
      subject: 'client_shop',
      session: null,
      client: 'shop',
      issuedAt: NOW - 10,
      expiresAt: NOW + 290,
      id: idOf(3),
      acr: null,
      amr: [],
      authTime: null,
      rs: 1_887_436_800_000_001,
      claims: {},
      kid: key.kid,
    });
    assert.ok(Object.isFrozen(read) && Object.isFrozen(read.amr));
  });

  test('is either of a user or of a client: what is half of each is refused (@asvs 9.2.1, 10.3.1)', () => {
    const session = idOf(2);
    for (const [claims, claim] of [
      [{ sub: 'client_other' }, 'sub'],
      [{ sub: 'client_' }, 'sub'],
      [{ sub: 'shop' }, 'sub'],
      [{ sub: idOf(1) }, 'sid'],
      [{ sid: session }, 'sub'],
      [{ sid: null }, 'sub'],
      [{ acr: 'aal1' }, 'acr'],
      [{ amr: ['pwd'] }, 'amr'],
      [{ auth_time: NOW }, 'auth_time'],
      [{ client_id: '' }, 'client_id'],
      // Sixteen bytes in their one spelling, and yet no user: there is no session.
      [{ sub: 'client_abcdefghijklmng', client_id: 'abcdefghijklmnw' }, 'sid'],
    ] as const) {
      assert.throws(
        () => verifyAccessToken(ofClient(claims), rules),
        refused(MALFORMED, claim),
        JSON.stringify(claims),
      );
    }
    const name = 'abcdefghijklmng';
    const read = verifyAccessToken(ofClient({ sub: `client_${name}`, client_id: name }), rules);
    assert.equal(read.kind, 'client');
  });

  test('may leave out the position, for an audience that does not follow the log', () => {
    assert.equal(verifyAccessToken(without('rs'), rules).rs, null);
  });

  for (const name of Object.keys(CLAIMS).filter((claim) => claim !== 'rs' && claim !== 'plan')) {
    test(`is refused without ${name} (@rfc 9068 §2.2, @asvs 9.2.1, 10.3.1)`, () => {
      assert.throws(() => verifyAccessToken(without(name), rules), refused(MALFORMED, name));
    });
  }

  const WRONG: readonly unknown[] = [null, true, false, {}, [[]], [null], [1], '', -1, 1.5];
  const TEXTS = ['iss', 'sub', 'sid', 'client_id', 'jti', 'acr'];
  const TIMES = ['iat', 'exp', 'nbf', 'auth_time', 'rs'];
  for (const name of [...TEXTS, ...TIMES, 'aud', 'amr']) {
    test(`is refused where ${name} is of another JSON type (@incident J4, @asvs 9.2.1, 15.3.5)`, () => {
      const right = CLAIMS[name] ?? NOW;
      const wrapped: readonly unknown[] = [[right], { 0: right }];
      const more: readonly unknown[] = TIMES.includes(name)
        ? [`${NOW}`, `${NOW}.0`, 0.5, 1e308, 2 ** 53, -0.1]
        : [0, 1, NOW, []];
      // `aud` alone may be an array of texts (RFC 7519 §4.1.3).
      for (const value of [...WRONG, ...more, ...(name === 'aud' ? [] : wrapped)]) {
        assert.throws(
          () => verifyAccessToken(token({ [name]: value }), rules),
          refused(MALFORMED, name),
          JSON.stringify(value),
        );
      }
    });
  }

  test('is refused for numbers that JSON can write and a double cannot hold (@asvs 9.2.1)', () => {
    const text = JSON.stringify(CLAIMS);
    for (const number of ['1e400', '-1e400', '9007199254740993', '1800000290.5', '1.8e308', '0.1e-400000']) {
      const payload = text.replace(`"exp":${NOW + 290}`, `"exp":${number}`);
      assert.notEqual(payload, text);
      assert.throws(() => verifyAccessToken(signed(payload), rules), refused(MALFORMED, 'exp'));
    }
  });

  for (const name of ['sub', 'sid']) {
    test(`has an id of sixteen bytes in its one spelling as ${name}`, () => {
      for (const value of [
        idOf(1).slice(1),
        `${idOf(1)}A`,
        `${idOf(1).slice(1)}=`,
        `${idOf(1).slice(0, 21)}R`,
        ` ${idOf(1).slice(1)}`,
        `${idOf(1)}\n`,
        'client_orders',
        '__proto__',
      ]) {
        assert.throws(() => verifyAccessToken(token({ [name]: value }), rules), refused(MALFORMED, name));
      }
    });
  }

  for (const [name, values] of [
    ['acr', ['aal0', 'AAL1', 'aal1 ', 'urn:aal1', '__proto__', '0']],
    ['amr', [['PWD'], ['pwd', 'face'], ['pwd', 1], []]],
  ] as const) {
    test(`has an ${name} that is known (@asvs 10.3.4)`, () => {
      for (const value of values) {
        assert.throws(() => verifyAccessToken(token({ [name]: value }), rules), refused(MALFORMED, name));
      }
    });
  }

  for (const name of ['org', 'scope', 'authorization_details', 'cnf', 'act']) {
    test(`is refused with ${name}, which would narrow it and is not honoured`, () => {
      for (const value of [null, '', 'x', {}]) {
        assert.throws(() => verifyAccessToken(token({ [name]: value }), rules), refused(MALFORMED, name));
      }
    });
  }

  test('keeps reserved claims apart from the own ones (@incident K8)', () => {
    const { claims } = verifyAccessToken(token({ nbf: NOW, email_hash: 'x' }), rules);
    assert.deepEqual(claims, { plan: 'pro', email_hash: 'x' });
    for (const name of Object.keys(CLAIMS)) assert.equal(RESERVED_CLAIMS.has(name), name !== 'plan');
  });

  for (const [title, text] of [
    ['__proto__', '"__proto__":{"admin":true}'],
    ['__proto__ by escapes', '"\\u005f_proto__":{"admin":true}'],
    ['constructor', '"constructor":{"prototype":{"admin":true}}'],
    ['prototype', '"prototype":{}'],
    ['__proto__ deep inside', '"plans":[{"__proto__":{"admin":true}}]'],
  ] as const) {
    test(`is refused with a claim ${title}, and pollutes nothing (@incident D1, @asvs 15.3.6)`, () => {
      const payload = `${JSON.stringify(CLAIMS).slice(0, -1)},${text}}`;
      assert.throws(() => verifyAccessToken(signed(payload), rules), refused(MALFORMED));
      assert.equal(Reflect.get({}, 'admin'), undefined);
    });
  }

  test('takes nothing from the prototype of all objects (@asvs 15.3.6)', () => {
    assert.ok(Reflect.defineProperty(Object.prototype, 'acr', { value: 'aal3', configurable: true }));
    try {
      assert.throws(() => verifyAccessToken(without('acr'), rules), refused(MALFORMED, 'acr'));
    } finally {
      Reflect.deleteProperty(Object.prototype, 'acr');
    }
  });
});

describe('the time of an access token', () => {
  const at = (claims: Record<string, unknown>, now: number) => () =>
    verifyAccessToken(token(claims), { ...rules, now });

  test('ends with exp, to the millisecond and without leeway (@asvs 9.2.1)', () => {
    assert.doesNotThrow(at({ exp: NOW + 1 }, NOW * 1_000 + 999));
    assert.throws(at({ exp: NOW + 1 }, NOW * 1_000 + 1_000), refused('expired'));
    assert.throws(at({ exp: NOW + 1 }, NOW * 1_000 + 1_001), refused('expired'));
  });

  test('begins with iat, give or take 30 seconds of the clocks (@asvs 9.2.1, @rule R6)', () => {
    const claims = { iat: NOW, exp: NOW + 300 };
    assert.doesNotThrow(at(claims, (NOW - 30) * 1_000));
    assert.throws(at(claims, (NOW - 30) * 1_000 - 1), refused('issued in the future'));
  });

  test('begins with nbf where there is one, without leeway (@asvs 9.2.1, @rfc 7519 §4.1.5)', () => {
    assert.doesNotThrow(at({ nbf: NOW }, NOW * 1_000));
    assert.throws(at({ nbf: NOW }, NOW * 1_000 - 1), refused('not good yet'));
  });

  test('is fifteen minutes at most, and not nothing (@rule R6)', () => {
    assert.doesNotThrow(at({ iat: NOW, exp: NOW + 900 }, NOW * 1_000));
    assert.throws(at({ iat: NOW, exp: NOW + 901 }, NOW * 1_000), refused('too long a life'));
    assert.throws(at({ iat: 0, exp: Number.MAX_SAFE_INTEGER }, NOW * 1_000), refused('too long a life'));
    assert.throws(at({ iat: NOW + 1, exp: NOW + 1 }, NOW * 1_000), refused(MALFORMED, 'exp'));
    assert.throws(at({ iat: NOW + 2, exp: NOW + 1 }, NOW * 1_000), refused(MALFORMED, 'exp'));
  });

  test('is over by any clock that is no number', () => {
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.throws(at({}, now), TokenRefused);
    }
  });

  test('is judged last: expired says that all else is good', () => {
    const later = { ...rules, now: (NOW + 10_000) * 1_000 };
    assert.throws(() => verifyAccessToken(token({}), later), refused('expired'));
    assert.throws(() => verifyAccessToken(token({ aud: 'x' }), later), refused('another audience'));
    assert.throws(() => verifyAccessToken(token({ iss: 'x' }), later), refused('another issuer'));
    assert.throws(() => verifyAccessToken(token({ acr: 1 }), later), refused(MALFORMED, 'acr'));
    assert.throws(
      () => verifyAccessToken(`${token({}).slice(0, -86)}${'A'.repeat(86)}`, later),
      refused('a bad signature'),
    );
  });
});

describe('an access token beside jose', () => {
  const good = (name: string): fc.Arbitrary<unknown> => fc.constant(CLAIMS[name]);
  const times = fc.integer({ min: -1_000, max: 1_000 }).map((offset) => NOW + offset);
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      '',
      'orders',
      ISSUER,
      0,
      -1,
      NOW + 0.5,
      `${NOW}`,
      [],
      {},
      ['orders'],
      [ISSUER],
    ),
    fc.jsonValue(),
  );
  const mostly = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 40, arbitrary: value }, { weight: 1, arbitrary: odd });
  const claimSets = fc.record({
    ...Object.fromEntries(Object.keys(CLAIMS).map((name) => [name, mostly(good(name))])),
    aud: mostly(fc.constantFrom<unknown>('orders', ['orders'], ['users', 'orders'], ['users'])),
    iat: mostly(times),
    exp: mostly(times),
    nbf: mostly(fc.oneof(fc.constant(undefined), times)),
    rs: mostly(fc.oneof(fc.constant(undefined), fc.nat())),
    own: fc.jsonValue({ maxDepth: 3 }),
  });

  test('verifies nothing that jose does not, and says the same (@asvs 9.2.1, 9.2.3, @rfc 7519 §7.2)', async () => {
    const seen = { accepted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(claimSets, async (claims) => {
        const text = signed(JSON.stringify(claims));
        let read: ReturnType<typeof verifyAccessToken>;
        try {
          read = verifyAccessToken(text, rules);
        } catch (error) {
          assert.ok(error instanceof TokenRefused);
          seen.refused += 1;
          return;
        }
        seen.accepted += 1;
        const { payload } = await jwtVerify(text, publicKey, {
          algorithms: ['EdDSA'],
          typ: 'at+jwt',
          issuer: ISSUER,
          audience: 'orders',
          currentDate: new Date(NOW * 1_000),
          requiredClaims: Object.keys(CLAIMS).filter((name) => name !== 'rs' && name !== 'plan'),
        });
        assert.deepEqual(
          [payload.sub, payload['sid'], payload.iat, payload.exp],
          [read.subject, read.session, read.issuedAt, read.expiresAt],
        );
        assert.deepEqual([payload.aud].flat(), [...read.audience]);
        assert.deepEqual({ plan: payload['plan'], own: payload['own'] }, { plan: undefined, ...read.claims });
      }),
      { numRuns: 1_000 },
    );
    // Some 70 of them as a rule; a property that never accepts would show nothing.
    assert.ok(seen.accepted >= 20, `${seen.accepted} were accepted`);
    assert.ok(seen.refused >= 20, `${seen.refused} were refused`);
  });

  test('never verifies with a claim of another JSON type, whichever it is (@incident J4)', () => {
    const kindOf = (value: unknown): string =>
      Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    const names = Object.keys(CLAIMS).filter((name) => name !== 'plan' && name !== 'aud');
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, value) => {
        fc.pre(kindOf(value) !== kindOf(CLAIMS[name]));
        assert.throws(() => verifyAccessToken(token({ [name]: value }), rules), refused(MALFORMED, name));
      }),
      { numRuns: 1_000 },
    );
  });
});
