import { createHash, hash } from 'node:crypto';
import type { EntryKind, Scope } from './log-entry.ts';
import { readSubject, SUBJECT_WORDS, writeSubject } from './subject.ts';

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

/** Replaces the four words of a subject, which begin at an index, by those that stand on the feed. */
export type HashSubject = (scope: Scope, words: Uint32Array, index: number) => void;

/**
 * Makes what hashes subjects as the feed does (R12): the first sixteen bytes of SHA-256
 * over salt, scope and subject, so that a service recognises whom it holds a token of
 * and nobody else. Scope `all` has sixteen zero bytes. Words are of four bytes, the first
 * one highest.
 *
 * @throws {TypeError} for a salt that has not sixteen bytes.
 */
export function subjectHasher(salt: Uint8Array): HashSubject {
  if (salt.length !== SALT_BYTES) throw new TypeError('a salt has 16 bytes');
  const input = Buffer.alloc(SALT_BYTES + 1 + SUBJECT_BYTES);
  input.set(salt);
  const view = new DataView(input.buffer, input.byteOffset + SALT_BYTES + 1, SUBJECT_BYTES);
  return (scope, words, index) => {
    if (scope === 'all') {
      words.fill(0, index, index + SUBJECT_WORDS);
      return;
    }
    input[SALT_BYTES] = SCOPE_CODES[scope];
    for (let word = 0; word < SUBJECT_WORDS; word += 1) view.setUint32(4 * word, words[index + word] ?? 0);
    // As text, which costs a quarter of a buffer for each.
    const digest = hash('sha256', input, 'binary');
    for (let word = 0; word < SUBJECT_WORDS; word += 1) words[index + word] = wordAt(digest, 4 * word);
  };
}

function wordAt(digest: string, index: number): number {
  return (
    (digest.charCodeAt(index) << 24) |
    (digest.charCodeAt(index + 1) << 16) |
    (digest.charCodeAt(index + 2) << 8) |
    digest.charCodeAt(index + 3)
  );
}

/**
 * A subject as it stands in JSON on the feed: 22 characters of base64url, empty for scope `all`.
 *
 * @throws {TypeError} for a salt or a subject that has not sixteen bytes.
 */
export function feedSubject(salt: Uint8Array, scope: Scope, subject: string): string {
  if (scope === 'all') return '';
  const words = new Uint32Array(SUBJECT_WORDS);
  if (!readSubject(subject, words)) throw new TypeError('a subject has 16 bytes');
  subjectHasher(salt)(scope, words, 0);
  return writeSubject(words);
}
