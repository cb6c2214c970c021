import { type Delivery, type FeedResult, MOST_OF_ECHO, MOST_P99 } from './feed.ts';
import { type LiveSetResult, MOST_BYTES_OF_MILLION, MOST_UNTIL_CHECKED } from './live-set.ts';
import { micros, ratio, span, table, whole } from './tables.ts';
import { MOST_OF_HIT, type VerifierResult } from './verifier.ts';

/** Deliveries to services, and what they cost. */
export function formatFeed(feed: readonly FeedResult[]): string {
  const [cross] = feed.flatMap(({ seenLater }) => (seenLater === null ? [] : [seenLater]));
  return [
    table(
      [
        'from the call, ms',
        'times',
        'each verifier, p50',
        'p99',
        'max',
        'the last, p50',
        'p99',
        'of raw',
        'of raw on disk',
        'CPU µs a delivery: node',
        'theirs',
      ],
      feed.flatMap(formatDeliveries),
    ),
    `should be at most: p50 ${ratio(MOST_OF_ECHO)} of raw, p99 ${whole(MOST_P99)} ms`,
    ...(cross === undefined
      ? []
      : [
          `seen by a check that is repeated without a pause: ${ratio(cross.p50)} ms later, p99 ${ratio(cross.p99)}`,
        ]),
  ].join('\n');
}

function formatDeliveries(row: FeedResult): readonly (readonly string[])[] {
  const times = ({ each, last }: Delivery): string[] =>
    [each.p50, each.p99, each.max, last.p50, last.p99].map(ratio);
  const { cpu } = row;
  return [
    [
      `${row.store}, ${row.verifiers} verifiers: revoke() → refused`,
      whole(row.revocations),
      ...times(row.revoke),
      ratio(row.ofEcho),
      ratio(row.ofDurable),
      micros(cpu.node),
      micros(cpu.verifiers),
    ],
    ['  of it, from the store’s answer on', '', ...times(row.written), ratio(row.writtenOfEcho), '', '', ''],
    ['  raw: one event', '', ...times(row.echo), '1.00', '', micros(cpu.echoNode), micros(cpu.echoListeners)],
    ['  raw: one row on the disk, one event', '', ...times(row.durable), '', '1.00', '', ''],
  ];
}

/** What a verifier holds, and how soon. */
export function formatLiveSet(row: LiveSetResult): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const most = (MOST_BYTES_OF_MILLION * row.entries) / 1e6;
  return table(
    [`${row.entries} live revocations, ${row.processes} processes`, 'seen', 'should be at most'],
    [
      ['MB held', megabytes(row.bytes), megabytes(most)],
      ['  at its most, as the system counts it', megabytes(row.peak), ''],
      ['ms from the first byte to the first checked answer', whole(row.fromBytes), whole(MOST_UNTIL_CHECKED)],
      ['  range', span(row.fromBytesRange), ''],
      ['ms from nothing', whole(row.fromNothing), ''],
    ],
  );
}

/** What a check costs in a service. */
export function formatVerifier(row: VerifierResult): string {
  const times = (value: number): string => `${value.toFixed(1)}×`;
  return table(
    [
      `a check in a service, without HTTP, ${row.live} live revocations`,
      'CPU µs',
      'should be at most',
      'cheaper than jose',
    ],
    [
      [
        'token, remembered: from the header to a principal',
        ratio(row.hit),
        ratio(MOST_OF_HIT),
        times(row.hitOfJose),
      ],
      ['  the same from `Headers`', ratio(row.headers), '', ''],
      ['  of it, SHA-256', ratio(row.sha), '', ''],
      ['token, not remembered: its signature is verified', micros(row.miss), '', times(row.missOfJose)],
      ['jose: jwtVerify of the same token', micros(row.jose), '', times(1)],
    ],
  );
}
