import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDatabase } from '../tools/postgres-database.mjs';
import { numbersFrom, startTeller } from './processes.ts';
import { newRootSecret, seedSessions, seedTokens } from './seed.ts';

const SESSIONS = 1_000;
const NODES = 2;

/** Cookies or tokens. */
type Mode = 'session' | 'jwt';

/** What two nodes serve, as their processes read it from a file. */
export interface FleetSeed {
  readonly name: string;
  readonly database: string;
  readonly secret: string;
  readonly mode: Mode;
  /** Values of the header, one a session. */
  readonly credentials: readonly string[];
}

/** What checks read of the store, on two nodes that are asked in turn. */
export interface FleetResult {
  readonly what: string;
  readonly mode: Mode;
  readonly sessions: number;
  readonly checks: number;
  /** Reads of a session within one life in the near-cache of one node: the most, and on average. */
  readonly most: number;
  readonly mean: number;
  /** Reads of sessions, and of whatever else a check could read. */
  readonly reads: number;
  readonly other: number;
  /** How often a node's copy of the log was not fresh: then each check of a cookie reads. */
  readonly stale: number;
}

/** How often a check may read within one life; a token never does. */
export const MOST_READS: Readonly<Record<Mode, number>> = { session: 1, jwt: 0 };

export interface FleetOptions {
  readonly folder: string;
  readonly server: { readonly url: string };
  /** From one check of a session to the next, which is on the other node; in milliseconds. */
  readonly every: number;
  /** Checks of each session. */
  readonly asks: number;
  /** A session's life in the near-cache, in milliseconds. */
  readonly life: number;
}

/** Counts what a fleet of two nodes reads while 1,000 sessions each are used in both modes and on both stores. */
export async function measureFleet(options: FleetOptions): Promise<readonly FleetResult[]> {
  const { folder, server, every, asks, life } = options;
  const databases = [await createDatabase(server), await createDatabase(server)] as const;
  const kinds = [
    ['session cookies, PostgreSQL', databases[0].url, 'session'],
    ['session cookies, SQLite', join(folder, 'fleet-session.db'), 'session'],
    ['access tokens, PostgreSQL', databases[1].url, 'jwt'],
    ['access tokens, SQLite', join(folder, 'fleet-jwt.db'), 'jwt'],
  ] as const;
  try {
    const fleets: FleetSeed[] = [];
    for (const [name, database, mode] of kinds) fleets.push(await seedFleet(name, database, mode));
    const file = join(folder, 'fleets.json');
    await writeFile(file, JSON.stringify(fleets));
    const nodes = Array.from({ length: NODES }, (_, node) =>
      startTeller('fleet-process.ts', [String(node), file, String(every), String(asks), String(life)]),
    );
    await Promise.all(nodes.map((node) => node.next()));
    const startAt = Date.now() + 500;
    for (const node of nodes) node.tell(String(startAt));
    const sent = await Promise.all(nodes.map((node) => node.next(2 * every * asks + 60_000)));
    const counts = sent.map(numbersFrom);
    const lives = (every * asks) / life;
    return fleets.map(({ name, mode }): FleetResult => {
      const of = (figure: string): readonly number[] => counts.map((count) => count(`${name}.${figure}`));
      const sum = (figure: string): number => of(figure).reduce((total, value) => total + value, 0);
      return {
        what: name,
        mode,
        sessions: SESSIONS,
        checks: SESSIONS * asks,
        most: Math.max(...of('most')),
        mean: sum('reads') / (SESSIONS * NODES * lives),
        reads: sum('reads'),
        other: sum('other'),
        stale: sum('stale'),
      };
    });
  } finally {
    for (const { drop } of databases) await drop();
  }
}

async function seedFleet(name: string, database: string, mode: Mode): Promise<FleetSeed> {
  const secret = newRootSecret();
  if (mode === 'session') {
    const { cookies } = await seedSessions(database, secret, SESSIONS);
    return { name, database, secret, mode, credentials: cookies };
  }
  const { accessTokens } = await seedTokens(database, secret, SESSIONS);
  return { name, database, secret, mode, credentials: accessTokens.map((token) => `Bearer ${token}`) };
}
