import type { Timestamp } from './clock.ts';

/**
 * A place in the revocation log. Positions are given in commit order, without
 * gaps, and are exact in a double.
 */
export type Position = number;

/** `revoke` ends trust. `changed` ends only what was cached about it. */
export type EntryKind = 'revoke' | 'changed';

/** What an entry is about. `all` has the empty subject. */
export type Scope = 'session' | 'user' | 'client' | 'organisation' | 'api_key' | 'signing_key' | 'all';

/** Scopes whose entries concern everything older than themselves: they leave a floor in the store. */
export type FloorScope = Extract<Scope, 'user' | 'client' | 'organisation' | 'all'>;

/** One line of the log. */
export interface Entry {
  readonly seq: Position;
  readonly kind: EntryKind;
  readonly scope: Scope;
  /** Sixteen opaque bytes as 22 characters of base64url; empty for scope `all`. */
  readonly subject: string;
  /** From here on nothing that the entry could affect is still alive. */
  readonly expiresAt: Timestamp;
}

/** How far somebody has followed the log. */
export interface Cursor {
  /** Which history of the log the position belongs to. */
  readonly epoch: string;
  readonly seq: Position;
  /**
   * A random number that the log gave to that position: where its answer has another,
   * the history was rewritten (R8). Whole, and exact in a double.
   */
  readonly tag: number;
}
