import { type FleetResult, MOST_READS } from './fleet.ts';
import { type LookupsResult, MOST_OF_SMALLEST } from './lookups.ts';
import { MOST_LEAD, MOST_OF_RAW, type RevokeResult, type SeenResult } from './revoke.ts';
import { micros, ratio, span, table, whole } from './tables.ts';
import type { WritesResult } from './writes.ts';

/** What several nodes over one store come to, as tables. */
export function formatFleet(fleet: readonly FleetResult[]): string {
  return table(
    [
      `${fleet[0]?.sessions ?? 0} sessions each, asked in turn on 2 nodes`,
      'checks',
      'reads',
      'a session, node and cache life: most',
      'mean',
      'should be at most',
      'other reads',
      'not fresh',
    ],
    fleet.map((row) => [
      row.what,
      whole(row.checks),
      whole(row.reads),
      whole(row.most),
      ratio(row.mean),
      whole(MOST_READS[row.mode]),
      whole(row.other),
      whole(row.stale),
    ]),
  );
}

/** The two stores one after the other: only one of them notifies. */
export function formatRevoke(revoke: readonly RevokeResult[]): string {
  return revoke.map(formatRevocations).join('\n\n');
}

function formatRevocations({ store, durability, revocations, ...row }: RevokeResult): string {
  const times = ({ what, seen, acknowledged }: SeenResult, of: number | null): string[] => [
    what,
    ratio(seen.p50),
    ratio(seen.p99),
    of === null ? '' : ratio(of),
    ratio(acknowledged.p50),
    ratio(acknowledged.p99),
  ];
  const { durable, bare } = row.ofRaw ?? { durable: null, bare: null };
  const raws = row.raw.flatMap((raw) => [times(raw, 1)]);
  return [
    table(
      [
        `${store}, ${revocations} times, ms from the call`,
        'seen on the other node, p50',
        'p99',
        'of raw',
        'acknowledged, p50',
        'p99',
      ],
      [
        ...raws,
        times(row.revoke, durable),
        ...(bare === null ? [] : [['  of NOTIFY alone', '', '', ratio(bare), '', '']]),
        ['  refused after it was acknowledged', ratio(row.lead.p50), ratio(row.lead.p99), '', '', ''],
        ['  should be at most', ratio(MOST_LEAD), '', durable === null ? '' : ratio(MOST_OF_RAW), '', ''],
      ],
    ),
    `durability: ${durability}`,
  ].join('\n');
}

/** Reading by id, from tables that grow. */
export function formatLookups(lookups: readonly LookupsResult[]): string {
  return table(
    [
      'reading a session by its id',
      'sessions',
      'p50 µs',
      'p99 µs',
      'of smallest',
      'range',
      'should be at most',
    ],
    lookups.map((row) => [
      row.store,
      whole(row.sessions),
      micros(row.p50 * 1_000),
      micros(row.p99 * 1_000),
      ratio(row.ofSmallest),
      span(row.ofSmallestRange),
      ratio(MOST_OF_SMALLEST),
    ]),
  );
}

/** What PostgreSQL writes. */
export function formatWrites(writes: readonly WritesResult[]): string {
  return table(
    ['PostgreSQL, its log', 'bytes a row, first after a checkpoint', 'then', 'HOT'],
    writes.map((row) => [
      row.what,
      micros(row.first),
      micros(row.later),
      row.hot === null ? '' : `${whole(row.hot * 100)} %`,
    ]),
  );
}
