import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LatchkeyError, type Verifier, verifier } from '@latchkey/verify';
import { freePort } from '../../tools/own-server.mjs';
import { type Held, heldIn } from '../http/program.ts';
import { bodyOf, PASSWORD } from '../http/world.ts';
import { call, printed, run, startServer, type TestServer, temporaryFolder } from '../server/process.ts';

/*
 * The database of yesterday comes back while services run that follow the log: what they
 * have heard of stays refused, and what was good before is good nowhere any more.
 */

const RESTORED = /"msg":"log_restored"/;
const AUDIENCE = 'orders';

/** What is done to the database, from a server that runs to one that runs again. */
type Restore = (place: Place) => Promise<TestServer>;

interface Place {
  readonly path: string;
  readonly server: TestServer;
  /** Starts it again, where it listened before. */
  readonly again: () => Promise<TestServer>;
}

const RESTORES: readonly (readonly [title: string, restore: Restore])[] = [
  [
    'by the command, beside the server',
    async ({ path, server }) => {
      const command = ['restore', join(path, 'backup'), '--replace', '--yes'];
      const restored = await run(command, { LATCHKEY_DATA: path });
      assert.equal(restored.code, 0, restored.stderr);
      await printed(server, RESTORED);
      return server;
    },
  ],
  [
    'as a copy of its file, while the server is down',
    async ({ path, server, again }) => {
      await server.end('SIGTERM');
      const database = join(path, 'latchkey.db');
      for (const log of ['-wal', '-shm']) rmSync(`${database}${log}`, { force: true });
      copyFileSync(join(path, 'yesterday.db'), database);
      const restarted = await again();
      assert.match(restarted.output.stdout, RESTORED);
      return restarted;
    },
  ],
];

async function enter(server: TestServer, path: 'sign-up' | 'sign-in'): Promise<Held> {
  const account = { email: 'ada@example.com', password: PASSWORD, client: 'mobile' };
  return heldIn(await call(`${server.url}/auth/${path}`, 'POST', account));
}

async function tokenOf(server: TestServer, { refresh }: Held): Promise<string> {
  const fields = { grant_type: 'refresh_token', refresh_token: refresh, audience: AUDIENCE };
  const response = await fetch(`${server.url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return String((await bodyOf(response))['access_token']);
}

async function revoke(server: TestServer, { session, access }: Held): Promise<void> {
  const headers = { Authorization: `Bearer ${access}` };
  const { status } = await fetch(`${server.url}/auth/sessions/${session}`, { method: 'DELETE', headers });
  assert.equal(status, 200);
}

/** The code with which a service refuses, or `null`. */
async function refusal(service: Verifier, token: string): Promise<string | null> {
  try {
    await service.require(new Headers({ authorization: `Bearer ${token}` }));
    return null;
  } catch (error) {
    if (error instanceof LatchkeyError) return String(error.code);
    throw error;
  }
}

const soon = (): Promise<void> => sleep(5);

/** Resolves when a service answers so; the runner's limit ends what never is. */
async function answered(service: Verifier, token: string, code: string | null): Promise<void> {
  while ((await refusal(service, token)) !== code) await soon();
}

/** Asks again and again until it is told to stop; answers how often a token was accepted. */
function watch(service: Verifier, tokens: readonly string[]): () => Promise<number> {
  const over = new AbortController();
  const watching = (async () => {
    let accepted = 0;
    while (!over.signal.aborted) {
      for (const token of tokens) if ((await refusal(service, token)) === null) accepted += 1;
      await soon();
    }
    return accepted;
  })();
  return () => {
    over.abort();
    return watching;
  };
}

/** Opens verifiers of the service `orders`, which end with the test. */
async function openOrders(
  t: TestContext,
  { path, server }: Place,
): Promise<(onUnknown: 'introspect' | 'deny') => Verifier> {
  const command = ['clients', 'create', 'orders', '--audience', AUDIENCE];
  const created = await run(command, { LATCHKEY_DATA: path });
  const key = /lks_\S+/.exec(created.stdout)?.[0] ?? assert.fail(created.stderr);
  return (onUnknown) => {
    const opened = verifier({ issuer: server.url, audience: AUDIENCE, key, onUnknown });
    t.after(() => opened.close());
    return opened;
  };
}

async function inPlace(t: TestContext): Promise<Place> {
  const folder = temporaryFolder();
  const port = String(await freePort());
  const running: TestServer[] = [];
  const again = async (): Promise<TestServer> => {
    const server = await startServer(folder.path, { PORT: port });
    running.push(server);
    return server;
  };
  t.after(async () => {
    for (const server of running) await server.end('SIGKILL');
    folder.remove();
  });
  return { path: folder.path, server: await again(), again };
}

/** What can be restored: a backup, and a copy of the file. */
async function keepYesterday({ path }: Place): Promise<void> {
  const made = await run(['backup', join(path, 'backup')], { LATCHKEY_DATA: path });
  assert.equal(made.code, 0, made.stderr);
  const database = new DatabaseSync(join(path, 'latchkey.db'), { timeout: 5_000 });
  database.prepare('VACUUM INTO ?').run(join(path, 'yesterday.db'));
  database.close();
}

describe('the database of yesterday under services that follow (@incident G3, @fault F23, @rule R8)', {
  // What a refused service waits for until it asks again is half a minute.
  concurrency: true,
}, () => {
  for (const [title, restore] of RESTORES) {
    test(`restored ${title}: nothing of before is accepted again`, async (t) => {
      const place = await inPlace(t);
      const open = await openOrders(t, place);
      const held = [await enter(place.server, 'sign-up')];
      for (let more = 0; more < 2; more += 1) held.push(await enter(place.server, 'sign-in'));
      const tokens: string[] = [];
      for (const each of held) tokens.push(await tokenOf(place.server, each));
      const [early, late] = held;
      const [first = '', second = '', spared = ''] = tokens;
      assert.ok(early !== undefined && late !== undefined);
      const followers = [open('introspect'), open('deny')];
      for (const service of followers) {
        await service.ready();
        for (const token of tokens) assert.equal(await refusal(service, token), null);
      }

      await revoke(place.server, early);
      await keepYesterday(place);
      await revoke(place.server, late);
      for (const service of followers) {
        for (const token of [first, second]) await answered(service, token, 'LK_TOKEN_REVOKED');
        assert.equal(await refusal(service, spared), null);
      }

      const watches = followers.map((service) => watch(service, [first, second]));
      const server = await restore(place);
      for (const service of followers) {
        while ((await refusal(service, spared)) === null) await soon();
        // Whose keys were taken back since is as unknown as whose sessions were.
        while (service.status().feedError === null) await soon();
      }
      const enabled = await run(['clients', 'enable', 'orders'], { LATCHKEY_DATA: place.path });
      assert.equal(enabled.code, 0, enabled.stderr);
      const anew = await tokenOf(server, await enter(server, 'sign-in'));
      const newcomers = [open('introspect'), open('deny')];
      for (const service of newcomers) await service.ready();
      for (const service of [...newcomers, ...followers]) {
        while (!service.status().fresh) await soon();
        for (const token of tokens) assert.notEqual(await refusal(service, token), null);
        await answered(service, anew, null);
        assert.deepEqual([service.status().mode, service.status().feedError], ['following', null]);
      }
      for (const stop of watches)
        assert.equal(await stop(), 0, 'what was revoked is refused at every moment');
    });
  }
});
