import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AccessToken } from './access-token.ts';
import { feedSubject, subjectOf } from './feed-subject.ts';
import type { Cursor, Entry, Scope } from './log-entry.ts';
import type { Loaded, Pull } from './log-source.ts';
import { RevokedSet } from './revoked-set.ts';
import { Tail } from './tail.ts';
import type { Checked } from './token-check.ts';
import { TokenSubjects } from './token-subjects.ts';
import { Watches } from './watches.ts';

const idOf = (name: string): string =>
  createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url');

const MANY = 2_000;
/** More turns of the event loop than going through all takes. */
const TURNS = 50;

/** A feed in memory, whose salt a test changes, and what goes by it. */
class Scene {
  salt = idOf('salt');
  epoch = 'first';
  head = 10;
  epochStart = 0;
  mono = 0;
  entries: readonly Entry[] = [];
  readonly closed: string[] = [];
  readonly #clock = { now: () => 1_000_000 + this.mono, monotonic: () => this.mono };
  readonly tail: Tail = new Tail({
    source: { pull: async (cursor) => this.#pull(cursor), onHint: () => () => undefined },
    clock: this.#clock,
    onHeard: (entries) => this.watches.heard(entries),
  });
  readonly watches: Watches;

  constructor(acceptsUnknown = false) {
    const { tail } = this;
    this.watches = new Watches({ clock: this.#clock, tail, acceptsUnknown, onError: assert.ifError });
  }

  #pull(cursor: Cursor | null): Pull | Loaded {
    const { epoch, salt } = this;
    if (cursor?.epoch === epoch) return this.#part(cursor);
    const whole = { epoch, seq: this.head, tag: this.head };
    const set = new RevokedSet();
    return { cursor: whole, epochStart: this.epochStart, salt, set, prove: async () => this.#part(whole) };
  }

  #part({ seq: after }: Cursor): Pull {
    return {
      epoch: this.epoch,
      epochStart: this.epochStart,
      head: this.head,
      tag: this.head,
      now: this.#clock.now(),
      age: 0,
      maxStaleness: 5_000,
      whole: false,
      entries: this.entries.filter(({ seq }) => seq > after),
    };
  }

  add(session: string): () => void {
    const token = { kind: 'user', session: idOf(session), subject: idOf('user'), client: 'web', kid: 'kid' };
    const subjects = new TokenSubjects(token as unknown as AccessToken);
    const checked = { subjects, rs: 5, saysMore: false } as unknown as Checked;
    return this.watches.add(checked, (reason) => void this.closed.push(`${session} ${reason}`));
  }

  async revoke(scope: Scope, plain: string): Promise<void> {
    this.head += 1;
    const subject = feedSubject(Buffer.from(this.salt, 'base64url'), scope, plain);
    const entry = { seq: this.head, kind: 'revoke', scope, subject, expiresAt: 10_000_000 } as const;
    this.entries = [...this.entries, entry];
    await this.tail.catchUp();
  }
}

async function turns(): Promise<void> {
  for (let passed = 0; passed < TURNS; passed += 1) await turn();
}

describe(`${MANY} that are watched`, () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = new Scene();
    await scene.tail.catchUp();
    for (let nr = 0; nr < MANY; nr += 1) scene.add(`session-${nr}`);
  });

  test('of them an entry about one ends that one, at once', async () => {
    await scene.revoke('session', idOf('session-7'));
    assert.deepEqual(scene.closed, ['session-7 revoked']);
    await turns();
    assert.equal(scene.watches.size, MANY - 1);
  });

  test('end by an entry about them all, some in each turn', async () => {
    await scene.revoke('user', idOf('user'));
    assert.ok(scene.closed.length < MANY, 'others have their turn between');
    await turns();
    assert.equal(scene.closed.length, MANY);
    assert.equal(scene.watches.size, 0);
  });

  test('are found by another salt too, also by what is heard while they are hashed anew', async () => {
    Object.assign(scene, { salt: idOf('another'), epoch: 'second', entries: [] });
    await scene.tail.catchUp();
    await scene.revoke('session', idOf('session-0'));
    await scene.revoke('session', idOf(`session-${MANY - 1}`));
    scene.add('late');
    await scene.revoke('session', idOf('late'));
    await turns();
    assert.deepEqual(
      scene.closed.toSorted(),
      ['late', 'session-0', `session-${MANY - 1}`].map((name) => `${name} revoked`),
    );
    await scene.revoke('session', idOf('session-9'));
    assert.equal(scene.closed.at(-1), 'session-9 revoked');
  });

  test('end where nobody could tell for as long as a copy may be trusted, and not once it can again', async () => {
    scene.mono = 6_000;
    scene.watches.noteFreshness();
    await turns();
    assert.equal(scene.closed.join(), '');
    scene.mono = 11_000;
    await scene.tail.catchUp();
    await scene.revoke('session', idOf('session-1'));
    // Of all, to be gone through before the next second.
    await scene.revoke('organisation', idOf('organisation'));
    await turns();
    assert.equal(scene.closed.join(), 'session-1 revoked', 'it was lost and is back');
    scene.mono = 17_000;
    scene.watches.noteFreshness();
    scene.mono = 22_000;
    scene.watches.noteFreshness();
    await turns();
    assert.equal(scene.closed.filter((line) => line.endsWith(' unknown')).length, MANY - 1);
  });
});

test('what is heard of all in one turn is judged to the last', async () => {
  const scene = new Scene();
  await scene.tail.catchUp();
  scene.add('session');
  const all = { kind: 'revoke', scope: 'all', subject: '', expiresAt: 10_000_000 } as const;
  scene.tail.hint([{ ...all, seq: 4 }]);
  scene.tail.hint([{ ...all, seq: 11 }]);
  // No pull may say meanwhile that it is not so.
  await scene.tail.stop();
  await turns();
  assert.deepEqual(scene.closed, ['session revoked']);
});

test('what is heard while others have their turn is judged of those too who had theirs', async () => {
  const scene = new Scene();
  await scene.tail.catchUp();
  for (let nr = 0; nr < MANY; nr += 1) scene.add(`session-${nr}`);
  const all = { kind: 'revoke', scope: 'all', subject: '', expiresAt: 10_000_000 } as const;
  for (const seq of [4, 11]) {
    scene.tail.hint([{ ...all, seq }]);
    await scene.tail.stop();
    await turn();
  }
  await turns();
  assert.equal(scene.closed.length, MANY);
});

for (const [scope, subject] of [
  ['session', idOf('one')],
  ['user', idOf('user')],
  ['client', subjectOf('client', 'web')],
  ['signing_key', subjectOf('signing_key', 'kid')],
] as const) {
  test(`one that is watched is found by its ${scope}, and by no other`, async () => {
    const scene = new Scene();
    await scene.tail.catchUp();
    scene.add('one');
    await scene.revoke(scope, idOf('another'));
    assert.deepEqual(scene.closed, []);
    await scene.revoke(scope, subject);
    assert.deepEqual(scene.closed, ['one revoked']);
  });
}

for (const [acceptsUnknown, closed] of [
  [false, ['one unknown']],
  [true, []],
] as const) {
  const who = acceptsUnknown ? 'nobody ends who accepts it' : 'it ends';
  test(`where nobody has ever been able to tell for five seconds, ${who}`, async () => {
    const scene = new Scene(acceptsUnknown);
    scene.add('one');
    for (const [mono, count] of [
      [0, 0],
      [4_999, 0],
      [5_000, closed.length],
    ] as const) {
      scene.mono = mono;
      scene.watches.noteFreshness();
      await turns();
      assert.equal(scene.closed.length, count, `${mono} ms`);
    }
    assert.deepEqual(scene.closed, closed);
  });

  test(`where its history is over, ${who}`, async () => {
    const scene = new Scene(acceptsUnknown);
    await scene.tail.catchUp();
    scene.add('one');
    Object.assign(scene, { epoch: 'second', epochStart: 6, entries: [] });
    await scene.tail.catchUp();
    await turns();
    assert.deepEqual(scene.closed, closed);
  });
}

test('no more than a hundred thousand are watched at once, and who has ended is not one of them', async () => {
  const scene = new Scene();
  await scene.tail.catchUp();
  const leave = scene.add('first');
  for (let nr = 1; nr < 100_000; nr += 1) scene.add('other');
  assert.throws(() => scene.add('one more'), { code: 'LK_BUSY', status: 503 });
  leave();
  scene.add('one more');
  assert.equal(scene.watches.size, 100_000);
});
