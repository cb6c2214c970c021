import { createHash, hash } from 'node:crypto';
import type { EntryKind, Scope } from './log-entry.ts';

/** How the feed and its snapshots write kinds. */
export const KIND_CODES = { revoke: 1, changed: 2 } as const satisfies Record<EntryKind, number>;

/** How the feed and its snapshots write scopes. */
export const SCOPE_CODES = {
  session: 1,
  user: 2,
  client: 3,
  organisation: 4,
  api_key: 5,
  signing_key: 6,
  all: 7,
} as const satisfies Record<Scope, number>;

/** Bytes of a subject, before and after it is hashed. */
export const SUBJECT_BYTES = 16;
const SALT_BYTES = 16;

/**
 * The subject under which the log speaks of something that has a name and no id
 * of ours: the first sixteen bytes of SHA-256 over the kind and the name.
 */
export function subjectOf(kind: 'client' | 'address' | 'signing_key', name: string): string {
  const digest = createHash('sha256').update(kind).update('\0').update(name).digest();
  return digest.subarray(0, SUBJECT_BYTES).toString('base64url');
}

/** Writes the sixteen bytes of a subject, as they stand on the feed, into `target` at `offset`. */
export type WriteFeedSubject = (scope: Scope, subject: string, target: Buffer, offset: number) => void;

/**
 * Makes what writes subjects as the feed does (R12): the first sixteen bytes of SHA-256
 * over salt, scope and subject, so that a service recognises whom it holds a token of
 * and nobody else. Scope `all` has sixteen zero bytes.
 *
 * @throws {TypeError} for a salt or a subject that has not sixteen bytes.
 */
export function feedSubjects(salt: Uint8Array): WriteFeedSubject {
  if (salt.length !== SALT_BYTES) throw new TypeError('a salt has 16 bytes');
  const input = Buffer.alloc(SALT_BYTES + 1 + SUBJECT_BYTES);
  input.set(salt);
  return (scope, subject, target, offset) => {
    if (scope === 'all') {
      target.fill(0, offset, offset + SUBJECT_BYTES);
      return;
    }
    input[SALT_BYTES] = SCOPE_CODES[scope];
    const written = input.write(subject, SALT_BYTES + 1, 'base64url');
    if (written !== SUBJECT_BYTES) throw new TypeError('a subject has 16 bytes');
    // As text, which costs a quarter of a buffer for each.
    target.write(hash('sha256', input, 'binary'), offset, SUBJECT_BYTES, 'latin1');
  };
}

/**
 * A subject as it stands in JSON on the feed: 22 characters of base64url, empty for scope `all`.
 *
 * @throws as `feedSubjects`.
 */
export function feedSubject(salt: Uint8Array, scope: Scope, subject: string): string {
  if (scope === 'all') return '';
  const bytes = Buffer.alloc(SUBJECT_BYTES);
  feedSubjects(salt)(scope, subject, bytes, 0);
  return bytes.toString('base64url');
}
