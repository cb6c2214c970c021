import type { FleetNode } from './fleet.ts';
import { emailOf, PASSWORD, type People } from './people.ts';
import type { Summary } from './summary.ts';

/** Who is there. */
export function describePeople({ devices }: People): string {
  const of = (client: 'web' | 'spa' | 'mobile'): number => devices.get(client) ?? 0;
  const all = of('web') + of('spa') + of('mobile');
  return [
    `${all} devices are signed in: ${of('web')} by a cookie, ${of('spa')} by a cookie and a token, ${of('mobile')} by tokens.`,
    'Each asks four times a second who it is; some sign out, and some end the sessions of others.',
    '',
  ].join('\n');
}

/** Something that happened, so many milliseconds after the people began. */
export function describeMoment(after: number, text: string): string {
  return `${(after / 1000).toFixed(1).padStart(6)} s  ${text}`;
}

/** The table at the end. */
export function describeSummary(summary: Summary, killed: string, bound: number): string {
  const { byNode, inFlight, lost, ended, triedAfterBound, lastAccepted, noticedAfter } = summary;
  const within = `${bound / 1000} s`;
  const shares = [...byNode].map(([name, count]) => `${count} by ${name}`).join(', ');
  const rows: readonly (readonly [what: string, figure: string | number, more: string])[] = [
    ['requests', summary.requests, `answered: ${shares}`],
    [
      `on ${killed} as it died`,
      inFlight,
      `${inFlight - lost} were answered by another node, ${lost} failed, as they may`,
    ],
    ['failed otherwise', summary.failed, 'must be 0'],
    ['signed out by accident', summary.signedOut, 'must be 0'],
    [`accepted ${within} after revocation`, summary.acceptedAfterBound, 'must be 0'],
    [
      `tried after those ${within}`,
      triedAfterBound,
      `with what ${ended} devices had held before they were signed out`,
    ],
    [
      'last accepted after revocation',
      orNever(lastAccepted),
      `counted from the acknowledgement; at most ${within} are promised`,
    ],
    ['noticed by the balancer', orNever(noticedAfter), 'after kill -9'],
    ...summary.times.map(
      ([phase, { median, p99 }]) =>
        [`an answer takes, ${phase}`, ms(median), `in the median; 99 of 100 at most ${ms(p99)}`] as const,
    ),
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const lines = rows.map(
    ([what, figure, more]) => `  ${what.padEnd(width)}  ${String(figure).padStart(8)}   ${more}`,
  );
  const { broken } = summary;
  const verdict =
    broken.length === 0 ? ['Every promise was kept.'] : broken.map((promise) => `Broken: ${promise}.`);
  return ['', ...lines, '', ...verdict].join('\n');
}

/** What to do by hand. */
export function describeStay(url: string, nodes: readonly FleetNode[]): string {
  return [
    '',
    `Everything is left running behind ${url}: sign in there`,
    `as ${emailOf(2)} with the password "${PASSWORD}", kill a node, and go on.`,
    '',
    ...nodes.map(({ name, pid, port }) => `  ${name}   http://localhost:${port}   kill -9 ${pid}`),
    '',
    'Ctrl-C stops everything and removes it.',
  ].join('\n');
}

function orNever(duration: number | null): string {
  return duration === null ? 'never' : ms(duration);
}

function ms(duration: number): string {
  return `${duration.toFixed(duration < 10 ? 1 : 0)} ms`;
}
