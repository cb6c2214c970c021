import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import type { Entry } from '@latchkey/verify';
import { sampleEntry, sampleId } from '../conformance/samples.ts';
import { type ListeningClient, PostgresHints, readHint, writeHint } from './postgres-hints.ts';

describe('a hint in a notification', () => {
  for (const entry of [
    { ...sampleEntry({ scope: 'user', subject: sampleId() }), seq: 1_866_000_000_000_000 },
    { ...sampleEntry({ scope: 'signing_key', subject: sampleId(), kind: 'revoke' }), seq: 1 },
    { ...sampleEntry({ scope: 'all', subject: '' }), seq: 7 },
  ]) {
    test(`of scope ${entry.scope} is read as it was written`, () => {
      assert.deepEqual(readHint(`${entry.seq} ${writeHint(entry)}`), entry);
    });
  }

  const [id] = [sampleId()];
  for (const [title, payload] of [
    ['nothing', ''],
    ['another kind', `1 forgive session ${id} 5`],
    ['another scope', `1 revoke planet ${id} 5`],
    ['a subject that is none', '1 revoke session nope 5'],
    ['everybody with a subject', `1 revoke all ${id} 5`],
    ['somebody without a subject', '1 revoke user - 5'],
    ['a number that is none', `-1 revoke session ${id} 5`],
    ['more than a hint', `1 revoke session ${id} 5 6`],
    ['two lines', `1 revoke session ${id} 5\n`],
  ] as const) {
    test(`is none where it is ${title} (@rule R4)`, () => assert.equal(readHint(payload), null));
  }
});

/** A server in memory: what is notified reaches whoever listens, unless a pooler swallows it. */
class Scene {
  swallows = false;
  /** Statements are never answered. */
  silent = false;
  connected = 0;
  readonly clients = new Set<EventEmitter>();
  readonly told: (readonly Entry[])[] = [];
  readonly hints = new PostgresHints({
    channel: 'latchkey',
    connect: async () => this.#connect(),
    notify: async (payload) => this.say(payload),
  });

  say(payload: string): void {
    if (this.swallows) return;
    for (const client of this.clients) client.emit('notification', payload);
  }

  #connect(): ListeningClient {
    this.connected += 1;
    const events = new EventEmitter();
    return {
      query: async () => {
        if (this.silent) await new Promise<never>(() => {});
        this.clients.add(events);
      },
      onNotification: (heard) => void events.on('notification', heard),
      onEnd: (ended) => void events.on('end', ended),
      end: () => {
        this.clients.delete(events);
        events.emit('end');
      },
    };
  }

  /** Resolves when it has heard itself. */
  async listening(): Promise<void> {
    while (!this.hints.listens) await new Promise(setImmediate);
  }

  /** Resolves when the next hint is told. */
  next(): Promise<readonly Entry[]> {
    const { promise, resolve } = Promise.withResolvers<readonly Entry[]>();
    const stop = this.hints.onHint((entries) => {
      stop();
      resolve(entries);
    });
    return promise;
  }
}

describe('hints of other processes', () => {
  test('are told as they are heard, after one that says nothing', async () => {
    const scene = new Scene();
    const first = scene.next();
    scene.hints.start();
    assert.deepEqual(await first, []);
    await scene.listening();
    const entry = { ...sampleEntry(), seq: 5 };
    const second = scene.next();
    scene.say(`${entry.seq} ${writeHint(entry)}`);
    assert.deepEqual(await second, [entry]);
    const third = scene.next();
    scene.say('of another build');
    assert.deepEqual(await third, []);
    await scene.hints.stop();
    assert.equal(scene.clients.size, 0);
  });

  test('are listened for again where the connection is lost', async () => {
    const scene = new Scene();
    scene.hints.start();
    await scene.listening();
    const again = scene.next();
    for (const client of scene.clients) client.emit('end');
    assert.deepEqual(await again, [], 'somebody may have said something meanwhile');
    await scene.listening();
    assert.equal(scene.connected, 2);
    await scene.hints.stop();
  });

  test('are listened for by another connection where the server is silent on the first, and stopped at once', async () => {
    const scene = new Scene();
    scene.silent = true;
    scene.hints.start();
    while (scene.connected < 2) await scene.next();
    await scene.hints.stop();
    scene.silent = false;
    scene.hints.start();
    await scene.listening();
    await scene.hints.stop();
  });

  test('become polls where a pooler takes LISTEN and passes nothing on', async () => {
    const scene = new Scene();
    scene.swallows = true;
    await scene.hints.stop();
    scene.hints.start();
    await scene.next();
    assert.deepEqual(await scene.next(), [], 'while it waits to hear itself it may be too late for that');
    while (scene.clients.size > 0) await scene.next();
    for (let polls = 0; polls < 3; polls += 1) assert.deepEqual(await scene.next(), []);
    assert.equal(scene.hints.listens, false);
    assert.equal(scene.connected, 1, 'a connection that hears nothing is neither kept nor made anew at once');
    await scene.hints.stop();
  });
});
