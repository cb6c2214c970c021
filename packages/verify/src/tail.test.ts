import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Clock } from './clock.ts';
import type { Cursor, Entry } from './log-entry.ts';
import type { Loaded, LogSource, Pull } from './log-source.ts';
import { type Facts, RevokedSet } from './revoked-set.ts';
import { Tail } from './tail.ts';

/** Sixteen bytes for a name. */
const subjectOf = (name: string): string =>
  createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url');

const FACTS: Facts = {
  rs: 10,
  session: subjectOf('the-session'),
  user: subjectOf('the-user'),
  client: subjectOf('the-client'),
  signingKey: null,
};
const revoked = (seq: number): Entry => ({
  seq,
  kind: 'revoke',
  scope: 'session',
  subject: subjectOf('the-session'),
  expiresAt: 10_000_000,
});

/** A log in memory whose answers a test can hold back, and a clock that it moves. */
class Scene implements LogSource {
  readonly clock: Clock = { now: () => this.wall, monotonic: () => this.mono };
  readonly asked: (Cursor | null)[] = [];
  readonly errors: unknown[] = [];
  wall = 1_000_000;
  mono = 500;
  epoch = 'first';
  head = 10;
  epochStart = 0;
  offset = 0;
  age = 0;
  entries: Entry[] = [];
  hold: Promise<void> | null = null;
  broken = false;
  #listener: ((entries: readonly Entry[], own: boolean) => void) | null = null;
  readonly tail = new Tail({
    source: this,
    clock: this.clock,
    // The tests pull by themselves.
    interval: 2 ** 30,
    pause: () => 2 ** 30,
    onError: (error) => this.errors.push(error),
  });

  async pull(cursor: Cursor | null): Promise<Pull> {
    this.asked.push(cursor);
    if (this.broken) throw new Error('cannot be reached');
    const whole = cursor === null || cursor.epoch !== this.epoch;
    const answer = {
      epoch: this.epoch,
      epochStart: this.epochStart,
      head: this.head,
      tag: this.head,
      now: this.wall + this.offset,
      age: this.age,
      maxStaleness: 5_000,
      whole,
      entries: whole ? [...this.entries] : this.entries.filter(({ seq }) => seq > cursor.seq),
    };
    await this.hold;
    return answer;
  }

  onHint(listener: (entries: readonly Entry[], own: boolean) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = null;
    };
  }

  hint(entries: readonly Entry[], own = false): void {
    this.#listener?.(entries, own);
  }

  pass(millis: number): void {
    this.wall += millis;
    this.mono += millis;
  }
}

async function started(): Promise<Scene> {
  const scene = new Scene();
  await scene.tail.start();
  return scene;
}

describe('a tail', () => {
  test('knows nothing before its first pull (@rule R4)', () => {
    const { tail } = new Scene();
    assert.equal(tail.isFresh(), false);
    assert.equal(tail.check(FACTS), 'unknown');
    assert.equal(tail.lag(), Number.POSITIVE_INFINITY);
  });

  test('rejects a first pull that fails, and can be started again (@rule R4)', async () => {
    const scene = new Scene();
    scene.broken = true;
    await assert.rejects(scene.tail.start());
    scene.broken = false;
    await scene.tail.start();
    assert.equal(scene.tail.check(FACTS), 'ok');
    await scene.tail.stop();
  });

  for (const [title, move] of [
    ['both clocks', (scene: Scene, millis: number) => scene.pass(millis)],
    ['the wall clock alone, as after a suspension', (scene: Scene, millis: number) => (scene.wall += millis)],
    ['the monotonic clock alone', (scene: Scene, millis: number) => (scene.mono += millis)],
  ] as const) {
    test(`is fresh for as long as the log says, by ${title} (@rule R4)`, async () => {
      const scene = await started();
      move(scene, 4_999);
      assert.equal(scene.tail.check(FACTS), 'ok');
      move(scene, 1);
      assert.equal(scene.tail.isFresh(), false);
      assert.equal(scene.tail.check(FACTS), 'unknown');
      await scene.tail.stop();
    });
  }

  test('is not fresh where the wall clock steps back beyond the leeway (@rule R6)', async () => {
    const scene = await started();
    scene.wall -= 30_000;
    assert.equal(scene.tail.isFresh(), true);
    scene.wall -= 1;
    assert.equal(scene.tail.isFresh(), false);
    await scene.tail.catchUp();
    assert.equal(scene.asked.at(-1), null, 'the whole is read again');
    assert.equal(scene.tail.isFresh(), true);
    await scene.tail.stop();
  });

  for (const [offset, fresh] of [
    [30_000, true],
    [30_001, false],
    [-30_000, true],
    [-30_001, false],
  ] as const) {
    test(`whose clock is ${-offset} ms from the log's is ${fresh ? '' : 'not '}fresh (@rule R4)`, async () => {
      const scene = new Scene();
      scene.offset = offset;
      await scene.tail.start();
      assert.equal(scene.tail.isFresh(), fresh);
      await scene.tail.stop();
    });
  }

  test('counts from when the pull was sent, and from the age of the answer (@rule R4)', async () => {
    const scene = await started();
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.hold = promise;
    const pulled = scene.tail.catchUp();
    scene.pass(3_000);
    resolve();
    await pulled;
    assert.equal(scene.tail.lag(), 3_000);
    scene.hold = null;
    scene.age = 1_500;
    await scene.tail.catchUp();
    assert.equal(scene.tail.lag(), 1_500);
    await scene.tail.stop();
  });

  test('does not move its cursor by a hint, which can add and nothing else (@rule R4)', async () => {
    const scene = await started();
    scene.broken = true;
    scene.pass(4_000);
    scene.hint([revoked(99)]);
    assert.equal(scene.tail.check(FACTS), 'revoked');
    await scene.tail.catchUp();
    assert.equal(scene.tail.cursor?.seq, 10);
    assert.equal(scene.tail.lag(), 4_000, 'a hint confirms nothing');
    scene.hint([]);
    assert.equal(scene.tail.check(FACTS), 'revoked', 'a hint takes nothing back');
    assert.ok(scene.errors.length > 0);
    await scene.tail.stop();
  });

  test('forgets what was hinted at and is not so, once the log has been asked afterwards (@rule R4)', async () => {
    const scene = await started();
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.hold = promise;
    const earlier = scene.tail.catchUp();
    scene.pass(1);
    scene.hint([{ ...revoked(99), scope: 'all', subject: '' }]);
    assert.equal(scene.tail.check(FACTS), 'revoked');
    resolve();
    await earlier;
    assert.equal(scene.tail.check(FACTS), 'revoked', 'that pull was sent before');
    scene.hold = null;
    await scene.tail.catchUp();
    assert.equal(scene.tail.check(FACTS), 'ok');
    await scene.tail.stop();
  });

  for (const [title, early, age, verdict] of [
    ['heard in the moment after a pull was sent is not answered by that one', 0, 0, 'revoked'],
    ['heard before one whose answer is older is not answered by that one', 100, 101, 'revoked'],
    ['heard before one whose answer is younger is', 100, 99, 'ok'],
  ] as const) {
    test(`what was hinted at and ${title} (@rule R4)`, async () => {
      const scene = await started();
      scene.pass(1_000);
      const hint = { ...revoked(99), scope: 'all', subject: '' } as const;
      if (early > 0) scene.hint([hint]);
      scene.pass(early);
      scene.age = age;
      const pulled = scene.tail.catchUp();
      if (early === 0) scene.hint([hint]);
      await pulled;
      assert.equal(scene.tail.check(FACTS), verdict);
      await scene.tail.stop();
    });
  }

  test('holds no more hints than it can ask about (@rule R4)', async () => {
    const scene = await started();
    const forged = Array.from({ length: 10_001 }, (_, index) => ({
      ...revoked(99),
      subject: subjectOf(`${index}`),
    }));
    scene.hint(forged);
    scene.hint([revoked(99)]);
    assert.equal(scene.tail.check(FACTS), 'ok');
    scene.entries = [revoked(11)];
    scene.head = 11;
    await scene.tail.catchUp();
    assert.equal(scene.tail.check(FACTS), 'revoked');
    await scene.tail.stop();
  });

  test('pulls soon after a hint, once for many (@rule R4)', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const scene = await started();
    const asked = scene.asked.length;
    for (let hints = 0; hints < 5; hints += 1) scene.hint([]);
    assert.equal(scene.asked.length, asked);
    t.mock.timers.tick(2 ** 30);
    assert.equal(scene.asked.length, asked + 1);
    scene.hint([], true);
    await scene.tail.catchUp();
    assert.equal(scene.asked.length, asked + 2, 'its own process is not waited for');
    scene.hint([]);
    await scene.tail.stop();
    t.mock.timers.tick(2 ** 30);
    assert.equal(scene.asked.length, asked + 2, 'a tail that was stopped pulls no more');
  });

  test('lets all who ask while a pull is on its way share the next, which is sent after they asked (@rule R4)', async () => {
    const scene = await started();
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.hold = promise;
    const first = scene.tail.catchUp();
    scene.entries = [revoked(11)];
    scene.head = 11;
    const rest = [scene.tail.catchUp(), scene.tail.catchUp(), scene.tail.catchUp()];
    assert.equal(scene.asked.length, 2);
    resolve();
    await first;
    assert.equal(scene.tail.cursor?.seq, 10, 'the first had been answered before the change');
    await Promise.all(rest);
    assert.deepEqual(scene.tail.cursor, { epoch: 'first', seq: 11, tag: 11 });
    assert.equal(scene.asked.length, 3);
    await scene.tail.catchUp();
    assert.equal(scene.asked.length, 4);
    await scene.tail.stop();
  });

  test('has one pull on its way at the most, also while the one is that others waited for (@rule R4)', async () => {
    const scene = await started();
    const holds = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    scene.hold = holds[0].promise;
    const first = scene.tail.catchUp();
    const second = scene.tail.catchUp();
    scene.hold = holds[1].promise;
    holds[0].resolve();
    await first;
    while (scene.asked.length < 3) await new Promise(setImmediate);
    const third = scene.tail.catchUp();
    await new Promise(setImmediate);
    assert.equal(scene.asked.length, 3, 'the second is not answered yet');
    holds[1].resolve();
    await Promise.all([second, third]);
    assert.equal(scene.asked.length, 4);
    await scene.tail.stop();
  });

  test('asks for what came after its cursor (@rule R4)', async () => {
    const scene = await started();
    await scene.tail.catchUp();
    assert.deepEqual(scene.asked, [null, { epoch: 'first', seq: 10, tag: 10 }]);
    await scene.tail.stop();
  });

  test('judges nothing that is of a position it has not reached (@rule R2)', async () => {
    const scene = await started();
    assert.equal(scene.tail.check({ ...FACTS, rs: 11 }), 'unknown');
    await scene.tail.stop();
  });

  test('keeps what it knew where the log is of another epoch, and judges nothing that is older (@rule R8)', async () => {
    const scene = await started();
    Object.assign(scene, { head: 11, entries: [revoked(11)] });
    await scene.tail.catchUp();
    Object.assign(scene, { epoch: 'second', epochStart: 20, head: 20, entries: [] });
    await scene.tail.catchUp();
    assert.deepEqual(scene.tail.cursor, { epoch: 'second', seq: 20, tag: 20 });
    assert.equal(scene.tail.check({ ...FACTS, rs: 20 }), 'revoked');
    assert.equal(scene.tail.check({ ...FACTS, session: subjectOf('another'), rs: 19 }), 'unknown');
    assert.equal(scene.tail.check({ ...FACTS, session: subjectOf('another'), rs: 20 }), 'ok');
    await scene.tail.stop();
  });

  test('reads the whole log again where its head went back, and proves nothing until then (@rule R8)', async () => {
    const scene = await started();
    scene.entries = [revoked(4)];
    scene.head = 5;
    const { promise, resolve } = Promise.withResolvers<void>();
    const pulled = scene.tail.catchUp();
    scene.hold = promise;
    while (scene.asked.at(-1) !== null) await Promise.resolve();
    assert.equal(scene.tail.check({ ...FACTS, rs: 5 }), 'unknown');
    resolve();
    await pulled;
    assert.deepEqual(scene.tail.cursor, { epoch: 'first', seq: 5, tag: 5 });
    assert.equal(scene.tail.check({ ...FACTS, rs: 5 }), 'revoked');
    await scene.tail.stop();
  });

  test('drops entries by the clock of the log (@rule R6)', async () => {
    const scene = await started();
    scene.entries = [{ ...revoked(11), expiresAt: scene.wall + 1_000 }];
    scene.head = 11;
    await scene.tail.catchUp();
    assert.equal(scene.tail.size, 1);
    scene.entries = [];
    scene.pass(1_000);
    assert.equal(scene.tail.size, 1);
    await scene.tail.catchUp();
    assert.equal(scene.tail.size, 0);
    await scene.tail.stop();
  });

  test('keeps entries where the clock of the log steps forward, for what they concern may still be remembered (@rule R6)', async () => {
    const scene = await started();
    scene.entries = [{ ...revoked(11), expiresAt: scene.wall + 10_000 }];
    scene.head = 11;
    await scene.tail.catchUp();
    scene.entries = [];
    scene.offset = 20_000;
    await scene.tail.catchUp();
    assert.equal(scene.tail.check(FACTS), 'revoked');
    scene.pass(10_000);
    await scene.tail.catchUp();
    assert.equal(scene.tail.size, 0);
    await scene.tail.stop();
  });

  /** The whole as it is loaded beside the log, which then goes on from there. */
  const loadedFrom = (scene: Scene, set: RevokedSet, salt = 'one'): Loaded => {
    const { epoch, head, epochStart } = scene;
    const cursor = { epoch, seq: head, tag: head };
    return { cursor, epochStart, salt, set, prove: () => scene.pull(cursor) };
  };

  for (const [title, salt, kept] of [
    ['keeps beside a new whole what another history held', 'one', true],
    ['forgets what was spelled with another salt, for nothing could be found by it', 'two', false],
  ] as const) {
    test(`${title} (@rule R8, @rule R12)`, async () => {
      const scene = new Scene();
      const first = new RevokedSet();
      first.apply(revoked(4));
      const wholes = [() => loadedFrom(scene, first), () => loadedFrom(scene, new RevokedSet(), salt)];
      const heard: (number | null)[] = [];
      const source: LogSource = {
        pull: async (cursor) => wholes.shift()?.() ?? (await scene.pull(cursor)),
        onHint: () => () => undefined,
      };
      const tail = new Tail({
        source,
        clock: scene.clock,
        onHeard: (entries) => heard.push(entries?.length ?? null),
      });
      await tail.catchUp();
      assert.equal(tail.check(FACTS), 'revoked');
      Object.assign(scene, { epoch: 'second', epochStart: 10, head: 20 });
      await tail.catchUp();
      assert.equal(tail.salt, salt);
      assert.equal(tail.check(FACTS), kept ? 'revoked' : 'ok');
      assert.equal(tail.size, kept ? 1 : 0);
      assert.deepEqual(heard, [null, 0, null, 0]);
      scene.wall = 10_000_000;
      scene.mono += 9_000_000;
      await tail.catchUp();
      assert.equal(tail.size, 0);
    });
  }

  /** A tail that has followed the log through histories, each with sessions of its own revoked. */
  async function followed(histories: number, sessions: number) {
    const scene = new Scene();
    const named = (history: number, nr: number): string => subjectOf(`${history} ${nr}`);
    const baseOf = (history: number): RevokedSet => {
      const set = new RevokedSet();
      for (let nr = 0; nr < sessions; nr += 1) {
        set.apply({ ...revoked(4), subject: named(history, nr) });
      }
      return set;
    };
    let base: RevokedSet | undefined;
    const source: LogSource = {
      pull: async (cursor) => (base === undefined ? await scene.pull(cursor) : loadedFrom(scene, base)),
      onHint: () => () => undefined,
    };
    const tail = new Tail({ source, clock: scene.clock });
    const pull = async (history: number | null): Promise<void> => {
      base = history === null ? undefined : baseOf(history);
      if (history !== null) scene.epoch = `of ${history}`;
      await tail.catchUp();
    };
    const isHeld = (history: number): boolean =>
      Array.from({ length: sessions }, (_, nr) => nr)
        .filter((nr) => nr % 101 === 0)
        .every((nr) => tail.check({ ...FACTS, session: named(history, nr) }) === 'revoked');
    for (let history = 0; history < histories; history += 1) await pull(history);
    return { scene, tail, pull, isHeld };
  }

  test('merges what two older histories held bit by bit, and refuses all of it at each step (@rule R8)', async () => {
    const { tail, pull, isHeld } = await followed(3, 40_000);
    assert.equal(tail.size, 120_000);
    for (let pulls = 0; pulls < 6; pulls += 1) {
      for (const history of [0, 1, 2]) assert.ok(isHeld(history), `${history} after ${pulls}`);
      await pull(null);
    }
    assert.equal(tail.size, 120_000);
    await pull(3);
    for (const history of [0, 1, 2, 3]) assert.ok(isHeld(history), String(history));
  });

  test('refuses what many older histories held, one after the other, until it expires (@rule R8)', async () => {
    const { scene, tail, isHeld } = await followed(9, 20_000);
    for (let history = 0; history < 9; history += 1) assert.ok(isHeld(history), String(history));
    scene.wall = 10_000_000;
    scene.mono += 9_000_000;
    for (let pulls = 0; pulls < 12; pulls += 1) await tail.catchUp();
    assert.equal(tail.size, 0);
  });

  test('takes the whole of its own history for all there is, and tells of what it hears (@rule R2)', async () => {
    const scene = new Scene();
    const first = new RevokedSet();
    first.apply(revoked(4));
    const wholes = [loadedFrom(scene, first), loadedFrom(scene, new RevokedSet())];
    const heard: unknown[] = [];
    const tail = new Tail({
      source: {
        pull: async (cursor) => wholes.shift() ?? (await scene.pull(cursor)),
        onHint: () => () => undefined,
      },
      clock: scene.clock,
      onHeard: (entries) => heard.push(entries),
    });
    await tail.catchUp();
    await tail.catchUp();
    assert.equal(tail.check(FACTS), 'ok');
    tail.hint([revoked(11), { ...revoked(12), subject: 'no subject' }], true);
    scene.entries = [revoked(11)];
    scene.head = 11;
    await tail.catchUp();
    assert.deepEqual(heard, [null, [], null, [], [revoked(11)], [revoked(11)]]);
    scene.pass(5_000);
    assert.equal(tail.check(FACTS), 'unknown');
    assert.equal(tail.heard(FACTS), 'revoked');
    await tail.stop();
  });

  for (const [title, change, verdict] of [
    ['of its own history, as fresh as before', {}, 'ok'],
    ['of another history, with nothing proved of it', { epoch: 'second' }, 'unknown'],
  ] as const) {
    test(`goes by a whole before it asks for its proof: ${title} (@rule R8, @rule R9)`, async () => {
      const scene = new Scene();
      const set = new RevokedSet();
      set.apply(revoked(4));
      let judged: unknown = null;
      const wholes = [
        () => loadedFrom(scene, new RevokedSet()),
        () => {
          const loaded = loadedFrom(scene, set);
          const prove = (): Promise<Pull> => {
            judged = [tail.heard(FACTS), tail.check({ ...FACTS, session: subjectOf('another') })];
            return loaded.prove();
          };
          return { ...loaded, prove };
        },
      ];
      const tail = new Tail({
        source: {
          pull: async (cursor) => wholes.shift()?.() ?? (await scene.pull(cursor)),
          onHint: () => () => undefined,
        },
        clock: scene.clock,
      });
      await tail.catchUp();
      assert.equal(tail.check(FACTS), 'ok');
      Object.assign(scene, change);
      await tail.catchUp();
      assert.deepEqual(judged, ['revoked', verdict]);
      assert.equal(tail.check(FACTS), 'revoked');
    });
  }

  test('refuses a part where it has nothing (@rule R4)', async () => {
    const scene = new Scene();
    const source: LogSource = {
      pull: async (cursor) => ({ ...(await scene.pull(cursor)), whole: false }),
      onHint: () => () => undefined,
    };
    await assert.rejects(new Tail({ source, clock: scene.clock }).start(), TypeError);
  });
});

test('a tail that is stopped while it starts never pulls again', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const scene = new Scene();
  const held = Promise.withResolvers<void>();
  scene.hold = held.promise;
  const starting = scene.tail.start();
  const stopping = scene.tail.stop();
  held.resolve();
  await Promise.all([starting, stopping]);
  t.mock.timers.tick(2 ** 30);
  assert.equal(scene.asked.length, 1);
});

describe('a tail that is stopped', () => {
  test('waits for the pull on its way, which confirms nothing, and sends none that was to follow (@rule R9)', async () => {
    const scene = await started();
    const held = Promise.withResolvers<void>();
    scene.hold = held.promise;
    const under = [scene.tail.catchUp(), scene.tail.catchUp()];
    let over = false;
    const stopping = scene.tail.stop().finally(() => {
      over = true;
    });
    assert.equal(scene.tail.isFresh(), false);
    await new Promise(setImmediate);
    assert.equal(over, false);
    held.resolve();
    await stopping;
    assert.deepEqual(await Promise.all(under), [false, false]);
    assert.equal(await scene.tail.catchUp(), false);
    assert.equal(scene.tail.check(FACTS), 'unknown');
    assert.equal(scene.asked.length, 2);
    assert.deepEqual(scene.errors, []);
  });

  test('asks for the whole when it is started again: its clock may have been ahead until it was set meanwhile (@rule R6)', async () => {
    const scene = await started();
    await scene.tail.stop();
    await scene.tail.start();
    assert.deepEqual(scene.asked, [null, null]);
    assert.equal(scene.tail.check(FACTS), 'ok');
    await scene.tail.stop();
  });

  test('keeps refusing what it has heard, and goes by no answer of before when it is started again (@rule R4)', async () => {
    const scene = await started();
    scene.entries = [revoked(11)];
    scene.head = 11;
    await scene.tail.catchUp();
    const held = Promise.withResolvers<void>();
    scene.hold = held.promise;
    const before = scene.tail.catchUp();
    const stopping = scene.tail.stop();
    const starting = scene.tail.start();
    scene.entries = [];
    held.resolve();
    assert.equal(await before, false);
    await Promise.all([stopping, starting]);
    assert.equal(scene.asked.at(-1), null);
    assert.equal(scene.tail.check({ ...FACTS, rs: 10 }), 'revoked');
    assert.deepEqual(scene.errors, []);
    await scene.tail.stop();
  });
});

test('a tail that is started twice at once is started once, and one stop ends it', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const scene = new Scene();
  await Promise.all([scene.tail.start(), scene.tail.start()]);
  await scene.tail.stop();
  t.mock.timers.tick(2 ** 30);
  assert.equal(scene.asked.length, 1);
});
