import type { CheckResult } from './check.ts';
import type { GetResult } from './get.ts';
import type { SignInResult } from './sign-in.ts';

/** All figures of one run, as `--json` prints them. Units are in the fields' own words. */
export interface Report {
  /** The day of the run, `YYYY-MM-DD`. */
  readonly date: string;
  readonly node: string;
  readonly processors: number;
  /** Processes that were running or waiting to, on average over the last minute before the run. */
  readonly loadBefore: number;
  readonly short: boolean;
  readonly get: readonly GetResult[];
  readonly signIn: SignInResult;
  readonly check: CheckResult;
}

/** Writes the figures as plain tables. */
export function formatReport(report: Report): string {
  const { date, node, processors, loadBefore, get, signIn, check } = report;
  const micros = (value: number): string => value.toFixed(1);
  const ratio = (value: number): string => value.toFixed(2);
  const span = ([least, most]: readonly [number, number]): string => `${ratio(least)}–${ratio(most)}`;
  return [
    `${date}, Node ${node}, ${processors} processors, load before ${loadBefore.toFixed(1)}${report.short ? ', short run' : ''}`,
    '',
    table(
      ['authenticated GET over HTTP', 'requests/s', 'of bare', 'range', 'CPU µs', 'added CPU µs'],
      get.map((row) => [
        row.what,
        row.requestsPerSecond.toFixed(0),
        ratio(row.ofBare),
        span(row.ofBareRange),
        micros(row.cpuPerRequest),
        micros(row.addedCpu),
      ]),
    ),
    '',
    table(
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
    ),
    '',
    table(
      ['a warm check without HTTP', 'CPU µs'],
      [
        ['from a Cookie header to a principal', ratio(check.authenticate)],
        ['  of it, finding the cookie', ratio(check.findCookie)],
        ['  of it, SHA-256', ratio(check.sha256)],
        ['  of it, all else', ratio(check.rest)],
      ],
    ),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  const format = (line: readonly string[]): string => line.map(cell).join('  ').trimEnd();
  return [format(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(format)].join('\n');
}
