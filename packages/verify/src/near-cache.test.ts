import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry, LogSource } from './log-entry.ts';
import { NearCache, type Remembered } from './near-cache.ts';
import { Tail } from './tail.ts';

interface Answer extends Remembered {
  readonly name: string;
}

async function scene(options: { life?: number; entries?: number } = {}) {
  const time = { now: 1_000_000, mono: 100 };
  const log = { epoch: 'one', epochStart: 0, head: 10, entries: [] as Entry[] };
  const clock = { now: () => time.now, monotonic: () => time.mono };
  const source: LogSource = {
    pull: async (cursor) => ({
      epoch: log.epoch,
      epochStart: log.epochStart,
      head: log.head,
      tag: log.head,
      now: time.now,
      age: 0,
      maxStaleness: 5_000,
      whole: cursor?.epoch !== log.epoch,
      entries: log.entries,
    }),
    onHint: () => () => undefined,
  };
  const tail = new Tail({ source, clock });
  await tail.catchUp();
  const cache = new NearCache<Answer>({
    clock,
    tail,
    entries: options.entries ?? 3,
  });
  const pass = async (millis: number): Promise<void> => {
    time.now += millis;
    time.mono += millis;
    await tail.catchUp();
  };
  const answer = (name: string, more: Partial<Answer> = {}): Answer => ({
    name,
    facts: { rs: 10, session: name, user: 'the-user', client: 'the-client', signingKey: null },
    goodUntil: time.now + 1_000_000,
    life: options.life ?? 60_000,
    ...more,
  });
  const append = async (entry: Pick<Entry, 'kind' | 'scope' | 'subject'>): Promise<void> => {
    log.head += 1;
    log.entries = [...log.entries, { ...entry, seq: log.head, expiresAt: time.now + 1_000_000 }];
    await tail.catchUp();
  };
  return { time, log, tail, cache, pass, answer, append };
}

describe('the near-cache', () => {
  test('answers what was filled, until its life is over, counted from the read (@rule R5)', async () => {
    const { cache, time, pass, answer } = await scene();
    const readAt = time.mono;
    await pass(4_000);
    cache.fill('a', answer('a'), readAt);
    await pass(55_999);
    assert.equal(cache.find('a')?.name, 'a');
    await pass(1);
    assert.equal(cache.find('a'), null);
    assert.equal(cache.size, 0);
  });

  test('answers nothing from when the credential is no longer good (@asvs 7.3.1, @asvs 7.3.2)', async () => {
    const { cache, time, pass, answer } = await scene();
    cache.fill('a', answer('a', { goodUntil: time.now + 1_000 }), time.mono);
    await pass(999);
    assert.notEqual(cache.find('a'), null);
    await pass(1);
    assert.equal(cache.find('a'), null);
  });

  test('refuses a fill whose read is older than the log may be stale (@rule R5)', async () => {
    const { cache, time, answer } = await scene();
    cache.fill('late', answer('late'), time.mono - 5_001);
    cache.fill('just', answer('just'), time.mono - 5_000);
    assert.equal(cache.find('late'), null);
    assert.notEqual(cache.find('just'), null);
  });

  test('checks every hit, also of what was filled after the entry came (@rule R5)', async () => {
    const { cache, time, answer, append } = await scene();
    cache.fill('a', answer('a'), time.mono);
    assert.notEqual(cache.find('a'), null);
    await append({ kind: 'revoke', scope: 'session', subject: 'a' });
    cache.fill('a', answer('a'), time.mono);
    assert.equal(cache.find('a'), null);
    assert.equal(cache.size, 0);
  });

  for (const [kind, scope, subject] of [
    ['revoke', 'user', 'the-user'],
    ['revoke', 'client', 'the-client'],
    ['revoke', 'all', ''],
    ['changed', 'session', 'a'],
    ['changed', 'user', 'the-user'],
  ] as const) {
    test(`drops what an entry ${kind} ${scope} concerns, and keeps what was read after it (@rule R5)`, async () => {
      const { cache, time, answer, append } = await scene();
      cache.fill('a', answer('a'), time.mono);
      await append({ kind, scope, subject });
      assert.equal(cache.find('a'), null);
      const { facts } = answer('a');
      cache.fill('a', answer('a', { facts: { ...facts, rs: 11 } }), time.mono);
      assert.notEqual(cache.find('a'), null);
    });
  }

  test('answers nothing while the log is stale, and again what it kept when it is fresh (@rule R4)', async () => {
    const { cache, time, tail, answer } = await scene();
    cache.fill('a', answer('a'), time.mono);
    time.now += 5_000;
    time.mono += 5_000;
    assert.equal(cache.find('a'), null);
    assert.equal(cache.size, 1);
    await tail.catchUp();
    assert.notEqual(cache.find('a'), null);
  });

  test('forgets what rests on another history of the log (@rule R8)', async () => {
    const { cache, time, log, tail, answer } = await scene();
    cache.fill('a', answer('a'), time.mono);
    Object.assign(log, { epoch: 'two', epochStart: 11, head: 11 });
    log.head = 1_000;
    await tail.catchUp();
    assert.equal(cache.find('a'), null);
  });

  test('is bounded, and the oldest goes first', async () => {
    const { cache, time, answer } = await scene();
    for (const name of ['a', 'b', 'c', 'a', 'd']) cache.fill(name, answer(name), time.mono);
    assert.equal(cache.size, 3);
    assert.equal(cache.find('b'), null);
    for (const name of ['a', 'c', 'd']) assert.equal(cache.find(name)?.name, name);
  });

  test('remembers nothing where its life is nothing', async () => {
    const { cache, time, answer } = await scene({ life: 0 });
    cache.fill('a', answer('a'), time.mono);
    assert.equal(cache.size, 0);
  });
});
