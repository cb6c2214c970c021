/*
 * Three nodes on one PostgreSQL, a small balancer before them, people who use them,
 * and a kill -9 in the middle of it: who notices?
 *
 *   npm start -w example-distributed                 # half a minute, then all is gone; exit code 1 for a broken promise
 *   npm start -w example-distributed -- --stay       # leaves it running, to try by hand
 *   npm start -w example-distributed -- --naive      # a balancer that only takes turns, to see what this one is for
 *
 * FLEET_DATABASE_URL=postgres://… names an empty database to use instead of the
 * PostgreSQL that is started for the run.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Balancer, type UnderWay, type Upstream } from './balancer.ts';
import { provideDatabase } from './database.ts';
import { FleetNode, freePort } from './fleet.ts';
import { People } from './people.ts';
import { describeMoment, describePeople, describeStay, describeSummary } from './report.ts';
import { type Crash, summarize } from './summary.ts';

/** `log.maxStaleness`, as nobody has configured it: so long after an acknowledgement another node may still accept. */
const BOUND_MS = 5_000;
/** How long people go on after the last thing that is to be seen. */
const SPARE_MS = 1_500;
/** How long to wait for a moment in which the node has something that nobody may repeat; after that anything will do. */
const MOMENT_WITHIN_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    people: { type: 'string', default: '36' },
    seconds: { type: 'string', default: '18' },
    stay: { type: 'boolean', default: false },
    naive: { type: 'boolean', default: false },
  },
});
const duration = Number(options.seconds) * 1000;
const port = Number(process.env['PORT'] ?? 3006);
const origin = `http://localhost:${port}`;

/** What is to be undone, the last first. */
const undo: (() => unknown)[] = [];
async function undoAll(): Promise<void> {
  for (let next = undo.pop(); next !== undefined; next = undo.pop()) await next();
}
let closing: Promise<void> | null = null;
function close(): Promise<void> {
  closing ??= undoAll();
  return closing;
}
const stopped = new AbortController();

async function startFleet(): Promise<{ readonly nodes: readonly FleetNode[]; readonly balancer: Balancer }> {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-fleet-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const database = await provideDatabase(process.env['FLEET_DATABASE_URL']);
  undo.push(() => database.close());
  // Every node needs the same secret; a database that stays belongs to the one that it was made with.
  const secret = process.env['LATCHKEY_SECRET'] ?? randomBytes(32).toString('base64');
  const deployment = { url: origin, database: database.url, secret, folder };
  const nodes: FleetNode[] = [];
  for (const name of ['node-1', 'node-2', 'node-3']) {
    const node = new FleetNode(name, await freePort(), deployment);
    undo.push(() => node.end('SIGTERM'));
    nodes.push(node);
  }
  await Promise.all(nodes.map((node) => node.start()));
  const balancer = new Balancer(nodes, !options.naive);
  await balancer.listen(port);
  undo.push(() => balancer.close());
  const store = database.url.startsWith('postgres') ? 'PostgreSQL' : database.url;
  console.log(`Three nodes on ${store} are ready, behind ${origin}`);
  return { nodes, balancer };
}

/** Kills a node while it works, and starts it again. */
async function crash(victim: FleetNode, upstream: Upstream, say: (text: string) => void): Promise<Crash> {
  await setTimeout(duration / 4);
  const { underWay } = upstream;
  const latest = performance.now() + MOMENT_WITHIN_MS;
  while (underWay.size === 0 || ![...underWay].some(isUnsafe)) {
    if (underWay.size > 0 && performance.now() > latest) break;
    await setImmediate();
  }
  const before = upstream.broken;
  const killed = performance.now();
  await victim.end('SIGKILL');
  const at = performance.now();
  say(`${victim.name} is killed: kill -9`);
  await setTimeout(duration / 4);
  const noticed = upstream.up ? null : upstream.since;
  say(`${victim.name} is started again`);
  await victim.start();
  while (!upstream.up) await setTimeout(1);
  const back = performance.now();
  say(`${victim.name} has its share again`);
  return { node: victim.name, killed, at, noticed, back, inFlight: upstream.broken - before };
}

function isUnsafe({ method }: UnderWay): boolean {
  return method === 'POST';
}

/** The people, the crash and the judgement. */
async function run(nodes: readonly FleetNode[], balancer: Balancer): Promise<boolean> {
  const [, victim] = nodes;
  const upstream = balancer.nodes.find(({ name }) => name === victim?.name);
  if (victim === undefined || upstream === undefined) throw new TypeError('the fleet has no second node');
  const people = new People(`http://127.0.0.1:${port}`);
  await people.arrive(Number(options.people));
  console.log(describePeople(people));

  const startedAt = performance.now();
  const say = (text: string): void => console.log(describeMoment(performance.now() - startedAt, text));
  const over = new AbortController();
  const living = people.live(over.signal);
  try {
    const [died] = await Promise.all([
      crash(victim, upstream, say).then(async (told) => {
        await setTimeout(SPARE_MS);
        return told;
      }),
      people
        .endSome(Math.max(0, duration - BOUND_MS - SPARE_MS), over.signal)
        .then(() => setTimeout(BOUND_MS + SPARE_MS)),
    ]);
    over.abort();
    await living;
    say('the people stop');
    const { requests, endings } = people;
    const summary = summarize({ requests, endings, crash: died, bound: BOUND_MS });
    console.log(describeSummary(summary, died.node, BOUND_MS));
    return summary.broken.length === 0;
  } finally {
    over.abort();
  }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    stopped.abort();
    void close().finally(() => process.exit(code));
  });
}
try {
  const { nodes, balancer } = await startFleet();
  if (!(await run(nodes, balancer))) process.exitCode = 1;
  if (options.stay) {
    console.log(describeStay(origin, nodes));
    await Promise.withResolvers<never>().promise;
  }
} catch (error) {
  // Whoever stops it in the middle wants to hear no more.
  if (!stopped.signal.aborted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await close();
}
