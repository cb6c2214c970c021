import type { Millis } from '@latchkey/verify';
import type { Credential, History, Operation } from './history.ts';

/** A credential, and the operation whose answer first handed it out. */
export interface Known extends Credential {
  readonly issuedBy: Operation;
}

/** A history, arranged for the questions that the rules ask. */
export interface Catalogue extends History {
  readonly credentials: ReadonlyMap<string, Known>;
  /** The sign-up or sign-in with which a session began. */
  readonly begun: ReadonlyMap<string, Operation>;
  /** Operations that replaced a cookie or a refresh token, surely (`ok`) or possibly (`unknown`), by its name. */
  readonly replacements: ReadonlyMap<string, readonly Operation[]>;
}

/** Arranges a history. */
export function catalogueOf(history: History): Catalogue {
  const credentials = new Map<string, Known>();
  const begun = new Map<string, Operation>();
  for (const operation of history.operations) {
    const { kind, issues = [] } = operation;
    for (const credential of issues) {
      const known = credentials.get(credential.name);
      if (known === undefined || latest(history, operation) < latest(history, known.issuedBy))
        credentials.set(credential.name, { ...credential, issuedBy: operation });
      const begins = kind === 'sign-up' || kind === 'sign-in';
      if (begins && !begun.has(credential.session)) begun.set(credential.session, operation);
    }
  }
  const replacements = new Map<string, Operation[]>();
  for (const operation of history.operations) {
    const presented = credentials.get(operation.presents ?? '');
    if (presented !== undefined && mayReplace(operation, presented))
      listIn(replacements, presented.name).push(operation);
  }
  return { ...history, credentials, begun, replacements };
}

function mayReplace(operation: Operation, { kind, name }: Credential): boolean {
  if (operation.outcome === 'refused') return false;
  if (kind === 'cookie') return operation.kind === 'step-up' || operation.kind === 'change-password';
  if (kind !== 'refresh' || operation.kind !== 'refresh') return false;
  return operation.outcome === 'unknown' || successorIn(operation, kind) !== name;
}

/** The name of the cookie or refresh token in an answer, which may be the one that was presented. */
export function successorIn({ issues = [] }: Operation, kind: 'cookie' | 'refresh'): string | null {
  return issues.find((credential) => credential.kind === kind)?.name ?? null;
}

/** The last moment at which an operation can have taken effect: an answer that does not tell may come before. */
export function latest({ effectWithin }: History, { start, end, outcome }: Operation): Millis {
  return end === null || outcome === 'unknown' ? start + effectWithin : end;
}

/** The list of a key, which is begun where there is none. */
export function listIn<Key, Value>(lists: Map<Key, Value[]>, key: Key): Value[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
