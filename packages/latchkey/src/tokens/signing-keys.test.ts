import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type SigningAlgorithm, verifySignature } from '@latchkey/verify';
import { ConfigError } from '../config.ts';
import { randomBytes } from '../foundation/random.ts';
import { parseRootSecret } from '../foundation/root-secret.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import type { Store } from '../stores/store.ts';
import { KEPT_UNUSED, SigningKeys } from './signing-keys.ts';

const first = randomBytes(32).toString('base64');
const second = randomBytes(32).toString('base64');

describe('the signing keys', () => {
  const time = { now: 1_700_000_000_000 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  let store: Store;
  beforeEach(async () => {
    store = sqlite(':memory:');
    await store.open(time.now);
  });
  afterEach(() => store.close());

  const keysOf = (secret = first, algorithm: SigningAlgorithm = 'EdDSA'): SigningKeys =>
    new SigningKeys({
      store,
      clock,
      rootSecret: parseRootSecret(secret),
      algorithm,
      keyLife: 30 * 86_400_000,
      isRevoked: () => false,
      onRotated: () => undefined,
    });
  const opened = async (secret?: string, algorithm?: SigningAlgorithm): Promise<SigningKeys> => {
    const keys = keysOf(secret, algorithm);
    await keys.open();
    return keys;
  };

  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    test(`sign with ${algorithm} what the published key verifies`, async () => {
      const keys = await opened(first, algorithm);
      const key = keys.find(keys.current.kid);
      assert.equal(key?.algorithm, algorithm);
      verifySignature(key, Buffer.from('a.b'), keys.current.sign('a.b'));
      assert.throws(() => verifySignature(key, Buffer.from('a.c'), keys.current.sign('a.b')));
    });
  }

  test('sign with ES256 in 64 bytes, however short r and s are', async () => {
    const keys = await opened(first, 'ES256');
    const { current } = keys;
    const key = keys.find(current.kid);
    assert.ok(key !== null);
    // One in 128 has a short one; none in 1,000 would be one time in 2,500.
    let short = 0;
    for (let index = 0; index < 1_000; index += 1) {
      const signature = current.sign(`a.${index}`);
      assert.equal(signature.length, 64);
      if (signature[0] === 0 || signature[32] === 0) short += 1;
      verifySignature(key, Buffer.from(`a.${index}`), signature);
    }
    assert.ok(short > 0);
  });

  test('are made once, however many start at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => opened()));
    assert.equal(new Set(all.map(({ current }) => current.kid)).size, 1);
    assert.equal((await store.signingKeys.list()).length, 2, 'one signs, one is next');
  });

  test('are sealed at rest, and published without anything private (@rfc 7517 §9.2)', async () => {
    const keys = await opened();
    const [record] = await store.signingKeys.list();
    assert.ok(record !== undefined);
    // PKCS #8 of Ed25519 holds this object identifier (RFC 8410 §3).
    assert.ok(!Buffer.from(record.sealed).includes(Buffer.from('06032b6570', 'hex')));
    const published = JSON.stringify([keys.published, record.publicKey]);
    assert.ok(!/"(d|p|q|dp|dq|qi|k)"/.test(published), published);
  });

  test('survive a new root secret that has the old one behind it, and are then sealed with the new one', async () => {
    const before = await opened();
    const during = await opened(`${second},${first}`);
    assert.equal(during.current.kid, before.current.kid);
    const after = await opened(second);
    assert.equal(after.current.kid, before.current.kid);
    await assert.rejects(opened(first), ConfigError);
  });

  test('of another algorithm are left to the process that signs with them', async () => {
    const one = await opened();
    const other = await opened(first, 'ES256');
    await one.keep();
    assert.deepEqual(one.published.map(({ alg }) => alg).toSorted(), ['ES256', 'ES256', 'EdDSA', 'EdDSA']);
    assert.ok(one.find(other.current.kid) !== null);
    assert.equal(one.current.algorithm, 'EdDSA');
  });

  test('are kept while a process says that it signs with them, and deleted when no token of them can be good', async () => {
    const used = await opened();
    const left = await opened(first, 'ES256');
    const start = time.now;
    for (let minute = 0; minute < 120; minute += 1) {
      time.now += 60_000;
      await used.keep();
      await store.signingKeys.sweep(time.now - KEPT_UNUSED, 10);
      const isKept = time.now - start <= KEPT_UNUSED;
      assert.equal((await store.signingKeys.list()).length, isKept ? 4 : 2, `after ${minute} minutes`);
    }
    await used.keep();
    assert.equal(used.find(left.current.kid), null);
    assert.ok(used.find(used.current.kid) !== null);
  });

  test('are made anew by a process that stood still until its key was gone', async () => {
    const keys = await opened();
    const before = keys.current.kid;
    time.now += 2 * KEPT_UNUSED;
    await store.signingKeys.sweep(time.now - KEPT_UNUSED, 10);
    await keys.keep();
    assert.notEqual(keys.current.kid, before);
    assert.equal(keys.find(before), null);
  });

  test('that another process made are found, with one read each five seconds however often it is asked (@incident D4)', async () => {
    const keys = await opened();
    let reads = 0;
    const list = store.signingKeys.list.bind(store.signingKeys);
    store.signingKeys.list = async () => {
      reads += 1;
      return await list();
    };
    const other = await opened(first, 'ES256');
    reads = 0;
    await Promise.all(Array.from({ length: 1_000 }, () => keys.refresh()));
    assert.equal(reads, 1);
    assert.ok(keys.find(other.current.kid) !== null);
    time.now += 4_999;
    for (let asked = 0; asked < 1_000; asked += 1) await keys.refresh();
    assert.equal(reads, 1, 'they were read just now');
    time.now += 1;
    await Promise.all(Array.from({ length: 1_000 }, () => keys.refresh()));
    assert.equal(reads, 2);
  });

  for (const kid of ['', '__proto__', 'constructor', '../../dev/null', "' OR 1=1", '\0']) {
    test(`know none of the id ${JSON.stringify(kid)} (@rfc 8725 §3.10)`, async () => {
      assert.equal((await opened()).find(kid), null);
    });
  }

  test('cannot be used before they are opened', () => assert.throws(() => keysOf().current, TypeError));
});
