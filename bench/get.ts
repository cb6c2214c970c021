import { createPublicKey } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seedBetterAuth } from './better-auth.ts';
import { type Limit, type Load, requestText, run, type Tally } from './load.ts';
import { names } from './names.ts';
import { type MeasuredServer, startServer } from './processes.ts';
import {
  newRootSecret,
  revokeSessions,
  type Seed,
  seedSessions,
  seedTokens,
  type TokenSeed,
  URL_OF_ALL,
} from './seed.ts';
import { median, pairs, range } from './statistics.ts';

const SESSIONS = 1_000;
const REVOKED = 10;
const CONNECTIONS = 64;

type Sent = 'cookie' | 'token' | 'better-auth';

interface VariantRow {
  readonly what: string;
  /** The file of this folder that runs it, and what that file calls it. */
  readonly server: readonly [file: 'get-server.ts' | 'peer-server.ts', name: string];
  readonly sends: Sent;
  /** The bare route of the same framework, sent the same requests. */
  readonly bare: string;
  /** The same application with everything but the check. */
  readonly around: string;
}

const ours = (name: string) => ['get-server.ts', name] as const;
const peer = (name: string) => ['peer-server.ts', name] as const;
const COOKIE = { sends: 'cookie', bare: 'bare' } as const;
const TOKEN = { sends: 'token', bare: 'bare-token' } as const;

/** The variants, in the order of the report, and what each is. */
const ROWS = {
  bare: { what: 'Hono alone, sent cookies', server: ours('bare'), ...COOKIE, around: 'bare' },
  'bare-token': {
    what: 'Hono alone, sent tokens',
    server: ours('bare'),
    ...TOKEN,
    around: 'bare-token',
  },
  'guard-cookie': {
    what: 'Hono and Latchkey’s guard: session cookie, warm',
    server: ours('guard'),
    ...COOKIE,
    around: 'bare',
  },
  'guard-token': {
    what: 'Hono and Latchkey’s guard: bearer token, warm',
    server: ours('guard'),
    ...TOKEN,
    around: 'bare-token',
  },
  off: {
    what: 'Latchkey’s server, route without authentication',
    server: ours('off'),
    ...COOKIE,
    around: 'off',
  },
  'off-token': {
    what: 'Latchkey’s server, the same, sent tokens',
    server: ours('off'),
    ...TOKEN,
    around: 'off-token',
  },
  cookie: {
    what: 'Latchkey’s server: session cookie, warm',
    server: ours('cookie'),
    ...COOKIE,
    around: 'off',
  },
  token: {
    what: 'Latchkey’s server: bearer token, warm',
    server: ours('token'),
    ...TOKEN,
    around: 'off-token',
  },
  revoked: {
    what: 'Latchkey’s server: session cookie, warm, 1 % of the sessions revoked',
    server: ours('revoked'),
    ...COOKIE,
    around: 'off',
  },
  cold: {
    what: 'Latchkey’s server: session cookie, the store read on each check',
    server: ours('cold'),
    ...COOKIE,
    around: 'off',
  },
  'better-auth': {
    what: 'Hono and better-auth’s getSession, SQLite',
    server: peer('better-auth'),
    sends: 'better-auth',
    bare: 'bare',
    around: 'bare',
  },
  fastify: {
    what: 'Fastify alone, sent tokens',
    server: peer('fastify'),
    sends: 'token',
    bare: 'fastify',
    around: 'fastify',
  },
  'fastify-jwt': {
    what: 'Fastify and @fastify/jwt, EdDSA, its cache on',
    server: peer('fastify-jwt'),
    sends: 'token',
    bare: 'fastify',
    around: 'fastify',
  },
} as const satisfies Record<string, VariantRow>;

export type Variant = keyof typeof ROWS;

const VARIANTS: readonly Variant[] = names(ROWS);

/** What came of one variant. */
export interface GetResult {
  readonly variant: Variant;
  readonly what: string;
  /** Median over the rounds. */
  readonly requestsPerSecond: number;
  /** Median over the rounds of the ratio to its bare route in the same round. */
  readonly ofBare: number;
  readonly ofBareRange: readonly [least: number, most: number];
  /** The same to the application around it without the check: what the check alone leaves. */
  readonly ofAround: number;
  /** Processor time of the server's process for a request, in microseconds; median over the rounds. */
  readonly cpuPerRequest: number;
  /** The same above its bare route in the same round. */
  readonly addedCpu: number;
}

interface Slice {
  readonly requestsPerSecond: number;
  readonly cpuPerRequest: number;
}

type Requests = Readonly<Record<Sent, readonly Buffer[]>>;

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
  const seeds = await seedAll(folder);
  const servers = new Map<Variant, MeasuredServer>();
  const slices = new Map<Variant, Slice[]>(VARIANTS.map((variant) => [variant, []]));
  try {
    for (const variant of VARIANTS) servers.set(variant, await startVariant(folder, seeds, variant));
    for (let round = 0; round <= rounds; round += 1) {
      for (let turn = 0; turn < VARIANTS.length; turn += 1) {
        const variant = VARIANTS[(round + turn) % VARIANTS.length];
        const server = variant === undefined ? undefined : servers.get(variant);
        if (variant === undefined || server === undefined) continue;
        const slice = await measureSlice(variant, server, seeds.requests, millis);
        // Round 0 is for the compiler and the caches.
        if (round > 0) slices.get(variant)?.push(slice);
      }
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
  return VARIANTS.map((variant) => summarise(variant, slices));
}

interface Seeds {
  readonly secret: string;
  readonly session: Seed;
  readonly jwt: TokenSeed;
  readonly requests: Requests;
}

const databaseOf = (folder: string, of: string): string => join(folder, `get-${of}.db`);

async function seedAll(folder: string): Promise<Seeds> {
  const secret = newRootSecret();
  const session = await seedSessions(databaseOf(folder, 'seed-session'), secret, SESSIONS);
  const jwt = await seedTokens(databaseOf(folder, 'seed-jwt'), secret, SESSIONS);
  const peers = await seedBetterAuth(databaseOf(folder, 'better-auth'), secret, SESSIONS);
  const get = (header: Readonly<Record<string, string>>): Buffer =>
    requestText('GET /profile', { Host: 'localhost:3000', Accept: 'application/json', ...header });
  const requests = {
    cookie: session.cookies.map((Cookie) => get({ Cookie })),
    token: jwt.accessTokens.map((token) => get({ Authorization: `Bearer ${token}` })),
    'better-auth': peers.map((Cookie) => get({ Cookie })),
  };
  return { secret, session, jwt, requests };
}

async function startVariant(folder: string, seeds: Seeds, variant: Variant): Promise<MeasuredServer> {
  const row: VariantRow = ROWS[variant];
  const [file, name] = row.server;
  const { secret, session, jwt } = seeds;
  const { user } = row.sends === 'token' ? jwt : session;
  if (variant === 'better-auth') return startServer(file, [name, databaseOf(folder, 'better-auth'), secret]);
  if (file === 'peer-server.ts') {
    const key = createPublicKey({ key: { ...jwt.publicKey }, format: 'jwk' });
    const pem = key.export({ format: 'pem', type: 'spki' }).toString();
    return startServer(file, [name, pem, URL_OF_ALL, user.id, user.email]);
  }
  const mode = row.sends === 'token' ? 'jwt' : 'session';
  const database = databaseOf(folder, variant);
  await copyFile(databaseOf(folder, `seed-${mode}`), database);
  if (variant === 'revoked') await revokeSessions(database, secret, session.sessions.slice(0, REVOKED));
  return startServer(file, [name, database, secret, mode, user.id, user.email]);
}

async function measureSlice(
  variant: Variant,
  server: MeasuredServer,
  { [ROWS[variant].sends]: requests }: Requests,
  millis: number,
): Promise<Slice> {
  const load: Load = { port: server.port, requests, connections: CONNECTIONS };
  // Each session once, untimed: what the near-cache let go of between two slices is not part of "warm".
  // better-auth remembers nothing, so it is only looked at.
  await check(
    variant,
    load,
    variant === 'better-auth' ? { requests: CONNECTIONS } : { requests: requests.length },
  );
  const before = await server.cpu();
  const { answered, seconds } = await check(variant, load, { millis });
  const cpu = (await server.cpu()) - before;
  return { requestsPerSecond: answered / seconds, cpuPerRequest: cpu / answered };
}

/** A variant that answers anything else than it should is fast for nothing. */
async function check(variant: Variant, load: Load, limit: Limit): Promise<Tally> {
  const tally = await run(load, limit);
  const { answered, statuses } = tally;
  const refused = statuses.get(401) ?? 0;
  const mayRefuse = variant === 'revoked' ? REVOKED * Math.ceil(answered / SESSIONS) : 0;
  if (
    refused > mayRefuse ||
    (mayRefuse > 0 && refused === 0) ||
    (statuses.get(200) ?? 0) !== answered - refused
  )
    throw new Error(`${variant} answered ${JSON.stringify([...statuses])}`);
  return tally;
}

function summarise(variant: Variant, all: ReadonlyMap<string, readonly Slice[]>): GetResult {
  const { what, bare, around } = ROWS[variant];
  const slices = all.get(variant) ?? [];
  const paired = (other: string, of: (slice: Slice, other: Slice) => number): number[] =>
    pairs(slices, all.get(other) ?? []).map((pair) => of(...pair));
  const ratio = (slice: Slice, other: Slice): number => slice.requestsPerSecond / other.requestsPerSecond;
  const ratios = paired(bare, ratio);
  return {
    variant,
    what,
    requestsPerSecond: median(slices.map((slice) => slice.requestsPerSecond)),
    ofBare: median(ratios),
    ofBareRange: range(ratios),
    ofAround: median(paired(around, ratio)),
    cpuPerRequest: median(slices.map((slice) => slice.cpuPerRequest)),
    addedCpu: median(paired(bare, (slice, other) => slice.cpuPerRequest - other.cpuPerRequest)),
  };
}
