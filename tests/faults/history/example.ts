import type { Millis } from '@latchkey/verify';
import type { Rule } from './checker.ts';
import type { Credential, History, Kind, Operation } from './history.ts';

/*
 * Words to write short histories with: one user, `ada`, two nodes, `a` and `b`, a
 * bound of a second. What is left out is ada's, answered by node `a`, and `ok`.
 */

/** A history in which one thing went wrong. */
export interface BadHistory {
  readonly title: string;
  readonly rule: Rule;
  readonly history: History;
}

/** When an operation started and ended; `null` where it got no answer. */
type Span = readonly [start: Millis, end: Millis | null];

type Details = Partial<Omit<Operation, 'kind' | 'start' | 'end' | 'presents' | 'issues'>> & {
  readonly presents?: Credential;
  readonly issues?: readonly Credential[];
};

const of =
  (kind: Credential['kind']) =>
  (session: string, number = 0): Credential => ({
    name: `${session}.${kind}${number}`,
    kind,
    user: 'ada',
    session,
  });

/** The cookie of a session, and those that replaced it. */
export const cookie = of('cookie');
/** The access tokens of a session. */
export const token = of('token');
/** The refresh tokens of a session, by generation. */
export const refreshToken = of('refresh');

/** One operation. */
export function by(kind: Kind, [start, end]: Span, { presents, ...details }: Details = {}): Operation {
  return {
    id: `${kind}@${start}`,
    kind,
    node: 'a',
    user: 'ada',
    start,
    end,
    outcome: end === null ? 'unknown' : 'ok',
    ...(presents === undefined ? {} : { presents: presents.name }),
    ...details,
  };
}

/** A sign-in by the password `first` whose answer handed out one credential of each kind. */
export function session(name: string, span: Span = [0, 10], details: Details = {}): Operation {
  return by('sign-in', span, {
    password: 'first',
    issues: [cookie(name), token(name), refreshToken(name)],
    ...details,
  });
}

/** A history of these operations. */
export function history(...operations: readonly Operation[]): History {
  return { bound: 1_000, effectWithin: 5_000, operations };
}
