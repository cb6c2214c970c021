import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { allowSensitive, ConfigError, type LatchkeyOptions, latchkey, sqlite } from 'latchkey';
import { z } from 'zod';
import { parseRootSecret } from '../../packages/latchkey/src/foundation/root-secret.ts';
import { unseal } from '../../packages/latchkey/src/tokens/seal.ts';
import { CLIENTS, enter, Program, saidBy, sessionGrant, tokenIn } from '../http/program.ts';
import { codeOf, ORIGIN, openWorld, PASSWORD, TEST_SECRET, type World } from '../http/world.ts';
import { folder, inside } from './scene.ts';

/** Configures a system, and opens nothing. */
const configure = (options: Partial<LatchkeyOptions>): unknown =>
  latchkey({ url: ORIGIN, secret: TEST_SECRET, store: sqlite(':memory:'), ...options });

describe('sensitive data in a token', () => {
  const NAMES = [
    ...['email', 'userEmail', 'phone_number', 'phoneNumber', 'https://example.com/phone', 'password', 'PIN'],
    ...[
      'api_key',
      'ssn',
      'passport_number',
      'iban',
      'card_number',
      'date_of_birth',
      'given_name',
      'street_address',
    ],
  ];
  for (const name of NAMES) {
    test(`is refused at the start by its name: ${name} (@incident G1)`, () => {
      assert.throws(
        () => configure({ claims: { [name]: () => 'x' } }),
        (error: unknown) =>
          error instanceof ConfigError &&
          error.message.includes(name) &&
          error.message.includes('allowSensitive'),
      );
      configure({ claims: { [name]: () => 'x', [allowSensitive]: [name] } });
    });
  }

  test('is not what a name only says something about', () => {
    const claims = {
      email_verified: () => true,
      has_password: () => true,
      plan_name: () => 'pro',
      tenant: () => 't',
    };
    configure({ claims });
  });

  test('cannot be allowed for a claim that is not there, nor a registered claim be named (@incident K8)', () => {
    assert.throws(() => configure({ claims: { plan: () => 'x', [allowSensitive]: ['email'] } }), ConfigError);
    for (const name of [
      'iss',
      'aud',
      'sub',
      'sid',
      'exp',
      'iat',
      'nbf',
      'jti',
      'acr',
      'amr',
      'rs',
      'scope',
      'cnf',
      'act',
      'org',
    ]) {
      const claims = { [name]: () => 'x' };
      assert.throws(() => configure({ claims }), ConfigError, name);
      assert.throws(() => configure({ claims: { ...claims, [allowSensitive]: [name] } }), ConfigError, name);
    }
    for (const name of ['constructor', 'toString', '', 'a b', 'ä', 'x'.repeat(65)])
      assert.throws(() => configure({ claims: { [name]: () => 'x' } }), ConfigError, name);
  });

  /** What a claim's rule may hand over by mistake, all of it with a part that must not be told. */
  const CANARY = 'canary7Qx2';
  const jwt = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${CANARY}.x`;
  const VALUES: readonly (readonly [string, unknown])[] = [
    ['an address', `${CANARY}@example.com`],
    ['an address inside', { contact: [{ to: `Ada <${CANARY}@example.com>` }] }],
    ['an address as a key', { [`${CANARY}@example.com`]: 1 }],
    ['a JWT', jwt],
    ['a PEM block', `-----BEGIN PRIVATE KEY-----\n${CANARY}`],
    ['a hash of a password', `$argon2id$v=19$m=19456,t=2,p=1$${CANARY}AAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA`],
    ['an API key', `sk_live_${CANARY}AAAAAA`],
    ['a refresh token', `lkr_${CANARY}${'A'.repeat(40)}`],
    ['more than a kilobyte', CANARY.repeat(103)],
    ['a number that JSON does not have', { toJSON: () => 1n, note: CANARY }],
    ['a function', Object.assign(() => CANARY, {})],
    ['what refers to itself', circular()],
    ['what cannot be written', { toJSON: () => assert.fail(CANARY) }],
  ];
  function circular(): unknown {
    const value: Record<string, unknown> = {};
    value[`${CANARY}@example.com`] = { again: value };
    return value;
  }

  const refusedAtIssue = async (value: unknown): Promise<void> => {
    let given: unknown = 'free';
    const world = await openWorld({ clients: CLIENTS, claims: { plan: () => given } });
    const program = new Program(world.auth);
    const held = await program.signUp('ada@example.com');
    const spa = world.browser();
    await enter(spa, 'ada@example.com', 'spa');
    given = value;
    const json = { email: 'ada@example.com', password: PASSWORD, client: 'mobile' };
    const asked: readonly (() => Promise<Response>)[] = [
      () => program.send('POST', '/auth/sign-in', { json }),
      () => program.refresh(held.refresh),
      () => sessionGrant(spa),
    ];
    const sessions = async (): Promise<unknown> =>
      inside(
        await (await program.send('GET', '/auth/sessions', { bearer: held.access })).json(),
        'items',
        'length',
      );
    const before = await sessions();
    for (const ask of asked) {
      world.events.length = 0;
      const response = await ask();
      assert.equal(response.status, 500);
      assert.equal(await codeOf(response.clone()), 'LK_INTERNAL');
      assert.ok(!(await response.text()).includes(CANARY), 'the answer does not tell it');
      assertTold(world);
    }
    assert.equal(await sessions(), before, 'no session is left of a login that failed');
    given = 'pro';
    assert.equal(saidBy((await program.renewed(held.refresh)).access)['plan'], 'pro');
    await world.auth.close();
  };
  /** The log has the code and the claim, and nothing of its value. */
  const assertTold = ({ events }: World): void => {
    const failed = events.find(({ type }) => type === 'failed');
    assert.equal(failed?.code, 'LK_CLAIM_REFUSED');
    assert.equal(inside(failed.error, 'detail', 'claim'), 'plan');
    const told = inspect(events, { depth: 20, showHidden: true });
    assert.ok(!told.includes(CANARY), 'the event does not tell it');
  };
  for (const [what, value] of VALUES) {
    test(`is refused as a token is made, and only the claim’s name is told: ${what} (@incident G1, @asvs 16.2.5)`, () =>
      refusedAtIssue(value));
  }

  test('goes in where it is allowed by name, and nothing goes in that no claim asks for', async () => {
    const user = z.object({ note: z.string().default('kept inside') });
    const world = await openWorld({
      clients: CLIENTS,
      user,
      claims: { email: ({ email }) => email, [allowSensitive]: ['email'] },
    });
    const { access } = await new Program(world.auth).signUp('ada@example.com');
    const said = saidBy(access);
    assert.equal(said['email'], 'ada@example.com');
    assert.ok(!JSON.stringify(said).includes('kept inside'));
    await world.auth.close();
  });
});

describe('a token without an expiry', () => {
  for (const life of ['0s', '29s', '16m', '1h', '365d', '-5m', 'never', '', '5']) {
    test(`cannot be configured: ${JSON.stringify(life)} (@asvs 9.2.1)`, () => {
      // What a configuration in JavaScript may hold.
      const tokens = { life } as { life: '5m' };
      assert.throws(() => configure({ tokens }), ConfigError);
    });
  }

  for (const life of ['30s', '5m', '15m'] as const) {
    test(`is not issued anywhere, where tokens live ${life} (@asvs 9.2.1, @rfc 9068 §2.2)`, async () => {
      const world = await openWorld({
        clients: { ...CLIENTS, kiosk: { mode: 'jwt', refresh: false } },
        tokens: { life, audiences: ['orders'] },
        // What a rule answers cannot replace what Latchkey says.
        claims: { extra: () => ({ exp: null }), plan: () => undefined },
      });
      const program = new Program(world.auth);
      const held = await program.signUp('ada@example.com');
      const visit = world.browser();
      const tokens = [
        held.access,
        (await program.renewed(held.refresh)).access,
        (await program.renewed(held.refresh, { audience: 'orders' })).access,
        (await program.signIn('ada@example.com', 'kiosk')).access,
        (await enter(visit, 'ada@example.com', 'spa')).access,
        await tokenIn(await sessionGrant(visit)),
      ];
      const seconds = { '30s': 30, '5m': 300, '15m': 900 }[life];
      for (const token of tokens) {
        const { exp, iat } = saidBy(token);
        assert.equal(Number(exp) - Number(iat), seconds);
      }
      await world.auth.close();
    });
  }
});

describe('tokens over a plain connection', () => {
  const PLAIN = [
    ...['http://app.example.com', 'http://10.0.0.1', 'http://192.168.0.10:3000', 'http://0.0.0.0:3000'],
    ...[
      'http://localhost.example.com',
      'http://127.0.0.1.example.com',
      'http://[2001:db8::1]',
      'ftp://localhost',
    ],
  ];
  for (const url of PLAIN) {
    test(`are not issued: ${url} is refused at the start (@asvs 10.1.1)`, () => {
      assert.throws(() => configure({ url }), ConfigError);
      assert.throws(() => configure({ origins: [url] }), ConfigError);
    });
  }

  test('are possible on this machine alone, where nobody else listens', () => {
    for (const url of [
      'http://localhost:3000',
      'http://127.0.0.1:3000',
      'http://[::1]:3000',
      'https://app.example.com',
    ])
      configure({ url });
  });
});

describe('a database that is read by a thief', () => {
  test('holds no cookie, no token, no key and no password, in whatever spelling (@asvs 13.3.1, @asvs 16.2.5)', async () => {
    const place = await folder();
    const world = await openWorld({ clients: CLIENTS }, sqlite(place.file));
    const program = new Program(world.auth);
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    const spa = await enter(visit, 'ada@example.com', 'spa');
    const mobile = await program.signIn('ada@example.com');
    world.clock.advance(11_000);
    const { refresh, access } = await program.renewed(mobile.refresh);
    await program.status(access);
    await program.send('POST', '/auth/revoke', { form: { token: refresh } });

    const [key] = await world.store.signingKeys.list();
    assert.ok(key !== undefined);
    const rootSecret = parseRootSecret(TEST_SECRET);
    const pkcs8 = unseal(rootSecret, `signing key ${key.kid}`, { bytes: key.sealed, by: key.sealedBy });
    assert.ok(pkcs8 !== null);
    const secrets: Readonly<Record<string, Buffer>> = {
      'the secret of a cookie': Buffer.from(visit.cookie?.split('.')[1] ?? '', 'base64url'),
      'the proof of a refresh token': macIn(mobile.refresh),
      'the proof of its successor': macIn(refresh),
      'the signature of an access token': Buffer.from(access.split('.')[2] ?? '', 'base64url'),
      'the signature of a hybrid one': Buffer.from(spa.access.split('.')[2] ?? '', 'base64url'),
      'the private key': pkcs8.subarray(-32),
      'the root secret': Buffer.from(TEST_SECRET, 'base64'),
      'the key of the chain': rootSecret.current.derive('refresh-chain/v1').export(),
      'a password': Buffer.from(PASSWORD),
    };
    const stolen = bytesOf(place.file);
    assert.ok(stolen.includes('ada@example.com'), 'it is the database');
    assert.ok(stolen.includes(key.kid));
    for (const [what, bytes] of Object.entries(secrets)) {
      assert.ok(bytes.length >= 27, what);
      const spellings = [bytes, bytes.toString('base64url'), bytes.toString('base64'), bytes.toString('hex')];
      for (const spelling of spellings) assert.ok(!stolen.includes(spelling), what);
    }
    await world.auth.close();
    await place.remove();
  });

  function bytesOf(file: string): Buffer {
    return Buffer.concat([readFileSync(file), readFileSync(`${file}-wal`)]);
  }

  function macIn(token: string): Buffer {
    return Buffer.from(token.slice(4), 'base64url').subarray(29);
  }
});
