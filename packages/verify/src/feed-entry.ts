import { KIND_CODES, SCOPE_CODES } from './feed-subject.ts';
import type { Entry, EntryKind, Position, Scope } from './log-entry.ts';
import { isSubjectOf } from './revoked-set.ts';

/** A line of the feed: the entry is `null` where its kind or scope is one that is not known here. */
export interface FeedLine {
  readonly seq: Position;
  readonly entry: Entry | null;
}

/** Reads an entry as the feed writes it, `[seq, kind, scope, subject, expires_at]`, or `null` for what is none. */
export function findFeedLine(value: unknown): FeedLine | null {
  if (!Array.isArray(value) || value.length !== 5) return null;
  const line: readonly unknown[] = value;
  const [seq, kind, scope, subject, expiresAt] = line;
  if (!isWhole(seq) || !isWhole(expiresAt) || expiresAt >= 2 ** 32) return null;
  if (typeof kind !== 'string' || typeof scope !== 'string' || typeof subject !== 'string') return null;
  if (!isKind(kind) || !isScope(scope)) return { seq, entry: null };
  if (!isSubjectOf(scope, subject)) return null;
  return { seq, entry: { seq, kind, scope, subject, expiresAt: expiresAt * 1_000 } };
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isKind(value: string): value is EntryKind {
  return Object.hasOwn(KIND_CODES, value);
}

function isScope(value: string): value is Scope {
  return Object.hasOwn(SCOPE_CODES, value);
}
