import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FeedRefused } from './byte-reader.ts';
import { readEvents, type StreamEvent } from './event-stream.ts';

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts, bytes.length].toSorted((one, other) => one - other)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

async function eventsIn(text: string, cuts: readonly number[] = []): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(pieces(Buffer.from(text), cuts))) events.push(event);
  return events;
}

describe('a stream of events', () => {
  const STREAM =
    'retry: 1000\n: open\n\nevent: entry\r\nid: 7\r\ndata: [7]\r\n\r\n:\n\ndata:a\ndata: b é\n\nevent: x\n\n';
  const EVENTS = [
    { event: 'entry', data: '[7]' },
    { event: 'message', data: 'a\nb é' },
  ];

  test('is read however it is cut into pieces', async () => {
    const cut = fc.integer({ min: 0, max: Buffer.byteLength(STREAM) });
    await fc.assert(
      fc.asyncProperty(fc.array(cut), async (cuts) => {
        assert.deepEqual(await eventsIn(STREAM, cuts), EVENTS);
      }),
    );
  });

  test('tells of no event that has not ended', async () => {
    assert.deepEqual(await eventsIn('data: [7]\n'), []);
  });

  for (const [title, text] of [
    ['a line without an end', `data: ${'x'.repeat(1_100)}`],
    ['a line that is too long', `data: ${'x'.repeat(1_100)}\n\n`],
    ['an event of too many lines', `data: ${'x'.repeat(1_000)}\n`.repeat(5)],
  ] as const) {
    test(`ends at ${title}`, async () => {
      await assert.rejects(eventsIn(text), FeedRefused);
    });
  }
});
