import { type Id, isSixteenBytes, type Timestamp } from '@latchkey/verify';
import { randomBytes } from './random.ts';

export { subjectOf } from '@latchkey/verify';

/** A new UUIDv7 (RFC 9562 §5.7): ordered by time, so that rows are inserted at one edge of an index. */
export function newId<Kind extends string>(now: Timestamp): Id<Kind> {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('base64url') as Id<Kind>;
}

/** The id that `text` spells, or `null`: one id has one spelling. */
export function findId<Kind extends string>(text: string): Id<Kind> | null {
  return isSixteenBytes(text) ? (text as Id<Kind>) : null;
}

/** The sixteen bytes of an id or of a subject, as the store holds them; none for the empty subject. */
export function idBytes(id: string): Buffer {
  return Buffer.from(id, 'base64url');
}

/**
 * In the order in which databases sort ids, which is not that of their texts. Whoever locks
 * several rows locks them in this order, so that no two wait for each other.
 */
export function sortIds<Each extends string>(ids: readonly Each[]): readonly Each[] {
  return ids.toSorted((a, b) => Buffer.compare(idBytes(a), idBytes(b)));
}

/** The inverse of `idBytes`. */
export function idFromBytes<Kind extends string>(bytes: Uint8Array): Id<Kind> {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url') as Id<Kind>;
}
