import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PrincipalUser } from '@latchkey/verify';
import { ConfigError } from '../config.ts';
import { isFailure } from '../errors.ts';
import { newId } from '../foundation/ids.ts';
import { allowSensitive, type ClaimsOption } from '../options.ts';
import { parseClaims } from './claims.ts';

const USER: PrincipalUser = {
  id: newId(1_700_000_000_000),
  email: 'ada@example.com',
  name: 'Ada',
  emailVerified: true,
  roles: ['editor'],
  fields: { plan: 'pro' },
};

const only = (value: unknown): ClaimsOption => ({ it: () => value });

describe('the claims of a configuration', () => {
  test('are its keys and no others, of each user as the functions say', () => {
    const claims = parseClaims({ plan: ({ fields }) => fields['plan'], roles: ({ roles }) => roles });
    assert.deepEqual(claims.names, ['plan', 'roles']);
    assert.deepEqual(claims.of(USER), { plan: 'pro', roles: ['editor'] });
    assert.deepEqual(parseClaims(undefined).of(USER), {});
  });

  test('are frozen throughout, since all requests of a credential share them', () => {
    const claims = parseClaims({ groups: () => [{ name: 'x' }] }).of(USER);
    const groups: unknown = claims['groups'];
    assert.ok(Array.isArray(groups) && Object.isFrozen(groups) && Object.isFrozen(groups[0]));
  });

  test('may be a point in time, which is written as JSON writes it', () => {
    assert.deepEqual(parseClaims(only(new Date(0))).of(USER), { it: '1970-01-01T00:00:00.000Z' });
  });

  test('leave out what is undefined', () => {
    assert.deepEqual(parseClaims(only(undefined)).of(USER), {});
  });

  for (const name of [
    'iss',
    'sub',
    'aud',
    'exp',
    'rs',
    'sid',
    'scope',
    'cnf',
    'authorization_details',
    '__proto__',
    'constructor',
    '',
    'a b',
  ]) {
    test(`cannot be named ${JSON.stringify(name)} (@incident K8)`, () => {
      const option: ClaimsOption = Object.fromEntries([[name, () => 1]]);
      assert.throws(() => parseClaims(option), ConfigError);
    });
  }

  for (const name of ['email', 'phone', 'password', 'ssn', 'card', 'userEmail', 'card_number', 'api-key']) {
    test(`are refused at start where they are called ${name}, and not where they are allowed by name (@rfc 8725 §3.12)`, () => {
      const option: ClaimsOption = Object.fromEntries([[name, () => 'x']]);
      assert.throws(() => parseClaims(option), new RegExp(`claims\\.${name} is refused`));
      assert.deepEqual(parseClaims({ ...option, [allowSensitive]: [name] }).of(USER), { [name]: 'x' });
    });
  }

  const values: readonly (readonly [what: string, value: unknown])[] = [
    ['an address', 'ada@example.com'],
    ['an address in a list', ['x', { y: 'ada@example.com' }]],
    ['a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'],
    ['a PEM block', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----'],
    ['a PHC hash', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo'],
    ['an API key', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'],
  ];
  for (const [what, value] of values) {
    test(`refuse ${what}, and the message names the claim and never the value`, () => {
      assert.throws(
        () => parseClaims(only(value)).of(USER),
        (error) => {
          assert.ok(isFailure(error, 'LK_CLAIM_REFUSED'));
          assert.match(error.message, /the claim it /);
          assert.ok(!JSON.stringify([error.message, error.detail]).includes('ada@'));
          assert.equal(error.cause, undefined);
          return true;
        },
      );
    });
  }

  test('refuse what is no JSON, and what outgrows a kilobyte', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const throwing = { toJSON: () => assert.fail('ada@example.com') };
    const deep = Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 1);
    const hostile: unknown = JSON.parse('{"a":{"__proto__":1}}');
    for (const value of [
      ...[() => 1, Symbol('x'), 1n, circular, throwing, 'x'.repeat(1_100), deep, hostile],
      ...[Promise.resolve(1), new Set([1]), new Map(), Number.NaN, [undefined], { constructor: 1 }, '\ud800'],
    ]) {
      assert.throws(
        () => parseClaims(only(value)).of(USER),
        (error) => isFailure(error, 'LK_CLAIM_REFUSED') && !error.message.includes('ada@'),
      );
    }
  });

  test('allow by name only what there is', () => {
    assert.throws(() => parseClaims({ plan: () => 1, [allowSensitive]: ['email'] }), ConfigError);
  });
});
