import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { parseRootSecret } from '../foundation/root-secret.ts';
import {
  type Argon2,
  builtInArgon2,
  nativeArgon2,
  type PasswordHasher,
  passwordHasher,
} from './password-hash.ts';

const OLD = 'tXk3y0VYy3H9bQe1uJ8mC5rZ2wPq7sLdN4fGhA6iKoM=';
const NEW = 'Zk9vR3pXwT1sQ6yH0bLdN8fGjC2mA5uE7iKoP4rVqYs=';
const PASSWORD = 'lantern orchid gravel seven';

describe('a hash', () => {
  let argon2: Argon2;
  let hasher: PasswordHasher;
  before(async () => {
    argon2 = await nativeArgon2();
    hasher = passwordHasher({ rootSecret: parseRootSecret(OLD) });
  });

  test('is a PHC string of Argon2id at 19 MiB, two passes, one lane, with a salt of 128 bits (@asvs 11.4.2, @nist 3.1.1.2)', async () => {
    const { phc, pepper } = await hasher.hash(PASSWORD);
    assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(pepper, parseRootSecret(OLD).current.id);
  });

  test('is another one each time', async () => {
    const [one, two] = await Promise.all([hasher.hash(PASSWORD), hasher.hash(PASSWORD)]);
    assert.notEqual(one.phc, two.phc);
  });

  test('verifies its own password and no other, to the last byte (@asvs 6.2.8, @nist 3.1.1.2(9))', async () => {
    const long = (length: number): string => 'lantern orchid gravel seven '.repeat(40).slice(0, length - 1);
    const pairs: readonly [right: string, wrong: string][] = [
      ...[73, 128, 1_024].map((length): [string, string] => [`${long(length)}a`, `${long(length)}b`]),
      ['lantern\0orchid gravel', 'lantern\0orchid travel'],
      ['lantern\0orchid gravel', 'lantern'],
      ['lantern orchid gravel ', 'lantern orchid gravel'],
      ['Lantern orchid gravel', 'lantern orchid gravel'],
    ];
    for (const [right, wrong] of pairs) {
      const hashed = await hasher.hash(right);
      assert.equal(await hasher.verify(right, hashed), true);
      assert.equal(await hasher.verify(wrong, hashed), false);
    }
  });

  test('of either implementation is verified by the other', async () => {
    const rootSecret = parseRootSecret(OLD);
    const native = passwordHasher({ rootSecret, argon2 });
    const builtIn = passwordHasher({ rootSecret, argon2: builtInArgon2 });
    for (const password of [PASSWORD, 'a\0b', '🦊'.repeat(256)]) {
      for (const [maker, checker] of [
        [native, builtIn],
        [builtIn, native],
      ] as const) {
        const hashed = await maker.hash(password);
        assert.equal(await checker.verify(password, hashed), true);
        assert.equal(await checker.verify(`${password}x`, hashed), false);
      }
    }
  });

  test('cannot be verified without the root secret, which is kept apart from it (@nist 3.1.1.2)', async () => {
    const hashed = await hasher.hash(PASSWORD);
    const stranger = passwordHasher({ rootSecret: parseRootSecret(NEW) });
    await assert.rejects(stranger.verify(PASSWORD, hashed), TypeError);
    const unpeppered = { ...hashed, pepper: null };
    assert.equal(await hasher.verify(PASSWORD, unpeppered), false);
  });

  test('that was made elsewhere, without a pepper, is verified and wants to be made anew', async () => {
    const salt = Buffer.from('0123456789abcdef');
    const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
    const derived = await argon2({ password: PASSWORD, salt, secret: null, ...cost, length: 32 });
    const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
    const hashed = { phc: `$argon2id$v=19$m=19456,t=2,p=1$${base64(salt)}$${base64(derived)}`, pepper: null };
    assert.equal(await hasher.verify(PASSWORD, hashed), true);
    assert.equal(hasher.needsRehash(hashed), true);
  });

  test('of a former root secret is verified by a ring, and wants to be made anew', async () => {
    const hashed = await hasher.hash(PASSWORD);
    const ring = passwordHasher({ rootSecret: parseRootSecret(`${NEW},${OLD}`) });
    assert.equal(hasher.needsRehash(hashed), false);
    assert.equal(await ring.verify(PASSWORD, hashed), true);
    assert.equal(ring.needsRehash(hashed), true);
    assert.equal(ring.needsRehash(await ring.hash(PASSWORD)), false);
  });

  test('is made anew where its cost is lower, and left alone where it is higher', async () => {
    const { phc, pepper } = await hasher.hash(PASSWORD);
    const withCost = (cost: string): boolean =>
      hasher.needsRehash({ phc: phc.replace('m=19456,t=2', cost), pepper });
    assert.equal(withCost('m=19455,t=2'), true);
    assert.equal(withCost('m=19456,t=1'), true);
    assert.equal(withCost('m=65536,t=2'), false);
    assert.equal(withCost('m=19456,t=3'), false);
  });

  test('that is no PHC string of ours is an error and never a match', async () => {
    const { phc, pepper } = await hasher.hash(PASSWORD);
    const [, , , , salt = '', hash = ''] = phc.split('$');
    for (const broken of [
      '',
      PASSWORD,
      phc.replace('argon2id', 'argon2i'),
      phc.replace('v=19', 'v=16'),
      `${phc}$`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}$`,
      `$argon2id$v=19$m=19456,t=2,p=1$${salt}$AAAA`,
      `$argon2id$v=19$m=19456,t=2,p=1$AAAA$${hash}`,
    ]) {
      await assert.rejects(hasher.verify(PASSWORD, { phc: broken, pepper }), TypeError, broken);
    }
  });

  test('is also computed where there is nothing to verify against, at the same cost (@incident E1, @incident L1)', async () => {
    const jobs: Parameters<Argon2>[0][] = [];
    const watched = passwordHasher({
      rootSecret: parseRootSecret(OLD),
      argon2: (job) => {
        jobs.push(job);
        return argon2(job);
      },
    });
    const hashed = await hasher.hash(PASSWORD);
    assert.equal(await watched.verify('another password', hashed), false);
    assert.equal(await watched.dummy('another password'), false);
    const costs = jobs.map(({ salt, secret, ...rest }) => ({
      ...rest,
      salt: salt.length,
      secret: secret?.length,
    }));
    assert.equal(costs.length, 2);
    assert.deepEqual(costs[0], costs[1]);
  });
});
