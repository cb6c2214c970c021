import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HintStream } from './hint-stream.ts';
import { IssuerClient } from './issuer-client.ts';
import type { Entry } from './log-entry.ts';

const LINE = [12, 'revoke', 'session', 'AAAAAAAAAAAAAAAAAAAAAA', 2_000_000_000];

/** A feed that says only what a test writes, and one who listens to it. */
async function listening(t: TestContext, silence = 40_000) {
  const opened: ServerResponse[] = [];
  const server = createServer((_, res) => {
    opened.push(res.writeHead(200, { 'Content-Type': 'text/event-stream' }));
    res.write(': open\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const client = new IssuerClient(`http://127.0.0.1:${address.port}`, null);
  const stream = new HintStream({ client, after: () => null, silence, pause: 1 });
  const heard: (readonly Entry[])[] = [];
  const stop = stream.start((entries) => void heard.push(entries));
  t.after(async () => {
    stop();
    client.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { opened, heard, stream };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

describe('a stream of hints', () => {
  test('says that something may have been missed when it opens, and of each event at least that there is one', async (t) => {
    const { opened, heard } = await listening(t);
    await until(() => heard.length === 1);
    assert.deepEqual(heard, [[]]);
    for (const written of [
      `event: entry\ndata: ${JSON.stringify(LINE)}\n\n`,
      'event: later\ndata: 1\n\n',
      'event: entry\ndata: [13]\n\n',
    ]) {
      const before = heard.length;
      opened[0]?.write(written);
      await until(() => heard.length > before);
    }
    assert.deepEqual(
      heard.map((entries) => entries.map(({ seq }) => seq)),
      [[], [12], [], []],
    );
  });

  test('that falls silent is ended, and another opened', async (t) => {
    const { opened } = await listening(t, 100);
    await until(() => opened.length === 2);
    assert.equal(opened[0]?.closed, true);
  });

  test('is not silent while comments come, however little happens', async (t) => {
    const { opened, stream } = await listening(t, 1_500);
    await until(() => stream.isOpen);
    for (let comments = 0; comments < 20; comments += 1) {
      opened[0]?.write(':\n\n');
      await sleep(100);
    }
    assert.equal(opened.length, 1);
    assert.equal(stream.isOpen, true);
  });
});
