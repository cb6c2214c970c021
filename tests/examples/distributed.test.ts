import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { provideDatabase } from '../../examples/distributed/database.ts';
import { type Ending, type Request, type Run, summarize } from '../../examples/distributed/summary.ts';
import { freePort } from '../../tools/own-server.mjs';
import { createDatabase } from '../../tools/postgres-database.mjs';
import { type Running, startUntil, temporaryFolder } from '../server/process.ts';

const SERVER = fileURLToPath(new URL('../../examples/distributed/server.ts', import.meta.url));
const POLL_MS = 20;

async function start(
  t: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Running> {
  const port = String(await freePort());
  const running = await startUntil(
    SERVER,
    args,
    { PORT: port, ...environment },
    /nodes on PostgreSQL are ready/,
  );
  t.after(() => running.end('SIGKILL'));
  return running;
}

async function ended({ child }: Running): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'close');
  return child.exitCode;
}

/** The figure in a row of the table. */
function figure(output: string, row: string): number {
  const found = new RegExp(`^  ${row} +([\\d.]+)(?: ms)? `, 'm').exec(output)?.[1];
  assert.ok(found !== undefined, `there is no row ${row}: ${output}`);
  return Number(found);
}

describe('examples/distributed', () => {
  test('kills a node under load, and nobody notices who was not on it', async (t) => {
    const database = await createDatabase();
    t.after(() => database.drop());
    const running = await start(t, ['--seconds', '8'], { FLEET_DATABASE_URL: database.url });
    const code = await ended(running);
    const { stdout, stderr } = running.output;
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout, /Every promise was kept\.\n$/);
    for (const row of ['failed otherwise', 'signed out by accident', 'accepted 5 s after revocation']) {
      assert.equal(figure(stdout, row), 0, row);
    }
    // However slow the machine is: something was asked, tried and noticed.
    assert.ok(figure(stdout, 'requests') > 100);
    assert.ok(figure(stdout, 'tried after those 5 s') > 0);
    assert.ok(figure(stdout, 'noticed by the balancer') > 0);
    for (const node of ['node-1', 'node-2', 'node-3']) assert.match(stdout, new RegExp(`\\d+ by ${node}`));
  });

  test('shows what is broken, and fails, where the balancer only takes turns', async (t) => {
    const database = await createDatabase();
    t.after(() => database.drop());
    const running = await start(t, ['--naive', '--seconds', '7'], { FLEET_DATABASE_URL: database.url });
    assert.equal(await ended(running), 1);
    const { stdout } = running.output;
    assert.ok(figure(stdout, 'failed otherwise') > 0);
    assert.equal(figure(stdout, 'signed out by accident'), 0);
    assert.match(stdout, /\nBroken: \d+ requests failed that node-2 did not have when it died\.\n$/);
  });

  test('brings a PostgreSQL of its own where none is named, and leaves none', async () => {
    const database = await provideDatabase(undefined);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ one: number }>('select 1 as one');
    assert.deepEqual(rows, [{ one: 1 }]);
    await client.end();
    await database.close();
    const after = new pg.Client({ connectionString: database.url });
    await assert.rejects(after.connect(), { code: 'ECONNREFUSED' });
  });

  test('takes its nodes and its PostgreSQL along when it is killed itself', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    // Who keeps PostgreSQL may have to be another user than who runs this.
    chmodSync(folder.path, 0o755);
    const running = await start(t, [], { TMPDIR: folder.path });
    const { pid } = running.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    assert.equal(children.length, 4);
    await running.end('SIGKILL');
    while (children.some((child) => existsSync(`/proc/${child}`))) await setTimeout(POLL_MS);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith('latchkey-fleet-postgres')),
      [],
    );
  });

  test('stops everything when it is told to', async (t) => {
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const database = await createDatabase();
    t.after(() => database.drop());
    const running = await start(t, ['--stay'], { TMPDIR: folder.path, FLEET_DATABASE_URL: database.url });
    assert.equal(await running.end('SIGINT'), 130);
    assert.deepEqual(readdirSync(folder.path), []);
    assert.equal(running.output.stderr, '');
  });

  test('says in one line what to do about a database that it cannot use', async () => {
    const folder = temporaryFolder();
    const environment = { PORT: '0', TMPDIR: folder.path, FLEET_DATABASE_URL: 'mysql://localhost/x' };
    await assert.rejects(
      startUntil(SERVER, [], environment, /never/),
      /node-\d did not start: LATCHKEY_DATABASE_URL must be/,
    );
    assert.deepEqual(readdirSync(folder.path), []);
    folder.remove();
  });
});

/** A run in which every promise was kept; times in milliseconds. */
function goodRun(): { requests: Request[]; endings: Ending[]; crash: Run['crash']; bound: number } {
  const request = (device: number, start: number, more: Partial<Request> = {}): Request => ({
    device,
    act: 'check',
    decides: true,
    start,
    end: start + 10,
    status: 200,
    node: 'node-1',
    lostOn: null,
    ...more,
  });
  return {
    requests: [
      request(1, 0),
      request(1, 990, { act: 'renew', status: 502, node: null, lostOn: 'node-2' }),
      request(1, 1_100, { act: 'renew' }),
      // A token that is older than a revocation of other sessions: renewed, and good.
      request(1, 1_500, { status: 401, decides: false }),
      request(1, 1_520, { act: 'renew' }),
      request(1, 1_540),
      // Revoked at 1000: on its way then, then within the bound, then refused.
      request(2, 1_005, { status: 401 }),
      request(2, 2_000, { status: 200 }),
      request(2, 7_000, { status: 401 }),
      request(2, 7_050, { act: 'renew', status: 400 }),
      request(1, 9_000, { node: 'node-2' }),
    ],
    endings: [{ device: 2, begun: 1_000, acknowledged: 1_010 }],
    crash: { node: 'node-2', killed: 990, at: 1_000, noticed: 1_002, back: 8_000, inFlight: 2 },
    bound: 5_000,
  };
}

describe('the summary of examples/distributed', () => {
  test('of a good run breaks no promise', () => {
    const summary = summarize(goodRun());
    assert.deepEqual(summary.broken, []);
    assert.equal(summary.lost, 1);
    assert.equal(summary.lastAccepted, 990);
    assert.equal(summary.noticedAfter, 12);
    assert.equal(summary.triedAfterBound, 2);
  });

  type Change = (run: ReturnType<typeof goodRun>) => void;
  const alter = (index: number, more: Partial<Request>): Change => {
    return ({ requests }) => {
      const found = requests[index];
      assert.ok(found !== undefined);
      requests[index] = { ...found, ...more };
    };
  };
  const failed = /^1 requests failed/;
  const signedOut = /^1 devices were signed out/;
  const accepted = /^1 requests were accepted/;
  const bad: readonly (readonly [what: string, change: Change, promise: RegExp])[] = [
    ['a request that no node answered', alter(0, { status: 502, node: null }), failed],
    ['a connection that broke off', alter(0, { status: null, node: null }), failed],
    ['a node that is busy', alter(0, { status: 503 }), failed],
    ['a refusal for too many attempts', alter(0, { status: 429 }), failed],
    ['a request lost on a node that lives', alter(1, { lostOn: 'node-1' }), failed],
    ['a request lost that began when the node was dead', alter(1, { start: 1_001, end: 1_010 }), failed],
    ['a refusal of who is signed in', alter(0, { status: 401 }), signedOut],
    ['a refresh token that is refused', alter(2, { status: 400 }), signedOut],
    ['a token that is refused after it was renewed', alter(5, { status: 401 }), signedOut],
    ['a refusal before the session was ended', alter(6, { start: 900, end: 910 }), signedOut],
    ['a revoked credential that is accepted', alter(8, { status: 200 }), accepted],
    ['a revoked refresh token that is exchanged', alter(9, { status: 200 }), accepted],
    [
      'a run that tried nothing after the bound',
      ({ requests }) => requests.splice(8, 2),
      /^no revoked credential was tried/,
    ],
    [
      'a sign-out that nobody acknowledged',
      ({ endings }) => endings.push({ device: 3, begun: 1_000, acknowledged: null }),
      /^1 sessions were to be ended/,
    ],
    ['a node that did not come back', ({ requests }) => requests.pop(), /^node-2 did not answer again/],
  ];
  for (const [what, change, promise] of bad) {
    test(`finds ${what}`, () => {
      const run = goodRun();
      change(run);
      const { broken } = summarize(run);
      assert.equal(broken.length, 1, broken.join('; '));
      assert.match(broken[0] ?? '', promise);
    });
  }
});
