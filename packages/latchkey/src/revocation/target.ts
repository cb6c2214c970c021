import type { Id, SessionId, UserId } from '@latchkey/verify';
import { findId } from '../foundation/ids.ts';

/** Whose trust ends, as an application writes it: one of these. */
export type RevokeTarget =
  | { readonly session: string }
  | { readonly user: string }
  | { readonly client: string }
  | { readonly all: true };

/** The same, read. */
export type RevocationTarget =
  | { readonly session: SessionId }
  | { readonly user: UserId }
  | { readonly client: string }
  | { readonly all: true };

const ONE_OF = 'revoke() takes one of { session }, { user }, { client }, { all: true }';

/**
 * Reads a target. What is misspelt must neither end everybody's trust nor look as
 * if it had ended somebody's.
 *
 * @throws {TypeError} for anything but one known name with a value of its kind.
 */
export function parseTarget(given: RevokeTarget): RevocationTarget {
  const named = new Map<string, unknown>(Object.entries(given));
  const [name] = named.keys();
  if (name === undefined || named.size > 1) throw new TypeError(ONE_OF);
  const value = named.get(name);
  if (name === 'all' && value === true) return { all: true };
  if (typeof value !== 'string') throw new TypeError(ONE_OF);
  if (name === 'client') return { client: value };
  if (name === 'user') return { user: idOf<'user'>(name, value) };
  if (name === 'session') return { session: idOf<'session'>(name, value) };
  throw new TypeError(ONE_OF);
}

function idOf<Kind extends string>(name: string, text: string): Id<Kind> {
  const id = findId<Kind>(text);
  if (id === null)
    throw new TypeError(`revoke({ ${name} }) takes an id, and ${JSON.stringify(text)} is none`);
  return id;
}
