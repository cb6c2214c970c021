import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Load, requestText, run } from './load.ts';
import { type MeasuredServer, startServer } from './processes.ts';
import { newRootSecret, revokeSessions, seedSessions } from './seed.ts';
import { median, range } from './statistics.ts';

const SESSIONS = 1_000;
const REVOKED = 10;
const CONNECTIONS = 64;

/** The variants, the bare one first, and what each is. */
export const VARIANTS = {
  bare: 'Hono alone, no authentication',
  off: 'Latchkey’s server, route without authentication',
  cookie: 'session cookie, warm',
  cold: 'session cookie, the store read on each check',
  revoked: 'session cookie, warm, 1 % of the sessions revoked',
} as const;

export type Variant = keyof typeof VARIANTS;

/** What came of one variant. */
export interface GetResult {
  readonly variant: Variant;
  readonly what: string;
  /** Median over the rounds. */
  readonly requestsPerSecond: number;
  /** Median over the rounds of the ratio to the bare variant in the same round. */
  readonly ofBare: number;
  readonly ofBareRange: readonly [least: number, most: number];
  /** Processor time of the server's process for a request, in microseconds; median over the rounds. */
  readonly cpuPerRequest: number;
  /** The same above the bare variant in the same round. */
  readonly addedCpu: number;
}

interface Slice {
  readonly requestsPerSecond: number;
  readonly cpuPerRequest: number;
}

/**
 * Measures authenticated GETs over HTTP. In each round every variant has one
 * slice of time, in an order that rotates, so that what else the machine does
 * falls on all of them; ratios are taken within a round.
 */
export async function measureGet(options: {
  readonly folder: string;
  readonly rounds: number;
  readonly millis: number;
}): Promise<readonly GetResult[]> {
  const { folder, rounds, millis } = options;
  const variants = names(VARIANTS);
  const secret = newRootSecret();
  const seeded = join(folder, 'seed.db');
  const seed = await seedSessions(seeded, secret, SESSIONS);
  const requests = seed.cookies.map((cookie) =>
    requestText('GET /profile', { Host: 'localhost:3000', Accept: 'application/json', Cookie: cookie }),
  );
  const servers = new Map<Variant, MeasuredServer>();
  const slices = new Map<Variant, Slice[]>(variants.map((variant) => [variant, []]));
  try {
    for (const variant of variants) {
      const database = join(folder, `${variant}.db`);
      await copyFile(seeded, database);
      if (variant === 'revoked') await revokeSessions(database, secret, seed.sessions.slice(0, REVOKED));
      const { id, email } = seed.user;
      servers.set(variant, await startServer('get-server.ts', [variant, database, secret, id, email]));
    }
    for (let round = 0; round <= rounds; round += 1) {
      for (let turn = 0; turn < variants.length; turn += 1) {
        const variant = variants[(round + turn) % variants.length];
        const server = variant === undefined ? undefined : servers.get(variant);
        if (variant === undefined || server === undefined) continue;
        const slice = await measureSlice(variant, server, requests, millis);
        // Round 0 is for the compiler and the caches.
        if (round > 0) slices.get(variant)?.push(slice);
      }
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
  return variants.map((variant) => summarise(variant, slices.get(variant) ?? [], slices.get('bare') ?? []));
}

async function measureSlice(
  variant: Variant,
  server: MeasuredServer,
  requests: readonly Buffer[],
  millis: number,
): Promise<Slice> {
  const load: Load = { port: server.port, requests, connections: CONNECTIONS };
  // Each session once, untimed: what the near-cache let go of between two slices is not part of "warm".
  const warm = await run(load, { requests: requests.length });
  const refused = warm.statuses.get(401) ?? 0;
  const expected = variant === 'revoked' ? REVOKED : 0;
  if (refused !== expected || (warm.statuses.get(200) ?? 0) !== requests.length - expected) {
    throw new Error(`${variant} answered ${JSON.stringify([...warm.statuses])}`);
  }
  const before = await server.cpu();
  const { answered, seconds } = await run(load, { millis });
  const cpu = (await server.cpu()) - before;
  return { requestsPerSecond: answered / seconds, cpuPerRequest: cpu / answered };
}

function summarise(variant: Variant, slices: readonly Slice[], bare: readonly Slice[]): GetResult {
  const paired = (of: (slice: Slice, bare: Slice) => number): number[] =>
    slices.flatMap((slice, round) => {
      const other = bare[round];
      return other === undefined ? [] : [of(slice, other)];
    });
  const ratios = paired((slice, other) => slice.requestsPerSecond / other.requestsPerSecond);
  return {
    variant,
    what: VARIANTS[variant],
    requestsPerSecond: median(slices.map((slice) => slice.requestsPerSecond)),
    ofBare: median(ratios),
    ofBareRange: range(ratios),
    cpuPerRequest: median(slices.map((slice) => slice.cpuPerRequest)),
    addedCpu: median(paired((slice, other) => slice.cpuPerRequest - other.cpuPerRequest)),
  };
}

function names<Key extends string>(table: Readonly<Record<Key, unknown>>): readonly Key[] {
  return Object.keys(table).filter((name): name is Key => name in table);
}
