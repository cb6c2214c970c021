import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SessionId } from '@latchkey/verify';
import { newId } from '../foundation/ids.ts';
import { sqlite } from '../stores/sql/sqlite.ts';
import type { SessionStore } from '../stores/store.ts';
import { Activity } from './activity.ts';

const MINUTE = 60_000;

function scene() {
  const time = { now: 1_700_000_000_000 };
  const batches: Parameters<SessionStore['moveIdle']>[0][] = [];
  const sightings: Parameters<SessionStore['seen']>[0][] = [];
  const errors: unknown[] = [];
  const state = { broken: false };
  const inner = sqlite(':memory:');
  const moveIdle: SessionStore['moveIdle'] = async (moves) => {
    if (state.broken) throw new Error('cannot be reached');
    batches.push(moves);
  };
  const seen: SessionStore['seen'] = async (list) => {
    sightings.push(list);
  };
  const sessions = Object.assign(Object.create(inner.sessions) as SessionStore, { moveIdle, seen });
  const activity = new Activity({
    store: { ...inner, sessions },
    clock: { now: () => time.now, monotonic: () => time.now },
    idle: 10 * MINUTE,
    onError: (error) => errors.push(error),
  });
  const id: SessionId = newId<'session'>(time.now);
  const expiresAt = time.now + 60 * MINUTE;
  return { time, batches, sightings, errors, state, activity, id, expiresAt };
}

describe('activity', () => {
  test('moves the idle limit once a tenth of it has passed, in one batch (@asvs 7.3.1, @rule R11)', async () => {
    const { time, batches, activity, id, expiresAt } = scene();
    const idleUntil = time.now + 10 * MINUTE;
    const other = newId<'session'>(time.now);
    time.now += MINUTE - 1;
    activity.note(id, idleUntil, expiresAt);
    await activity.flush();
    assert.deepEqual(batches, [], 'not yet a tenth');
    time.now += 1;
    for (let use = 0; use < 100; use += 1) activity.note(id, idleUntil, expiresAt);
    activity.note(other, idleUntil, expiresAt);
    assert.deepEqual(batches, [], 'nothing is written on the path of a request');
    await activity.flush();
    const target = time.now + 10 * MINUTE;
    assert.deepEqual(batches, [[id, other].map((each) => ({ id: each, idleUntil: target }))]);
    await activity.flush();
    assert.equal(batches.length, 1);
  });

  test('never moves it past the absolute limit, and moves it there (@asvs 7.3.2)', async () => {
    const { time, batches, activity, id } = scene();
    const expiresAt = time.now + 10 * MINUTE + 30_000;
    const idleUntil = time.now + 10 * MINUTE;
    time.now += 5 * MINUTE;
    activity.note(id, idleUntil, expiresAt);
    await activity.flush();
    assert.deepEqual(batches, [[{ id, idleUntil: expiresAt }]]);
    activity.note(id, expiresAt, expiresAt);
    await activity.flush();
    assert.equal(batches.length, 1);
  });

  test('writes at once where the limit comes before the next batch (@asvs 7.3.1)', async () => {
    const { time, batches, activity, id, expiresAt } = scene();
    activity.note(id, time.now + 1_000, expiresAt);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(batches, [[{ id, idleUntil: time.now + 10 * MINUTE }]]);
  });

  test('notes again what could not be written (@asvs 7.3.1)', async () => {
    const { time, batches, errors, state, activity, id, expiresAt } = scene();
    const idleUntil = time.now + 10 * MINUTE;
    time.now += 2 * MINUTE;
    state.broken = true;
    activity.note(id, idleUntil, expiresAt);
    await activity.flush();
    assert.equal(errors.length, 1);
    state.broken = false;
    activity.note(id, idleUntil, expiresAt);
    await activity.flush();
    assert.equal(batches.length, 1);
  });

  test('moves the limit also where every use is answered from memory, once (@asvs 7.3.1, @rule R11)', async () => {
    const { time, batches, sightings, activity, id, expiresAt } = scene();
    const idleUntil = time.now + 10 * MINUTE;
    time.now += MINUTE - 1;
    activity.noteHit(id, idleUntil, expiresAt);
    await activity.flush();
    assert.deepEqual([batches, sightings], [[], []]);
    time.now += 1;
    for (let use = 0; use < 100; use += 1) activity.noteHit(id, idleUntil, expiresAt);
    await activity.flush();
    for (let use = 0; use < 100; use += 1) activity.noteHit(id, idleUntil, expiresAt);
    await activity.flush();
    assert.deepEqual(batches, [[{ id, idleUntil: time.now + 10 * MINUTE }]]);
  });

  test('writes last seen at most once in five minutes', async () => {
    const { time, sightings, activity, id, expiresAt } = scene();
    for (let minute = 0; minute < 10; minute += 1) {
      activity.note(id, time.now + 10 * MINUTE, expiresAt);
      await activity.flush();
      time.now += MINUTE;
    }
    assert.equal(sightings.length, 2);
  });
});
