/*
 * Measures Latchkey over HTTP and alone, on one node, on two, and in services that follow. See docs/performance.md.
 *
 *   npm run bench [-- --short] [-- --json] [-- --only fleet,revoke]
 *
 * `--short` takes about two minutes and a half, and its figures are for seeing that the
 * benchmark works, not for comparing. `--minutes` is how long the fleet is used, ten
 * else, and `--sessions` how many the largest table has, a million else.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { providePostgres } from '../tools/postgres.mjs';
import { measureCheck } from './check.ts';
import { type FeedPlan, measureFeed } from './feed.ts';
import { measureFleet } from './fleet.ts';
import { measureGet } from './get.ts';
import { measureLiveSet } from './live-set.ts';
import { measureLookups } from './lookups.ts';
import { measureMemory } from './memory.ts';
import { measureMint } from './mint.ts';
import { names } from './names.ts';
import { measureRefresh } from './refresh.ts';
import { formatReport, type Results } from './report.ts';
import { measureRevoke } from './revoke.ts';
import { measureSignIn } from './sign-in.ts';
import { measureTokenSize } from './token-size.ts';
import { measureVerifier } from './verifier.ts';
import { measureWrites } from './writes.ts';

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    sessions: { type: 'string', default: '1000000' },
  },
});
const { short, json } = values;
const FEED: FeedPlan = [
  ['PostgreSQL', [1, 8, 32, 64]],
  ['SQLite', [1, 64]],
];
const FEED_SHORT: FeedPlan = [
  ['PostgreSQL', [8]],
  ['SQLite', [1]],
];
const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
// As it comes: what is committed is on the disk.
const server = await providePostgres(process.env, {});

/** From ten thousand on, ten times as many each time. */
function sizesUpTo(most: number): readonly number[] {
  return Array.from({ length: 4 }, (_, step) => 10 ** (4 + step)).filter((size) => size <= most);
}

const sections: { readonly [Name in keyof Results]: () => Promise<Results[Name]> } = {
  get: () => measureGet({ folder, ...(short ? { rounds: 3, millis: 300 } : { rounds: 24, millis: 500 }) }),
  signIn: () =>
    measureSignIn({ folder, ...(short ? { rounds: 2, millis: 800 } : { rounds: 8, millis: 3_000 }) }),
  check: () => measureCheck({ folder, rounds: short ? 5 : 25 }),
  memory: () => measureMemory({ folder, entries: short ? 5_000 : 50_000 }),
  mint: () =>
    measureMint({ folder, ...(short ? { rounds: 5, tokens: 500 } : { rounds: 15, tokens: 1_000 }) }),
  refresh: () =>
    measureRefresh({ folder, ...(short ? { rounds: 4, refreshes: 100 } : { rounds: 15, refreshes: 250 }) }),
  tokenSize: measureTokenSize,
  revoke: () => measureRevoke({ folder, server, revocations: short ? 60 : 300 }),
  lookups: () =>
    measureLookups({
      folder,
      server,
      ...(short
        ? { sizes: sizesUpTo(100_000), rounds: 5, reads: 50 }
        : { sizes: sizesUpTo(Number(values.sessions)), rounds: 20, reads: 250 }),
    }),
  writes: () =>
    measureWrites({
      server,
      ...(short ? { sessions: 3_000, rows: 100 } : { sessions: 100_000, rows: 1_000 }),
    }),
  // A tenth of every time, so that as much happens within a life.
  fleet: () =>
    measureFleet({
      folder,
      server,
      ...(short
        ? { every: 500, asks: 30, life: 6_000 }
        : { every: 5_000, asks: Number(values.minutes) * 12, life: 60_000 }),
    }),
  verifier: () =>
    measureVerifier({ folder, ...(short ? { rounds: 3, live: 10_000 } : { rounds: 25, live: 100_000 }) }),
  liveSet: () =>
    measureLiveSet({
      folder,
      ...(short ? { entries: 100_000, processes: 1 } : { entries: 1_000_000, processes: 7 }),
    }),
  feed: () =>
    measureFeed({
      folder,
      server,
      ...(short
        ? { plan: FEED_SHORT, revocations: 60, apart: 20 }
        : { plan: FEED, revocations: 2_000, apart: 300 }),
    }),
};
try {
  const [loadBefore = 0] = loadavg();
  const results: Partial<Results> = {};
  const only = values.only?.split(',');
  for (const name of names(sections)) {
    if (only?.includes(name) === false) continue;
    Object.assign(results, { [name]: await sections[name]() });
  }
  const report = {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    processors: availableParallelism(),
    loadBefore,
    short,
    ...results,
  };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${formatReport(report)}\n`);
} finally {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
}
