import {
  type EntrySection,
  feedSubjects,
  KIND_CODES,
  type Position,
  SCOPE_CODES,
  SUBJECT_BYTES,
  type Timestamp,
  type WriteFeedSubject,
} from '@latchkey/verify';

const MAGIC = 'LKREVLOG';
const VERSION = 1;
/** Before the name of the epoch. */
const HEADER_BYTES = 72;
const SECTION_HEADER_BYTES = 8;
/** So many entries are worked on before others have their turn: a few milliseconds. */
const AT_ONCE = 4_096;
/** Subjects that begin alike are sorted among themselves: about so many. */
const IN_BUCKET = 8;
const MOST_BUCKET_BITS = 16;
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
 * Writes live entries as `docs/feed.md` says, in parts that follow each other. What comes to
 * `sections` meanwhile may be in it or not.
 *
 * @param breathe called every few milliseconds; others work until it resolves.
 */
export async function encodeSnapshot(
  head: SnapshotHead,
  sections: readonly EntrySection[],
  breathe: () => Promise<void>,
): Promise<readonly Buffer[]> {
  const write = feedSubjects(head.salt);
  const parts: Buffer[] = [];
  const ordered = sections.toSorted((one, other) => placeOf(one) - placeOf(other));
  for (const section of ordered) {
    const staged = await stage(section, write, breathe);
    if (staged.count > 0) parts.push(await arrange(section, staged, breathe));
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

/** Entries as they were found, in columns. */
interface Staged {
  readonly count: number;
  readonly subjects: Buffer;
  readonly seqs: Float64Array;
  /** Seconds, rounded up. */
  readonly expiries: Uint32Array;
}

async function stage(
  { scope, slots }: EntrySection,
  write: WriteFeedSubject,
  breathe: () => Promise<void>,
): Promise<Staged> {
  let most = slots.size;
  let subjects = Buffer.alloc(most * SUBJECT_BYTES);
  let seqs = new Float64Array(most);
  let expiries = new Uint32Array(most);
  let count = 0;
  for (const [subject, { seq, expiresAt }] of slots) {
    if (count === most) {
      // Some came meanwhile. They stand anywhere among the others, all of which must be in it.
      most += AT_ONCE;
      subjects = Buffer.concat([subjects], most * SUBJECT_BYTES);
      seqs = widened(seqs, new Float64Array(most));
      expiries = widened(expiries, new Uint32Array(most));
    }
    write(scope, subject, subjects, count * SUBJECT_BYTES);
    seqs[count] = seq;
    expiries[count] = Math.ceil(expiresAt / 1_000);
    count += 1;
    if (count % AT_ONCE === 0) await breathe();
  }
  return { count, subjects, seqs, expiries };
}

function widened<Numbers extends Float64Array | Uint32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}

/** One section in the order of its subjects. */
async function arrange(
  { kind, scope }: EntrySection,
  staged: Staged,
  breathe: () => Promise<void>,
): Promise<Buffer> {
  const { count, subjects, seqs, expiries } = staged;
  const order = await sortedRows(staged, breathe);
  const seqsAt = SECTION_HEADER_BYTES + count * SUBJECT_BYTES;
  const expiriesAt = seqsAt + count * 8;
  const part = Buffer.alloc(expiriesAt + aligned(count * 4));
  part.writeUInt8(KIND_CODES[kind], 0);
  part.writeUInt8(SCOPE_CODES[scope], 1);
  part.writeUInt32LE(count, 4);
  for (let place = 0; place < count; place += 1) {
    const row = order[place] ?? 0;
    const from = row * SUBJECT_BYTES;
    subjects.copy(part, SECTION_HEADER_BYTES + place * SUBJECT_BYTES, from, from + SUBJECT_BYTES);
    const seq = seqs[row] ?? 0;
    part.writeUInt32LE(seq % HALF, seqsAt + place * 8);
    part.writeUInt32LE(Math.floor(seq / HALF), seqsAt + place * 8 + 4);
    part.writeUInt32LE(expiries[row] ?? 0, expiriesAt + place * 4);
    if (place % AT_ONCE === AT_ONCE - 1) await breathe();
  }
  return part;
}

/**
 * The rows in the order of their subjects, which are digests: spread evenly over buckets by
 * their first bits, a few in each, so that none takes long to sort.
 */
async function sortedRows({ count, subjects }: Staged, breathe: () => Promise<void>): Promise<Uint32Array> {
  const bits = Math.min(MOST_BUCKET_BITS, Math.max(0, Math.ceil(Math.log2(count / IN_BUCKET))));
  const bucketOf = (row: number): number => subjects.readUInt16BE(row * SUBJECT_BYTES) >>> (16 - bits);
  const ends = new Uint32Array(2 ** bits + 1);
  for (let row = 0; row < count; row += 1) {
    const bucket = bucketOf(row) + 1;
    ends[bucket] = (ends[bucket] ?? 0) + 1;
    if (row % AT_ONCE === AT_ONCE - 1) await breathe();
  }
  for (let bucket = 1; bucket < ends.length; bucket += 1)
    ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0);
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) {
    const bucket = bucketOf(row);
    const place = ends[bucket] ?? 0;
    order[place] = row;
    ends[bucket] = place + 1;
    if (row % AT_ONCE === AT_ONCE - 1) await breathe();
  }
  // Each bucket now ends where the next one began.
  let start = 0;
  for (let bucket = 0; bucket < ends.length - 1; bucket += 1) {
    const end = ends[bucket] ?? start;
    sortRows(order, start, end, subjects);
    start = end;
    if (bucket % (AT_ONCE / IN_BUCKET) === 0) await breathe();
  }
  return order;
}

/** By insertion: a few rows, which are nearly always told apart by their first four bytes. */
function sortRows(order: Uint32Array, start: number, end: number, subjects: Buffer): void {
  for (let index = start + 1; index < end; index += 1) {
    const row = order[index] ?? 0;
    let place = index;
    while (place > start && isAfter(subjects, order[place - 1] ?? 0, row)) {
      order[place] = order[place - 1] ?? 0;
      place -= 1;
    }
    order[place] = row;
  }
}

function isAfter(subjects: Buffer, one: number, other: number): boolean {
  const first = one * SUBJECT_BYTES;
  const second = other * SUBJECT_BYTES;
  const difference = subjects.readUInt32BE(first) - subjects.readUInt32BE(second);
  if (difference !== 0) return difference > 0;
  return subjects.compare(subjects, second, second + SUBJECT_BYTES, first, first + SUBJECT_BYTES) > 0;
}
