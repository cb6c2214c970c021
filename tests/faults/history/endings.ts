import type { Millis } from '@latchkey/verify';
import { type Catalogue, type Known, latest, listIn } from './catalogue.ts';
import type { Operation } from './history.ts';
import { isSurelyHonoured } from './succession.ts';

/*
 * An operation that ends trust took effect at some moment between its start and its
 * end, or, where it got no answer, at some moment later or never. From this follows
 * what may be said of a credential that is used meanwhile:
 *
 * - It is surely ended from the acknowledgement on (plus the bound, on another node),
 *   if it existed before the operation *started*.
 * - It may be ended from the operation's *start* on, unless it came into being after
 *   the last moment at which the operation can have taken effect.
 *
 * In between either answer is right. A sign-in that overlaps counts to this: its
 * session may have begun before or after, and unless its password tells, nobody knows.
 */

/** Whose credentials an ending is about. */
type Scope =
  | { readonly session: string }
  | { readonly user: string; readonly except: string | null }
  | { readonly everyone: true };

/** Trust that an operation ended, or possibly ended, or found ended. */
export interface Ending {
  readonly by: Operation;
  readonly scope: Scope;
  readonly earliest: Millis;
  readonly latest: Millis;
  /** It did take effect: the answer says so. */
  readonly certain: boolean;
  /** It may be why something else is refused. One that was merely found ended is not. */
  readonly cause: boolean;
  /** The node that has to know of it as soon as it is acknowledged; `null` where none has. */
  readonly knownBy: string | null;
  /** When somebody was told that all nodes know of it. */
  readonly settledAt: Millis;
}

/** All endings of a history, by what they may concern. */
export interface Endings {
  readonly bySession: ReadonlyMap<string, readonly Ending[]>;
  readonly byUser: ReadonlyMap<string, readonly Ending[]>;
  readonly ofEveryone: readonly Ending[];
}

/** Finds the endings of a history. */
export function endingsOf(catalogue: Catalogue): Endings {
  const settled = settledAt(catalogue);
  const bySession = new Map<string, Ending[]>();
  const byUser = new Map<string, Ending[]>();
  const ofEveryone: Ending[] = [];
  for (const operation of catalogue.operations) {
    const scope = scopeOf(catalogue, operation);
    if (scope === null) continue;
    const ending = endingBy(catalogue, operation, scope, settled.get(operation.id));
    if (ending === null) continue;
    if ('session' in scope) listIn(bySession, scope.session).push(ending);
    else if ('user' in scope) listIn(byUser, scope.user).push(ending);
    else ofEveryone.push(ending);
  }
  return { bySession, byUser, ofEveryone };
}

function scopeOf({ credentials }: Catalogue, operation: Operation): Scope | null {
  const { kind, target, user, presents } = operation;
  const session = presents === undefined ? null : (credentials.get(presents)?.session ?? null);
  switch (kind) {
    case 'revoke':
    case 'end-session':
      if (target === undefined) return null;
      return 'user' in target ? { user: target.user, except: null } : target;
    case 'end-all':
      return user === null ? null : { user, except: null };
    case 'end-others':
    case 'change-password':
      return user === null ? null : { user, except: session };
    case 'sign-in':
    case 'sign-out':
    case 'refresh':
      return session === null ? null : { session };
    case 'sign-up':
    case 'check':
    case 'exchange':
    case 'step-up':
    case 'receipt':
      return null;
  }
}

function endingBy(
  catalogue: Catalogue,
  operation: Operation,
  scope: Scope,
  settledAt = Number.POSITIVE_INFINITY,
): Ending | null {
  const { kind, outcome, start, node } = operation;
  const ending = { by: operation, scope, earliest: start, latest: latest(catalogue, operation), settledAt };
  if (kind === 'refresh') {
    if (outcome === 'ok') return null;
    // What was replaced long ago ends its session; what was not is refused only where that has ended before.
    const cause = !isSurelyHonoured(catalogue, operation);
    return { ...ending, certain: outcome === 'refused', cause, knownBy: null };
  }
  if (outcome === 'refused') {
    // A token can be dead while its session lives: one that was spared with an older token.
    const found =
      kind === 'sign-out' && catalogue.credentials.get(operation.presents ?? '')?.kind !== 'token';
    return found ? { ...ending, certain: true, cause: false, knownBy: null } : null;
  }
  return { ...ending, certain: outcome === 'ok', cause: true, knownBy: outcome === 'ok' ? node : null };
}

/** When each operation was first said to be settled. */
function settledAt({ operations }: Catalogue): ReadonlyMap<string, Millis> {
  const moments = new Map<string, Millis>();
  for (const { id, kind, of, settled, end } of operations) {
    if (settled !== true || end === null) continue;
    const about = kind === 'receipt' ? (of ?? '') : id;
    moments.set(about, Math.min(moments.get(about) ?? Number.POSITIVE_INFINITY, end));
  }
  return moments;
}

/** Endings that may concern a session of a user. */
export function endingsAbout(
  { bySession, byUser, ofEveryone }: Endings,
  { session, user }: { readonly session: string; readonly user: string },
): readonly Ending[] {
  return [...(bySession.get(session) ?? []), ...(byUser.get(user) ?? []), ...ofEveryone];
}

/**
 * Whether an ending, where it took effect, ended a session. Of a sign-in that overlaps
 * a change of the password the order *is* known: by the old one it came before, by
 * the new one after (R1).
 */
export function coversSession(
  catalogue: Catalogue,
  { scope, by, ...ending }: Ending,
  session: string,
): Covers {
  if ('session' in scope) return scope.session === session ? 'yes' : 'no';
  if ('user' in scope && scope.except === session) return 'no';
  const begun = catalogue.begun.get(session);
  if (begun === undefined) return 'maybe';
  if (by.kind === 'change-password' && begun.password === by.password) return 'yes';
  if (by.kind === 'change-password' && begun.password === by.next) return 'no';
  return coversWhat(catalogue, ending, begun);
}

/** Whether an ending, where it took effect, ended a credential. */
export function coversCredential(catalogue: Catalogue, ending: Ending, credential: Known): Covers {
  const { scope } = ending;
  const { session, kind, issuedBy } = credential;
  // R2: a session that is spared keeps its cookie and its refresh token, and no access token from before.
  if ('user' in scope && scope.except === session && kind === 'token')
    return coversWhat(catalogue, ending, issuedBy);
  return coversSession(catalogue, ending, session);
}

export type Covers = 'yes' | 'no' | 'maybe';

function coversWhat(
  catalogue: Catalogue,
  ending: Pick<Ending, 'earliest' | 'latest'>,
  origin: Operation,
): Covers {
  if (latest(catalogue, origin) < ending.earliest) return 'yes';
  return origin.start > ending.latest ? 'no' : 'maybe';
}

/** From when on a node must act by an ending that covers what it is asked about. */
export function inForceFrom({ bound }: Catalogue, ending: Ending, node: string): Millis {
  const { certain, latest: acknowledged, knownBy, settledAt } = ending;
  if (!certain) return Number.POSITIVE_INFINITY;
  return Math.min(acknowledged + (knownBy === node ? 0 : bound), settledAt);
}

/** Whether an ending may have been in force at some moment of an operation, and be why it was refused. */
export function mayExplain(catalogue: Catalogue, ending: Ending, operation: Operation): boolean {
  return ending.cause && ending.by !== operation && ending.earliest < latest(catalogue, operation);
}
