import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase, run } from '../tools/postgres-database.mjs';
import { listsFrom, runAlone, startTeller } from './processes.ts';
import { newRootSecret, seedSessions } from './seed.ts';
import { median, pairs, percentile } from './statistics.ts';

/** Times in milliseconds: how long half of them took at the most, and 99 of a hundred. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** What is done on one node and seen on the other. */
export interface SeenResult {
  readonly what: string;
  /** From the call on one node until the other has heard of it, or refuses. */
  readonly seen: Times;
  /** From the call until it is answered. */
  readonly acknowledged: Times;
}

/** Revocations that one node makes and another one sees. */
export interface RevokeResult {
  readonly store: 'PostgreSQL' | 'SQLite';
  /** What a commit waits for. */
  readonly durability: string;
  readonly revocations: number;
  /** Notifications without Latchkey, in the same run; none on SQLite. */
  readonly raw: readonly SeenResult[];
  readonly revoke: SeenResult;
  /** How much later the other node refuses than the call is answered, in milliseconds; negative where it is sooner. */
  readonly lead: Times;
  /**
   * Medians: called → refused to called → heard, of the notification whose commit waits as
   * ours does, and of one alone, which waits for no disk. `null` on SQLite.
   */
  readonly ofRaw: { readonly durable: number; readonly bare: number } | null;
}

/** What a revocation should take at most, of a raw notification. */
export const MOST_OF_RAW = 2;
/** How much later than answered it should be refused at most, in milliseconds. */
export const MOST_LEAD = 2;

export interface RevokeOptions {
  readonly folder: string;
  readonly server: { readonly url: string };
  readonly revocations: number;
}

/** Measures how soon what one node revokes is refused on another. */
export async function measureRevoke(options: RevokeOptions): Promise<readonly RevokeResult[]> {
  const { folder, server } = options;
  const database = await createDatabase(server);
  try {
    await run(database.url, 'create table bench_echo (nr int)');
    const durability = await durabilityOf(database.url);
    return [
      await measure('PostgreSQL', database.url, durability, options),
      await measure('SQLite', join(folder, 'revoke.db'), 'synchronous=FULL', options),
    ];
  } finally {
    await database.drop();
  }
}

async function measure(
  store: RevokeResult['store'],
  database: string,
  durability: string,
  { folder, revocations }: RevokeOptions,
): Promise<RevokeResult> {
  const secret = newRootSecret();
  const { cookies } = await seedSessions(database, secret, revocations);
  const file = join(folder, `revoke-${store}.json`);
  await writeFile(file, JSON.stringify(cookies));
  const seer = startTeller('revoke-process.ts', ['sees', database, secret, file]);
  await seer.next();
  const acted = listsFrom(await runAlone('revoke-process.ts', ['acts', database, secret, file]));
  const seen = listsFrom(await seer.next());
  const resultOf = (kind: string, what: string): SeenResult => ({
    what,
    seen: timesOf(differences(seen(`${kind}.seen`), acted(`${kind}.called`))),
    acknowledged: timesOf(differences(acted(`${kind}.acknowledged`), acted(`${kind}.called`))),
  });
  const revoke = resultOf('revoke', 'revoke()');
  const lead = timesOf(differences(seen('revoke.seen'), acted('revoke.acknowledged')));
  const result = { store, durability, revocations, revoke, lead };
  if (store === 'SQLite') return { ...result, raw: [], ofRaw: null };
  const durable = resultOf('durable', 'raw: one statement with a row and NOTIFY');
  const bare = resultOf('bare', 'raw: NOTIFY alone, whose commit waits for no disk');
  const of = (raw: SeenResult): number => revoke.seen.p50 / raw.seen.p50;
  return { ...result, raw: [durable, bare], ofRaw: { durable: of(durable), bare: of(bare) } };
}

function differences(later: readonly number[], earlier: readonly number[]): readonly number[] {
  return pairs(later, earlier).map(([end, start]) => end - start);
}

function timesOf(values: readonly number[]): Times {
  return { p50: median(values), p99: percentile(values, 99) };
}

async function durabilityOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ setting: string }>(
    'select string_agg(name || $1 || setting, $2 order by name) as setting from pg_settings ' +
      "where name in ('server_version', 'synchronous_commit', 'fsync', 'wal_sync_method')",
    ['=', ', '],
  );
  await client.end();
  return rows[0]?.setting ?? '';
}
