import type { CheckResult } from './check.ts';
import type { FeedResult } from './feed.ts';
import type { FleetResult } from './fleet.ts';
import type { GetResult } from './get.ts';
import type { LiveSetResult } from './live-set.ts';
import type { LookupsResult } from './lookups.ts';
import { type MemoryResult, MOST_BYTES_AN_ENTRY } from './memory.ts';
import type { MintResult } from './mint.ts';
import { names } from './names.ts';
import type { RefreshResult } from './refresh.ts';
import { formatFleet, formatLookups, formatRevoke, formatWrites } from './report-nodes.ts';
import { formatFeed, formatLiveSet, formatVerifier } from './report-services.ts';
import type { RevokeResult } from './revoke.ts';
import type { SignInResult } from './sign-in.ts';
import { micros, ratio, span, table, whole } from './tables.ts';
import { MOST_BYTES, type TokenSize } from './token-size.ts';
import type { VerifierResult } from './verifier.ts';
import type { WritesResult } from './writes.ts';

/** The figures of each section, as `--json` prints them. Units are in the fields' own words. */
export interface Results {
  readonly get: readonly GetResult[];
  readonly signIn: SignInResult;
  readonly check: CheckResult;
  readonly memory: readonly MemoryResult[];
  readonly mint: readonly MintResult[];
  readonly refresh: readonly RefreshResult[];
  readonly tokenSize: TokenSize;
  readonly revoke: readonly RevokeResult[];
  readonly lookups: readonly LookupsResult[];
  readonly writes: readonly WritesResult[];
  readonly fleet: readonly FleetResult[];
  readonly verifier: VerifierResult;
  readonly liveSet: LiveSetResult;
  readonly feed: readonly FeedResult[];
}

/** One run: of the sections those that were asked for. */
export type Report = Partial<Results> & {
  /** The day of the run, `YYYY-MM-DD`. */
  readonly date: string;
  readonly node: string;
  readonly processors: number;
  /** Processes that were running or waiting to, on average over the last minute before the run. */
  readonly loadBefore: number;
  readonly short: boolean;
};

const FORMATS: { readonly [Name in keyof Results]: (result: Results[Name]) => string } = {
  get: formatGet,
  signIn: formatSignIn,
  check: formatCheck,
  memory: formatMemory,
  mint: formatMint,
  refresh: formatRefresh,
  tokenSize: formatTokenSize,
  revoke: formatRevoke,
  lookups: formatLookups,
  writes: formatWrites,
  fleet: formatFleet,
  verifier: formatVerifier,
  liveSet: formatLiveSet,
  feed: formatFeed,
};

function formatSection<Name extends keyof Results>(
  name: Name,
  result: Results[Name] | undefined,
): readonly string[] {
  return result === undefined ? [] : [FORMATS[name](result)];
}

/** Writes the figures as plain tables. */
export function formatReport(report: Report): string {
  const { date, node, processors, loadBefore, short } = report;
  const sections: Partial<Results> = report;
  return [
    `${date}, Node ${node}, ${processors} processors, load before ${loadBefore.toFixed(1)}${short ? ', short run' : ''}`,
    ...names(FORMATS).flatMap((name) => formatSection(name, sections[name])),
  ].join('\n\n');
}

function formatGet(get: readonly GetResult[]): string {
  return table(
    [
      'authenticated GET over HTTP',
      'requests/s',
      'of bare',
      'range',
      'of the same unchecked',
      'CPU µs',
      'added CPU µs',
    ],
    get.map((row) => [
      row.what,
      whole(row.requestsPerSecond),
      ratio(row.ofBare),
      span(row.ofBareRange),
      ratio(row.ofAround),
      micros(row.cpuPerRequest),
      micros(row.addedCpu),
    ]),
  );
}

function formatSignIn(signIn: SignInResult): string {
  return table(
    ['sign-in over HTTP, 8 at a time', 'sign-ins/s', 'of bare', 'range', 'CPU ms'],
    [
      ['bare: Argon2id and one durable row', signIn.bare.toFixed(1), '1.00', '', ratio(signIn.bareCpu)],
      [
        'Latchkey’s server',
        signIn.latchkey.toFixed(1),
        ratio(signIn.ofBare),
        span(signIn.ofBareRange),
        ratio(signIn.latchkeyCpu),
      ],
    ],
  );
}

function formatCheck(check: CheckResult): string {
  const times = (value: number): string => `${value.toFixed(1)}×`;
  return table(
    ['a check without HTTP', 'CPU µs', 'cheaper than jose'],
    [
      ['cookie, warm: from the header to a principal', ratio(check.cookie), ''],
      ['  the same from `Headers`', ratio(check.headers), ''],
      ['  of it, finding the cookie', ratio(check.findCookie), ''],
      ['  of it, SHA-256', ratio(check.shaCookie), ''],
      ['token, warm: from the header to a principal', ratio(check.token), times(check.hitOfJose)],
      ['  of it, SHA-256', ratio(check.shaToken), ''],
      ['token, not remembered: its signature is verified', micros(check.miss), times(check.missOfJose)],
      ['jose: jwtVerify of the same token', micros(check.jose), times(1)],
    ],
  );
}

function formatMemory(memory: readonly MemoryResult[]): string {
  return table(
    ['a remembered credential, bytes', 'at once', 'near-cache', 'at most', 'activity', 'principal'],
    memory.map((row) => [
      row.what,
      whole(row.entries),
      whole(row.nearCache),
      whole(MOST_BYTES_AN_ENTRY),
      whole(row.activity),
      whole(row.principal),
    ]),
  );
}

function formatMint(mint: readonly MintResult[]): string {
  return table(
    ['issuing access tokens', 'tokens/s', 'of jose', 'of jose, 8 at once', 'CPU µs'],
    mint.flatMap((row) => [
      [
        `${row.algorithm}: Latchkey`,
        whole(row.latchkey),
        ratio(row.ofJose),
        ratio(row.ofJoseAtOnce),
        micros(row.latchkeyCpu),
      ],
      [`${row.algorithm}: jose’s SignJWT`, whole(row.jose), '1.00', '', micros(row.joseCpu)],
      [`${row.algorithm}: the same, 8 at once`, whole(row.joseAtOnce), '', '1.00', ''],
    ]),
  );
}

function formatRefresh(refresh: readonly RefreshResult[]): string {
  return table(
    ['refresh, SQLite, each on the disk', 'refreshes/s', 'of raw', 'range', 'CPU µs'],
    refresh.flatMap(({ atOnce, ...row }) => [
      [`${atOnce} at once: compare-and-swap and signature`, whole(row.raw), '1.00', '', micros(row.rawCpu)],
      [
        `${atOnce} at once: Latchkey’s flow`,
        whole(row.flow),
        ratio(row.ofRaw),
        span(row.ofRawRange),
        micros(row.flowCpu),
      ],
      [
        `${atOnce} at once: POST /auth/token`,
        whole(row.request),
        ratio(row.requestOfRaw),
        '',
        micros(row.requestCpu),
      ],
    ]),
  );
}

function formatTokenSize(size: TokenSize): string {
  return table(
    ['a default access token', 'bytes'],
    [
      ['whole', whole(size.total)],
      ['  header', whole(size.header)],
      ['  payload', whole(size.payload)],
      ...size.claims.map(({ name, bytes }) => [`    without ${name}, less`, whole(bytes)]),
      ['  signature', whole(size.signature)],
      ['  two dots', '2'],
      ['whole, for the audience `api`', whole(size.shortAudience)],
      ['the most it should have', whole(MOST_BYTES)],
    ],
  );
}
