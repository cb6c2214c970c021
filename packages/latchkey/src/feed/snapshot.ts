import {
  type EntrySection,
  type HashSubject,
  KIND_CODES,
  Leaf,
  type Position,
  SCOPE_CODES,
  SUBJECT_BYTES,
  SUBJECT_WORDS,
  subjectHasher,
  type Timestamp,
} from '@latchkey/verify';
import { HashedSlots, type SortedRows } from './hashed-slots.ts';

const MAGIC = 'LKREVLOG';
const VERSION = 1;
/** Before the name of the epoch. */
const HEADER_BYTES = 72;
const SECTION_HEADER_BYTES = 8;
const SEQ_BYTES = 8;
const EXPIRY_BYTES = 4;
/** So many entries are worked on before others have their turn: about a millisecond. */
const AT_ONCE = 2_048;
/** All that is answered after this has the place of a `seq`: two halves of 32 bits. */
const HALF = 2 ** 32;

/** What a snapshot says of itself. */
export interface SnapshotHead {
  readonly salt: Uint8Array;
  readonly epoch: string;
  readonly epochStart: Position;
  readonly head: Position;
  readonly tag: number;
  readonly now: Timestamp;
}

/**
 * Writes live entries as `docs/feed.md` says, in parts that follow each other.
 *
 * It holds for the place in the log that `head` names, though others work meanwhile: what the
 * sections hold when it is called is in it unless it is dropped, having expired; what comes to
 * them later has a greater `seq` than `head`, and may be in it or not.
 *
 * @param breathe called every few milliseconds; others work until it resolves.
 */
export async function encodeSnapshot(
  head: SnapshotHead,
  sections: readonly EntrySection[],
  breathe: () => Promise<void>,
): Promise<readonly Buffer[]> {
  const hash = subjectHasher(head.salt);
  const parts: Buffer[] = [];
  const ordered = sections.toSorted((one, other) => placeOf(one) - placeOf(other));
  for (const section of ordered) {
    const hashed = await hashSlots(section, hash, breathe);
    if (hashed.size > 0) parts.push(await encodeSection(section, hashed, breathe));
  }
  return [encodeHeader(head, parts.length), ...parts];
}

function placeOf({ kind, scope }: EntrySection): number {
  return KIND_CODES[kind] * 256 + SCOPE_CODES[scope];
}

function encodeHeader(head: SnapshotHead, sections: number): Buffer {
  const name = Buffer.from(head.epoch, 'ascii');
  const header = Buffer.alloc(HEADER_BYTES + aligned(name.length));
  header.write(MAGIC, 0, 'ascii');
  header.writeUInt16LE(VERSION, 8);
  header.writeUInt16LE(sections, 10);
  header.set(head.salt, 16);
  header.writeBigUInt64LE(BigInt(head.epochStart), 32);
  header.writeBigUInt64LE(BigInt(head.head), 40);
  header.writeBigUInt64LE(BigInt(head.tag), 48);
  header.writeBigUInt64LE(BigInt(Math.floor(head.now / 1_000)), 56);
  header.writeUInt16LE(name.length, 64);
  header.set(name, HEADER_BYTES);
  return header;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

async function hashSlots(
  { scope, slots }: EntrySection,
  hash: HashSubject,
  breathe: () => Promise<void>,
): Promise<HashedSlots> {
  const hashed = new HashedSlots(slots.size);
  const found = new Leaf(AT_ONCE);
  for (slots.copyAfter(null, found); found.count > 0; slots.copyAfter(found.last, found)) {
    // A copy of its own: `found` says where to go on.
    const words = found.subjects.slice(0, found.count * SUBJECT_WORDS);
    for (let row = 0; row < found.count; row += 1) hash(scope, words, row * SUBJECT_WORDS);
    hashed.add(words, found);
    await breathe();
  }
  return hashed;
}

/** One section in the order of its subjects. */
async function encodeSection(
  { kind, scope }: EntrySection,
  hashed: HashedSlots,
  breathe: () => Promise<void>,
): Promise<Buffer> {
  const count = hashed.size;
  const seqsAt = SECTION_HEADER_BYTES + count * SUBJECT_BYTES;
  const expiriesAt = seqsAt + count * SEQ_BYTES;
  const part = Buffer.alloc(expiriesAt + aligned(count * EXPIRY_BYTES));
  const view = new DataView(part.buffer, part.byteOffset, part.length);
  view.setUint8(0, KIND_CODES[kind]);
  view.setUint8(1, SCOPE_CODES[scope]);
  view.setUint32(4, count, true);
  let place = 0;
  let turn = AT_ONCE;
  for (const rows of hashed.drain()) {
    writeRows(view, rows, place, { seqsAt, expiriesAt });
    place += rows.order.length;
    if (place < turn) continue;
    turn = place + AT_ONCE;
    await breathe();
  }
  return part;
}

function writeRows(
  view: DataView,
  { order, leaf: { subjects, seqs, expiries } }: SortedRows,
  place: number,
  { seqsAt, expiriesAt }: { readonly seqsAt: number; readonly expiriesAt: number },
): void {
  let subjectAt = SECTION_HEADER_BYTES + place * SUBJECT_BYTES;
  let seqAt = seqsAt + place * SEQ_BYTES;
  let expiryAt = expiriesAt + place * EXPIRY_BYTES;
  for (const row of order) {
    for (let word = 0; word < SUBJECT_WORDS; word += 1) {
      view.setUint32(subjectAt + 4 * word, subjects[row * SUBJECT_WORDS + word] ?? 0);
    }
    const seq = seqs[row] ?? 0;
    view.setUint32(seqAt, seq % HALF, true);
    view.setUint32(seqAt + 4, Math.floor(seq / HALF), true);
    view.setUint32(expiryAt, expiries[row] ?? 0, true);
    subjectAt += SUBJECT_BYTES;
    seqAt += SEQ_BYTES;
    expiryAt += EXPIRY_BYTES;
  }
}
