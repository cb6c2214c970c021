import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Entry, feedSubject, Leaf, RevokedSet } from '@latchkey/verify';
import { encodeSnapshot } from '../../packages/latchkey/src/feed/snapshot.ts';
import { readSnapshot } from '../../packages/verify/src/snapshot.ts';
import { writeSubject } from '../../packages/verify/src/subject.ts';

/*
 * A snapshot is made while the copy that it is made of goes on: entries come, slots get later
 * positions, others expire, leaves are split and joined. Whoever loads it and takes in what came
 * after its cursor must hold what the node holds.
 */

const SALT = Buffer.alloc(16, 9);
const ABOUT = { salt: SALT, epoch: 'epoch', epochStart: 0, tag: 3, now: 1_000_000 };
const SCOPES = ['session', 'user', 'client'] as const;
const SOON = 2_000_000;
const LATER = 9_000_000;

/** A log and a copy of it, which draws the same each time. */
class Log {
  readonly entries: Entry[] = [];
  readonly copy = new RevokedSet();
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  draw(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }

  /** One in four speaks of what another one speaks of, and lives as long as that or longer. */
  append(expiresAt: number, scope: Entry['scope'] = SCOPES[this.draw(3)] ?? 'user'): void {
    const again = this.draw(4) === 0 ? this.entries[this.draw(this.entries.length)] : undefined;
    const seq = this.entries.length + 1;
    const words = Uint32Array.from({ length: 4 }, () => this.draw(2 ** 32));
    const entry: Entry = {
      kind: this.draw(2) === 0 ? 'revoke' : 'changed',
      scope,
      subject: scope === 'all' ? '' : writeSubject(words),
      ...again,
      seq,
      expiresAt: Math.max(expiresAt, again?.expiresAt ?? 0),
    };
    this.entries.push(entry);
    this.copy.apply(entry);
  }
}

/** Everything that a set holds, by kind, scope and subject as it stands on the feed. */
function slotsOf(set: RevokedSet, spell: (scope: Entry['scope'], subject: string) => string) {
  const all = new Map<string, { readonly seq: number; readonly expiresAt: number }>();
  for (const { kind, scope, slots } of set.sections()) {
    const found = new Leaf(slots.size);
    slots.copyAfter(null, found);
    for (let row = 0; row < found.count; row += 1) {
      const subject = scope === 'all' ? '' : writeSubject(found.subjects.subarray(4 * row, 4 * row + 4));
      const slot = { seq: found.seqs[row] ?? 0, expiresAt: found.expiries[row] ?? 0 };
      all.set(`${kind} ${scope} ${spell(scope, subject)}`, slot);
    }
  }
  return all;
}
const asItIs = (_: Entry['scope'], subject: string): string => subject;
const onFeed = (scope: Entry['scope'], subject: string): string => feedSubject(SALT, scope, subject);
const hashed = (entry: Entry): Entry => ({ ...entry, subject: onFeed(entry.scope, entry.subject) });

async function* bodyOf(parts: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** Drops all that has expired, where `purge` looks at a part. */
function purgeAll(set: RevokedSet, now: number): void {
  for (let turn = 0; turn < 40; turn += 1) set.purge(now);
}

describe('a snapshot that is made while the copy goes on (@rule R4, @rule R6)', () => {
  for (const seed of [1, 2, 3, 4]) {
    test(`holds at its cursor: with what came after it, it is what the node holds (${seed})`, async () => {
      const log = new Log(seed);
      for (let count = 0; count < 40_000; count += 1) log.append(log.draw(10) === 0 ? SOON : LATER);
      const head = log.entries.length;
      let turns = 0;
      const parts = await encodeSnapshot({ ...ABOUT, head }, log.copy.sections(), async () => {
        turns += 1;
        for (let count = log.draw(800); count > 0; count -= 1)
          log.append(log.draw(10) === 0 ? SOON + 1_000 : LATER);
        // What is of a kind and scope that had none.
        if (turns === 3) log.append(LATER, 'signing_key');
        if (turns === 4) log.append(LATER, 'all');
        if (turns >= 5) log.copy.purge(SOON);
      });
      assert.ok(turns > 20);
      const { set, cursor } = await readSnapshot(bodyOf(parts));
      assert.equal(cursor.seq, head);
      const loaded = slotsOf(set, asItIs);
      for (const entry of log.entries) {
        const { kind, scope, subject, seq, expiresAt } = hashed(entry);
        const slot = loaded.get(`${kind} ${scope} ${subject}`);
        if (seq <= head && expiresAt > SOON) {
          assert.ok(slot !== undefined, `${seq} is lost`);
          assert.ok(slot.seq >= seq && slot.expiresAt * 1_000 >= expiresAt, `${seq} is older`);
        }
      }
      // No more than was said: each position is that of an entry about the same.
      for (const [name, { seq }] of loaded) {
        const entry = log.entries[seq - 1];
        assert.ok(entry !== undefined);
        const { kind, scope, subject } = hashed(entry);
        assert.equal(name, `${kind} ${scope} ${subject}`);
      }
      for (const entry of log.entries.slice(head)) set.apply(hashed(entry));
      for (const each of [set, log.copy]) purgeAll(each, SOON);
      assert.deepEqual(slotsOf(set, asItIs), slotsOf(log.copy, onFeed));
    });
  }

  test('works on a few thousand at a time, whatever there is', async () => {
    const log = new Log(7);
    for (let count = 0; count < 60_000; count += 1) log.append(LATER, 'session');
    let turns = 0;
    let most = 0;
    const sections = log.copy.sections().map((section) => ({
      ...section,
      slots: {
        size: section.slots.size,
        copyAfter: (subject: Uint32Array | null, to: Leaf) => {
          section.slots.copyAfter(subject, to);
          most = Math.max(most, to.count);
        },
      },
    }));
    await encodeSnapshot({ ...ABOUT, head: 60_000 }, sections, async () => {
      turns += 1;
    });
    assert.ok(most <= 4_096, String(most));
    // Once they are hashed, and once they are written.
    assert.ok(turns >= 2 * (log.copy.size / 4_096), String(turns));
  });
});
