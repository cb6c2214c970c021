import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { failure, isFailure } from '../errors.ts';
import { HintStreams, type Listener } from './hint-streams.ts';

const OPEN = 'retry: 1000\n: open\n\n';

/** Streams by timers that a test moves on, and listeners whose key it ends. */
function scene(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const streams = new HintStreams(() => true);
  t.after(() => streams.stop());
  const said = { checks: 0, cuts: 0, error: null as Error | null };
  const listener: Listener = {
    client: 'orders',
    subject: 'of orders',
    check: async () => {
      said.checks += 1;
      if (said.error !== null) throw said.error;
    },
    cut: () => void (said.cuts += 1),
  };
  const open = (changes: Partial<Listener> = {}, missed: readonly string[] = []) =>
    streams.open({ ...listener, ...changes }, missed).getReader();
  /** Looks that many times, once a second, and lets what they ask be answered. */
  const look = async (times: number): Promise<void> => {
    for (let looks = 0; looks < times; looks += 1) {
      t.mock.timers.tick(1_000);
      await new Promise(setImmediate);
    }
  };
  return { streams, said, open, look };
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = '';
  for (let read = await reader.read(); !read.done; read = await reader.read())
    text += Buffer.from(read.value).toString();
  return text;
}

describe('a stream of hints at its node', () => {
  test('ends within a second when its key is good no more, of which no entry tells, as at the end of a grace', async (t) => {
    const { streams, said, open, look } = scene(t);
    const reader = open();
    await look(1);
    assert.equal(streams.size, 1);
    said.error = failure('LK_KEY_REFUSED');
    await look(1);
    assert.equal(await textOf(reader), OPEN);
    assert.equal(streams.size, 0);
  });

  test('goes on where nobody can say whether its key is good: nothing new is heard either', async (t) => {
    const { streams, said, open, look } = scene(t);
    open();
    said.error = failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
    await look(3);
    assert.deepEqual([said.checks, streams.size], [3, 1]);
  });

  test('is asked about when an entry is about its client, and at no other one', async (t) => {
    const { streams, said, open } = scene(t);
    open();
    streams.recheck('of another');
    assert.equal(said.checks, 0);
    streams.recheck('of orders');
    assert.equal(said.checks, 1);
  });

  test('says each fifteen seconds that it is alive', async (t) => {
    const { streams, open, look } = scene(t);
    const reader = open({}, ['event: entry\n\n']);
    await look(14);
    streams.send(['event: before\n\n']);
    await look(1);
    streams.endAll();
    assert.equal(await textOf(reader), `${OPEN}event: entry\n\nevent: before\n\n:\n\n`);
  });

  test('that has ended is cut off after five seconds where nobody reads it to its end, and only there', async (t) => {
    for (const isRead of [true, false]) {
      const { streams, said, open } = scene(t);
      const reader = open();
      streams.endAll();
      if (isRead) assert.equal(await textOf(reader), OPEN);
      t.mock.timers.tick(4_999);
      assert.equal(said.cuts, 0);
      t.mock.timers.tick(1);
      assert.equal(said.cuts, isRead ? 0 : 1);
      t.mock.timers.reset();
    }
  });

  test('is counted once, however often it ends: by two checks at once, and by its reader', async (t) => {
    const { streams, open } = scene(t);
    const check = (): Promise<never> => Promise.reject(failure('LK_KEY_REFUSED'));
    const first = open({ subject: 'alone', check });
    for (let others = 1; others < 64; others += 1) open();
    const refused = (): void =>
      assert.throws(
        () => open(),
        (error) => isFailure(error, 'LK_THROTTLED'),
      );
    refused();
    streams.recheck('alone');
    streams.recheck('alone');
    await new Promise(setImmediate);
    await first.cancel();
    assert.equal(streams.size, 63);
    open();
    refused();
  });
});
