import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Moment, momentOf } from './clock.ts';
import type { Entry } from './log-entry.ts';
import type { LogSource } from './log-source.ts';
import { digestOf, NearCache, type Terms } from './near-cache.ts';
import { Tail } from './tail.ts';

/** Sixteen bytes for a name. */
const subjectOf = (name: string): string =>
  createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url');

interface Answer {
  readonly name: string;
  readonly version: number;
}

interface Filling {
  readonly version?: number;
  readonly rs?: number;
  readonly goodUntil?: number;
  readonly readAt?: Moment;
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
  const terms: Terms = { life: options.life ?? 60_000 };
  const cache = new NearCache<Answer, Terms>({
    clock,
    tail,
    entries: options.entries ?? 3,
    factsOf: ({ name }, _, rs) => ({
      rs,
      session: subjectOf(name),
      user: subjectOf('the-user'),
      client: subjectOf('the-client'),
      signingKey: null,
    }),
  });
  const pass = async (millis: number): Promise<void> => {
    time.now += millis;
    time.mono += millis;
    await tail.catchUp();
  };
  const fill = (name: string, { version = 0, rs = 10, goodUntil, readAt }: Filling = {}): void =>
    cache.fill(
      digestOf(name),
      { answer: { name, version }, terms, goodUntil: goodUntil ?? time.now + 1_000_000 },
      { rs, readAt: readAt ?? momentOf(clock) },
    );
  const find = (name: string): Answer | null => cache.find(digestOf(name))?.answer ?? null;
  const append = async (entry: Pick<Entry, 'kind' | 'scope' | 'subject'>): Promise<void> => {
    log.head += 1;
    const subject = entry.subject === '' ? '' : subjectOf(entry.subject);
    log.entries = [...log.entries, { ...entry, subject, seq: log.head, expiresAt: time.now + 1_000_000 }];
    await tail.catchUp();
  };
  return { time, log, tail, cache, pass, fill, find, append };
}

const NAMES = Array.from('abcdefgh');

describe('the near-cache', () => {
  test('answers what was filled, until its life is over, counted from the read (@rule R5)', async () => {
    const { cache, time, pass, fill, find } = await scene();
    const readAt = { wall: time.now, monotonic: time.mono };
    await pass(4_000);
    fill('a', { readAt });
    await pass(55_999);
    assert.equal(find('a')?.name, 'a');
    await pass(1);
    assert.equal(find('a'), null);
    assert.equal(cache.size, 0);
  });

  for (const which of ['now', 'mono'] as const) {
    test(`ends the life of an answer where the ${which === 'now' ? 'wall' : 'monotonic'} clock alone goes on (@rule R5)`, async () => {
      const { time, tail, fill, find } = await scene({ life: 20_000 });
      fill('a');
      time[which] += 19_999;
      await tail.catchUp();
      assert.notEqual(find('a'), null);
      time[which] += 1;
      await tail.catchUp();
      assert.equal(find('a'), null);
    });
  }

  test('answers nothing from when the credential is no longer good (@asvs 7.3.1, @asvs 7.3.2)', async () => {
    const { time, pass, fill, find } = await scene();
    fill('a', { goodUntil: time.now + 1_000 });
    await pass(999);
    assert.notEqual(find('a'), null);
    await pass(1);
    assert.equal(find('a'), null);
  });

  test('answers with the limit and the terms that it was told', async () => {
    const { cache, time, fill } = await scene({ life: 30_000 });
    fill('a', { goodUntil: time.now + 1_234 });
    const { goodUntil, terms } = cache.find(digestOf('a')) ?? assert.fail('it is remembered');
    assert.equal(goodUntil, time.now + 1_234);
    assert.deepEqual(terms, { life: 30_000 });
  });

  test('answers the newest of a credential, whose life begins anew', async () => {
    const { cache, pass, fill, find } = await scene();
    fill('a');
    await pass(40_000);
    fill('a', { version: 1 });
    await pass(40_000);
    assert.deepEqual(find('a'), { name: 'a', version: 1 });
    assert.equal(cache.size, 1);
  });

  test('refuses a fill whose read is older than the log may be stale (@rule R5)', async () => {
    const { time, fill, find } = await scene();
    const before = (millis: number): Moment => ({
      wall: time.now - millis,
      monotonic: time.mono - millis,
    });
    fill('late', { readAt: before(5_001) });
    fill('just', { readAt: before(5_000) });
    fill('asleep', { readAt: { ...before(0), wall: time.now - 5_001 } });
    fill('stepped', { readAt: { ...before(0), monotonic: time.mono - 5_001 } });
    assert.equal(find('late'), null);
    assert.notEqual(find('just'), null);
    assert.equal(find('asleep'), null);
    assert.equal(find('stepped'), null);
  });

  test('checks every hit, also of what was filled after the entry came (@rule R5)', async () => {
    const { cache, fill, find, append } = await scene();
    fill('a');
    assert.notEqual(find('a'), null);
    await append({ kind: 'revoke', scope: 'session', subject: 'a' });
    fill('a');
    assert.equal(find('a'), null);
    assert.equal(cache.size, 0);
  });

  test('says once that the log has ended the session itself, which no reading could deny (@rule R2)', async () => {
    const { cache, tail, time, fill, append } = await scene();
    for (const name of ['a', 'b']) fill(name, { rs: 100 });
    await append({ kind: 'revoke', scope: 'session', subject: 'a' });
    assert.equal(cache.findOrEnd(digestOf('b')), null, 'its position is not known');
    fill('a');
    assert.equal(cache.findOrEnd(digestOf('a')), 'ended');
    assert.equal(cache.findOrEnd(digestOf('a')), null);
    fill('a');
    time.now += 5_000;
    time.mono += 5_000;
    assert.equal(cache.findOrEnd(digestOf('a')), null, 'an old copy says nothing');
    await tail.catchUp();
    assert.equal(cache.findOrEnd(digestOf('a')), 'ended');
    fill('b', { rs: 1 });
    tail.hint([
      { seq: 9, kind: 'revoke', scope: 'session', subject: subjectOf('b'), expiresAt: time.now + 60_000 },
    ]);
    assert.equal(cache.findOrEnd(digestOf('b')), 'ended', 'a hint says so too');
    await tail.catchUp();
    fill('b', { rs: 1 });
    assert.notEqual(cache.findOrEnd(digestOf('b')), 'ended', 'and the log denies it');
    await append({ kind: 'revoke', scope: 'user', subject: 'the-user' });
    fill('c');
    assert.equal(cache.findOrEnd(digestOf('c')), null, 'a session may have been spared');
  });

  for (const [kind, scope, subject] of [
    ['revoke', 'user', 'the-user'],
    ['revoke', 'client', 'the-client'],
    ['revoke', 'all', ''],
    ['changed', 'session', 'a'],
    ['changed', 'user', 'the-user'],
  ] as const) {
    test(`drops what an entry ${kind} ${scope} concerns, and keeps what was read after it (@rule R5)`, async () => {
      const { fill, find, append } = await scene();
      fill('a');
      await append({ kind, scope, subject });
      assert.equal(find('a'), null);
      fill('a', { rs: 11 });
      assert.notEqual(find('a'), null);
    });
  }

  test('answers nothing while the log is stale, and again what it kept when it is fresh (@rule R4)', async () => {
    const { cache, time, tail, fill, find } = await scene();
    fill('a');
    time.now += 5_000;
    time.mono += 5_000;
    assert.equal(find('a'), null);
    assert.equal(cache.size, 1);
    await tail.catchUp();
    assert.notEqual(find('a'), null);
  });

  test('forgets what rests on another history of the log (@rule R8)', async () => {
    const { log, tail, fill, find } = await scene();
    fill('a');
    Object.assign(log, { epoch: 'two', epochStart: 1_000, head: 1_000 });
    await tail.catchUp();
    assert.equal(find('a'), null);
  });

  test('is bounded, and the oldest goes first', async () => {
    const { cache, fill, find } = await scene();
    for (const name of ['a', 'b', 'c', 'a', 'd']) fill(name);
    assert.equal(cache.size, 3);
    assert.equal(find('b'), null);
    for (const name of ['a', 'c', 'd']) assert.equal(find(name)?.name, name);
  });

  test('remembers nothing where its life is nothing', async () => {
    const { cache, fill } = await scene({ life: 0 });
    fill('a');
    assert.equal(cache.size, 0);
  });

  const steps = fc.array(
    fc.record({
      name: fc.constantFrom(...NAMES),
      does: fc.constantFrom('fill', 'fill', 'fill', 'change', 'expire'),
    }),
    { maxLength: 100 },
  );

  test('answers for a credential what was filled last for it, or nothing, however its place was used before (@rule R5)', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const { cache, time, log, fill, find, append } = await scene({ entries: 4 });
        const last = new Map<string, number>();
        for (const [version, { name, does }] of all.entries()) {
          if (does === 'fill') {
            fill(name, { version, rs: log.head });
            last.set(name, version);
            assert.deepEqual(find(name), { name, version });
          } else {
            last.delete(name);
            if (does === 'change') await append({ kind: 'changed', scope: 'session', subject: name });
            else fill(name, { rs: log.head, goodUntil: time.now });
            assert.equal(find(name), null);
          }
          const found = NAMES.map(find).filter((answer) => answer !== null);
          assert.equal(found.length, cache.size);
          assert.ok(found.length <= 4);
          for (const { name: other, version: filled } of found) assert.equal(filled, last.get(other));
        }
      }),
      { numRuns: 50 },
    );
  });
});
