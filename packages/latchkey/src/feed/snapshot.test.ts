import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { feedSubject, RevokedSet } from '@latchkey/verify';
import { randomBytes } from '../foundation/random.ts';
import { encodeSnapshot } from './snapshot.ts';

const ABOUT = { salt: randomBytes(16), epoch: 'epoch', epochStart: 1, head: 2 ** 52, tag: 3, now: 4_000 };
const now = async (): Promise<void> => undefined;

describe('a snapshot', () => {
  for (const count of [0, 1, 7, 8, 9, 4_095, 4_096, 20_000]) {
    test(`has ${count} subjects in their order, each with its own position and expiry`, async () => {
      const set = new RevokedSet();
      const expected = new Map<string, readonly [number, number]>();
      for (let index = 0; index < count; index += 1) {
        const subject = randomBytes(16).toString('base64url');
        const seq = 2 ** 51 + index;
        set.apply({ seq, kind: 'revoke', scope: 'session', subject, expiresAt: 1_000 * index + 1 });
        expected.set(feedSubject(ABOUT.salt, 'session', subject), [seq, index + 1]);
      }
      const [, section = Buffer.alloc(0), ...rest] = await encodeSnapshot(ABOUT, set.sections(), now);
      assert.deepEqual(rest, []);
      assert.equal(section.length, count === 0 ? 0 : 8 + 24 * count + Math.ceil((4 * count) / 8) * 8);
      const subjects = Array.from({ length: count }, (_, index) =>
        section.subarray(8 + 16 * index, 24 + 16 * index),
      );
      assert.deepEqual(
        subjects.toSorted((one, other) => one.compare(other)),
        subjects,
      );
      for (const [index, subject] of subjects.entries()) {
        const seq = Number(section.readBigUInt64LE(8 + 16 * count + 8 * index));
        const expiresAt = section.readUInt32LE(8 + 24 * count + 4 * index);
        assert.deepEqual([seq, expiresAt], expected.get(subject.toString('base64url')));
      }
    });
  }

  test('lets others have their turn, and what comes or goes meanwhile harms nothing', async () => {
    const set = new RevokedSet();
    const apply = (seq: number, expiresAt: number): void =>
      set.apply({
        seq,
        kind: 'revoke',
        scope: 'session',
        subject: randomBytes(16).toString('base64url'),
        expiresAt,
      });
    for (let seq = 1; seq <= 20_000; seq += 1) apply(seq, seq % 10 === 0 ? 1_000 : 3_000);
    let turns = 0;
    const [, section = Buffer.alloc(0)] = await encodeSnapshot(ABOUT, set.sections(), async () => {
      turns += 1;
      for (let index = 0; index < 2_000; index += 1) apply(30_000 + turns * 2_000 + index, 3_000);
      if (turns === 2) set.purge(2_000);
    });
    assert.ok(turns >= 10);
    const count = section.readUInt32LE(4);
    const seqs = Array.from({ length: count }, (_, index) =>
      Number(section.readBigUInt64LE(8 + 16 * count + 8 * index)),
    );
    assert.equal(seqs.filter((seq) => seq <= 20_000 && seq % 10 !== 0).length, 18_000, 'what stays is in it');
    const subjects = new Set(
      seqs.map((_, index) => section.toString('hex', 8 + 16 * index, 24 + 16 * index)),
    );
    assert.equal(subjects.size, count, 'each once');
  });
});
