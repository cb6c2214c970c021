import type { Millis } from '@latchkey/verify';

/**
 * What somebody did:
 *
 * - `sign-up`, `sign-in`: by `password`; a session begins, and what is presented (a cookie) ends.
 * - `check`: is what is presented still good?
 * - `refresh`: the refresh token that is presented, for its successor and an access token.
 * - `exchange`: the cookie that is presented, for an access token.
 * - `sign-out`: ends the session of what is presented; refused where that had ended before.
 * - `end-session`, `end-others`, `end-all`: by the owner, who presents a credential.
 * - `revoke`: by an administrator, who presents none.
 * - `change-password`: from `password` to `next`; all other sessions end, the cookie is rotated.
 * - `step-up`: by `password`; the cookie is rotated.
 * - `receipt`: asks how far the operation `of` has come.
 */
export type Kind =
  | 'sign-up'
  | 'sign-in'
  | 'check'
  | 'refresh'
  | 'exchange'
  | 'sign-out'
  | 'end-session'
  | 'end-others'
  | 'end-all'
  | 'revoke'
  | 'change-password'
  | 'step-up'
  | 'receipt';

/** Whose trust an operation ends, besides what its kind says. */
export type Target = { readonly session: string } | { readonly user: string } | { readonly everyone: true };

/** A credential that an answer handed out. The name stands for its text: one text has one name. */
export interface Credential {
  readonly name: string;
  readonly kind: 'cookie' | 'token' | 'refresh';
  readonly user: string;
  readonly session: string;
  /** For how long after its request was sent it has surely not expired. Left out: for the whole history. */
  readonly life?: Millis;
}

/** One request and its answer, as the client saw them. Times are of the client's one monotonic clock. */
export interface Operation {
  readonly id: string;
  readonly kind: Kind;
  /** Who answered: a node, or a service that follows one. */
  readonly node: string;
  /** Whose it is; an administrator's is nobody's. */
  readonly user: string | null;
  /** Before the first byte was sent. */
  readonly start: Millis;
  /** After the last byte of the answer was read; `null` where there was none. */
  readonly end: Millis | null;
  /** `refused`: it says that nothing was done. `unknown`: no answer, or one that does not tell. */
  readonly outcome: 'ok' | 'refused' | 'unknown';
  /** The credential's name. */
  readonly presents?: string;
  readonly password?: string;
  readonly next?: string;
  readonly target?: Target;
  readonly issues?: readonly Credential[];
  /** For whom the answer was, as it says itself. */
  readonly answered?: { readonly user: string; readonly session: string };
  /** Of `receipt`: the operation that is asked about. */
  readonly of?: string;
  /** Whether the answer holds a receipt that is settled. */
  readonly settled?: boolean;
}

/** What was recorded, and what it is to be held against. */
export interface History {
  /** After an acknowledgement a node that has not heard of it may go on for so long (`log.maxStaleness`). */
  readonly bound: Millis;
  /** An operation whose outcome is unknown takes effect within so long after its start, or never. */
  readonly effectWithin: Millis;
  readonly operations: readonly Operation[];
}

/** One operation in one line, for people. */
export function lineOf(operation: Operation): string {
  const { id, kind, node, user, start, end, outcome, presents, password, next, target, issues } = operation;
  const parts = [
    `${id} ${start.toFixed(1)}–${end === null ? '?' : end.toFixed(1)} ${node} ${user ?? 'administrator'} ${kind}`,
    ...(presents === undefined ? [] : [`with ${presents}`]),
    ...(password === undefined ? [] : [`by password ${password}`]),
    ...(next === undefined ? [] : [`to ${next}`]),
    ...(target === undefined ? [] : [`of ${Object.values(target).join()}`]),
    ...(operation.of === undefined ? [] : [`of ${operation.of}`]),
    `→ ${outcome}`,
    ...(operation.settled === true ? ['settled'] : []),
    ...(issues === undefined || issues.length === 0 ? [] : [issues.map(({ name }) => name).join(', ')]),
    ...(operation.answered === undefined ? [] : [`for ${operation.answered.session}`]),
  ];
  return parts.join(' ');
}
