import { join } from 'node:path';
import { createDatabase } from '../tools/postgres-database.mjs';
import { listsFrom, runAlone } from './processes.ts';
import { median, pairs, percentile, range } from './statistics.ts';

/** Reading one session by its id, with its user, roles and floors, from a table of so many. */
export interface LookupsResult {
  readonly store: 'PostgreSQL' | 'SQLite';
  readonly sessions: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The median of a round to that of the smallest table in the same round, median over the rounds. */
  readonly ofSmallest: number;
  readonly ofSmallestRange: readonly [least: number, most: number];
}

/** What reading from the largest table should take at most, of the smallest. */
export const MOST_OF_SMALLEST = 2;

/** How long ten million rows may take to be made, in milliseconds. */
const PATIENCE = 3_600_000;

export interface LookupsOptions {
  readonly folder: string;
  readonly server: { readonly url: string };
  /** How many sessions the tables have, the smallest first. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Reads from each table in a round. */
  readonly reads: number;
}

/** Measures whether reading a session stays as cheap where there are many. */
export async function measureLookups(options: LookupsOptions): Promise<readonly LookupsResult[]> {
  const { folder, server, sizes } = options;
  const databases = [];
  try {
    for (const _ of sizes) databases.push(await createDatabase(server));
    const urls = databases.map(({ url }) => url);
    const files = sizes.map((sessions) => join(folder, `lookups-${sessions}.db`));
    return [...(await measure('PostgreSQL', urls, options)), ...(await measure('SQLite', files, options))];
  } finally {
    for (const { drop } of databases) await drop();
  }
}

async function measure(
  store: LookupsResult['store'],
  databases: readonly string[],
  { sizes, rounds, reads }: LookupsOptions,
): Promise<readonly LookupsResult[]> {
  const tables = sizes.flatMap((sessions, index) => [String(sessions), databases[index] ?? '']);
  const sent = await runAlone('lookups-process.ts', [String(rounds), String(reads), ...tables], [], PATIENCE);
  const times = sizes.map((sessions) => listsFrom(sent)(`of ${sessions}`));
  const medians = times.map((all) => inRounds(all, reads).map(median));
  return sizes.map((sessions, index): LookupsResult => {
    const all = times[index] ?? [];
    const ratios = pairs(medians[index] ?? [], medians[0] ?? []).map(([one, smallest]) => one / smallest);
    return {
      store,
      sessions,
      p50: median(all),
      p99: percentile(all, 99),
      ofSmallest: median(ratios),
      ofSmallestRange: range(ratios),
    };
  });
}

function inRounds(times: readonly number[], reads: number): readonly (readonly number[])[] {
  return Array.from({ length: times.length / reads }, (_, round) =>
    times.slice(round * reads, (round + 1) * reads),
  );
}
