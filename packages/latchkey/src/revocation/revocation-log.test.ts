import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Position } from '@latchkey/verify';
import { newId, subjectOf } from '../foundation/ids.ts';
import type { SigningKeyRecord } from '../stores/records.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import { Bounds } from './bounds.ts';
import { RemoteFollowers } from './remote-followers.ts';
import { RevocationLog } from './revocation-log.ts';
import { Watermark } from './watermark.ts';

describe('a node among the followers of its log', () => {
  const store = sqlite(':memory:');
  const time = { now: 1_700_000_000_000 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const log = new RevocationLog({
    store,
    clock,
    maxStaleness: 5_000,
    bounds: new Bounds(clock, { accessLife: 300_000, nearCacheLife: 60_000, maxStaleness: 5_000 }),
    followerName: 'here',
    remote: new RemoteFollowers(clock),
    watermark: null,
    onEpoch: async () => undefined,
    onError: (error) => assert.fail(String(error)),
  });
  const acknowledged = async (): Promise<Position | undefined> =>
    (await store.followers.list()).find(({ id }) => id === log.follower)?.acknowledged;
  before(() => store.open(time.now));
  after(() => store.close());

  test('registers before its first pull is answered, and confirms within a second what it has reached (@rule R9)', async () => {
    assert.equal(await acknowledged(), undefined);
    const { epoch, head, tag } = await log.pull(null);
    assert.equal(await acknowledged(), 0, 'what was not yet answered is not confirmed');
    time.now += 999;
    await log.pull({ epoch, seq: head, tag });
    assert.equal(await acknowledged(), 0, 'no write for each pull');
    time.now += 1;
    await log.pull({ epoch, seq: head, tag });
    assert.equal(await acknowledged(), head);
  });

  test('is seen again each ten seconds, though the log stands still (@rule R9)', async () => {
    const seenAt = async (): Promise<number | undefined> => (await store.followers.list())[0]?.seenAt;
    const { epoch, head, tag } = await log.pull(await store.log.head());
    const last = await seenAt();
    time.now += 9_999;
    await log.pull({ epoch, seq: head, tag });
    assert.equal(await seenAt(), last);
    time.now += 1;
    await log.pull({ epoch, seq: head, tag });
    assert.equal(await seenAt(), time.now);
  });

  test('writes each revocation into the rows and the log, and its entry outlives what may be remembered (@rule R6, @rule R7)', async () => {
    const { cursor } = await log.change(async (_tables, trust) => trust.apply('everything_ended', ''));
    assert.equal(await store.log.floor('all', ''), cursor?.seq);
    const { entries } = await log.pull(null);
    assert.equal(entries.at(-1)?.seq, cursor?.seq);
    assert.ok((entries.at(-1)?.expiresAt ?? 0) >= time.now + 60_000 + 5_000 + 30_000 + 60_000);
  });

  test('reckons anew where another process remembers for longer than it was when it looked last (@rule R6)', async () => {
    const expiry = async (): Promise<number> => {
      const { cursor } = await log.changeAlone((trust) => trust.apply('everything_ended', ''));
      assert.equal(await store.log.floor('all', ''), cursor.seq);
      return (await log.pull(null)).entries.at(-1)?.expiresAt ?? 0;
    };
    const before = await expiry();
    const longer = { accessLife: 900_000, nearCacheLife: 60_000, maxStaleness: 5_000 };
    await new Bounds(clock, longer).confirm(store);
    assert.equal((await expiry()) - before, 600_000);
    const { cursor } = await log.change(async (_tables, trust) => trust.apply('everything_ended', ''));
    assert.equal(cursor?.seq, (await store.log.head()).seq);
  });

  test('takes what must be written beside it for a wrong call where nothing can be', async () => {
    const { seq } = await store.log.head();
    const kid = subjectOf('signing_key', 'a key');
    await assert.rejects(
      log.changeAlone((trust) => trust.apply('signing_key_revoked', kid)),
      TypeError,
    );
    await assert.rejects(
      log.changeAlone((trust) =>
        trust.apply('password_changed', newId(time.now), { id: newId(time.now), rs: seq }),
      ),
      TypeError,
    );
    assert.equal((await store.log.head()).seq, seq);
  });

  test('writes nothing of a change that fails (@rule R7)', async () => {
    const { seq } = await store.log.head();
    const failing = log.change(async (_tables, trust) => {
      trust.apply('everything_ended', '');
      throw new Error('failed later');
    });
    await assert.rejects(failing, /failed later/);
    assert.equal((await store.log.head()).seq, seq);
    assert.ok(((await store.log.floor('all', '')) ?? 0) <= seq);
  });

  test('removes the row of a signing key, and that alone; after a failover that lost both, once more (@rule R7, @rule R8)', async () => {
    const key = (kid: string): SigningKeyRecord => ({
      kid,
      algorithm: 'EdDSA',
      publicKey: '{}',
      sealed: new Uint8Array(1),
      sealedBy: 'first',
      createdAt: time.now,
      usedAt: time.now,
      activatesAt: null,
    });
    const kids = async (): Promise<readonly string[]> =>
      (await store.signingKeys.list()).map(({ kid }) => kid);
    for (const kid of ['lost', 'kept']) await store.signingKeys.add(key(kid));
    const subject = subjectOf('signing_key', 'lost');
    await log.change(async (_tables, trust) => trust.apply('signing_key_revoked', subject));
    assert.deepEqual(await kids(), ['kept']);
    const before = await log.pull(null);

    await store.signingKeys.add(key('lost'));
    // The entry went with the row.
    await store.log.purge(time.now + 1e12, 1_000);
    await store.log.beginEpoch(before.epoch, 'failover', time.now);
    await log.pull({ epoch: before.epoch, seq: before.head, tag: before.tag });
    assert.deepEqual(await kids(), ['kept']);
    const { entries, epochStart } = await log.pull(null);
    assert.ok(entries.some((entry) => entry.subject === subject && entry.seq > epochStart));
  });
});

test('what was lost before two epochs that nobody here has seen is noticed all the same (@rule R8)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const store = sqlite(':memory:');
  const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
  await store.open(clock.now());
  const { lineage, epoch, head } = await store.log.pull(null, clock.now());
  const watermark = new Watermark(join(folder, 'watermark'));
  await watermark.write({ lineage, epoch, seq: head + 1, tag: 0, beatAt: null });
  for (let epochs = 0; epochs < 2; epochs += 1) {
    const now = await store.log.head();
    assert.ok(await store.log.beginEpoch(now.epoch, 'failover', clock.now()));
  }
  const causes: string[] = [];
  const log = new RevocationLog({
    store,
    clock,
    maxStaleness: 5_000,
    bounds: new Bounds(clock, { accessLife: 300_000, nearCacheLife: 60_000, maxStaleness: 5_000 }),
    followerName: 'here',
    remote: new RemoteFollowers(clock),
    watermark,
    onEpoch: async (cause) => void causes.push(cause),
    onError: (error) => assert.fail(String(error)),
  });
  await log.pull(null);
  assert.deepEqual(causes, ['restore']);
  await store.close();
  rmSync(folder, { recursive: true });
});

test('a database that was put back goes on above all that was seen, though the clock was ahead then (@rule R8)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
  const store = sqlite(':memory:');
  const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };
  await store.open(clock.now());
  const { lineage, epoch, head } = await store.log.pull(null, clock.now());
  const watermark = new Watermark(join(folder, 'watermark'));
  // A year ahead.
  const seen = head + 31_536_000 * 2 ** 20;
  await watermark.write({ lineage, epoch, seq: seen, tag: 0, beatAt: null });
  const causes: string[] = [];
  const log = new RevocationLog({
    store,
    clock,
    maxStaleness: 5_000,
    bounds: new Bounds(clock, { accessLife: 300_000, nearCacheLife: 60_000, maxStaleness: 5_000 }),
    followerName: 'here',
    remote: new RemoteFollowers(clock),
    watermark,
    onEpoch: async (cause) => void causes.push(cause),
    onError: (error) => assert.fail(String(error)),
  });
  const pulled = await log.pull(null);
  assert.ok(pulled.epochStart > seen);
  assert.deepEqual(causes, ['restore']);
  await store.close();
  rmSync(folder, { recursive: true });
});
