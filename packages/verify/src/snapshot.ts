import { ByteReader, FeedRefused } from './byte-reader.ts';
import type { Timestamp } from './clock.ts';
import { KIND_CODES, SCOPE_CODES } from './feed-subject.ts';
import type { Cursor, EntryKind, Position, Scope } from './log-entry.ts';
import { RevokedSet } from './revoked-set.ts';
import { LEAF_SLOTS, Leaf } from './sorted-slots.ts';
import { SUBJECT_WORDS } from './subject.ts';

/** The live set as the feed hands it out whole. It is no proof: the pull after it is. */
export interface Snapshot {
  /** Sixteen bytes in base64url: what its subjects are hashed with. */
  readonly salt: string;
  readonly cursor: Cursor;
  readonly epochStart: Position;
  /** The clock of the log's side. */
  readonly now: Timestamp;
  readonly set: RevokedSet;
}

const MAGIC = 'LKREVLOG';
const VERSION = 1;
const HEAD_BYTES = 72;
const MOST_NAME = 128;
/** More live entries than any log of ours has; one of them costs 28 bytes. */
const MOST_ENTRIES = 4_000_000;

/** By code; of another version's kinds and scopes nothing is known, and nothing could be found by them. */
const KINDS: ReadonlyMap<number, EntryKind> = byCode(KIND_CODES);
const SCOPES: ReadonlyMap<number, Scope> = byCode(SCOPE_CODES);

function byCode<Name extends string>(codes: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  // The keys of a record are of its type.
  return new Map(Object.entries<number>(codes).map(([name, code]) => [code, name as Name]));
}

/**
 * Reads a snapshot from its bytes as they arrive: each section becomes leaves that are
 * searched where they lie, so that a million entries are ready when the last byte is, and
 * never in memory twice. All of it is checked, and nothing is given out before the end:
 * magic, version, lengths, the order of sections and of subjects, positions that are exact.
 *
 * @throws {FeedRefused} for anything else.
 */
export async function readSnapshot(body: AsyncIterable<Uint8Array>): Promise<Snapshot> {
  const bytes = new ByteReader(body);
  const head = await bytes.take(HEAD_BYTES);
  if (textOf(head, 0, 8) !== MAGIC) throw new FeedRefused('no snapshot of the log');
  if (head.getUint16(8, true) !== VERSION) throw new FeedRefused('another version');
  const sections = head.getUint16(10, true);
  const salt = Buffer.from(head.buffer, head.byteOffset + 16, 16).toString('base64url');
  const epochStart = positionAt(head, 32);
  const seq = positionAt(head, 40);
  const tag = positionAt(head, 48);
  const now = positionAt(head, 56);
  const length = head.getUint16(64, true);
  demandZeros(head, 12, 16);
  demandZeros(head, 66, HEAD_BYTES);
  if (length === 0 || length > MOST_NAME) throw new FeedRefused('the name of the epoch has another length');
  const name = await bytes.take(padded(length));
  const epoch = textOf(name, 0, length);
  if (!/^[\x21-\x7e]+$/.test(epoch)) throw new FeedRefused('the name of the epoch is not ASCII');
  demandZeros(name, length, padded(length));
  const set = await readSections(bytes, sections);
  await bytes.end();
  return { salt, cursor: { epoch, seq, tag }, epochStart, now: now * 1_000, set };
}

async function readSections(bytes: ByteReader, sections: number): Promise<RevokedSet> {
  const set = new RevokedSet();
  let entries = 0;
  let before = 0;
  for (let section = 0; section < sections; section += 1) {
    const head = await bytes.take(8);
    const [kindCode, scopeCode] = [head.getUint8(0), head.getUint8(1)];
    const [kind, scope] = [KINDS.get(kindCode), SCOPES.get(scopeCode)];
    const order = kindCode * 256 + scopeCode;
    const count = head.getUint32(4, true);
    demandZeros(head, 2, 4);
    if (section > 0 && order <= before) throw new FeedRefused('the sections are not in their order');
    before = order;
    entries += count;
    if (entries > MOST_ENTRIES) throw new FeedRefused('more entries than can be held');
    const leaves = await readLeaves(bytes, count, scope === 'all');
    if (kind === undefined || scope === undefined) continue;
    for (const leaf of leaves) set.append(kind, scope, leaf);
  }
  return set;
}

async function readLeaves(bytes: ByteReader, count: number, ofAll: boolean): Promise<readonly Leaf[]> {
  const leaves = await readSubjects(bytes, count);
  if (ofAll && (count !== 1 || leaves[0]?.subjects.some((word) => word !== 0) === true)) {
    throw new FeedRefused('the scope of all has a subject');
  }
  for (const { seqs, count: slots } of leaves) {
    const view = await bytes.take(8 * slots);
    for (let row = 0; row < slots; row += 1) seqs[row] = positionAt(view, 8 * row);
  }
  for (const { expiries, count: slots } of leaves) {
    const view = await bytes.take(4 * slots);
    for (let row = 0; row < slots; row += 1) expiries[row] = view.getUint32(4 * row, true);
  }
  const padding = padded(4 * count) - 4 * count;
  if (padding > 0) demandZeros(await bytes.take(padding), 0, padding);
  return leaves;
}

async function readSubjects(bytes: ByteReader, count: number): Promise<readonly Leaf[]> {
  const leaves: Leaf[] = [];
  // What a subject must come after, at first nothing.
  const last = new Uint32Array(SUBJECT_WORDS);
  for (let from = 0; from < count; from += LEAF_SLOTS) {
    const slots = Math.min(LEAF_SLOTS, count - from);
    const leaf = new Leaf(slots);
    leaf.count = slots;
    const view = await bytes.take(16 * slots);
    const { subjects } = leaf;
    for (let row = 0; row < slots; row += 1) {
      let rises = from + row === 0;
      let decided = rises;
      for (let word = 0; word < SUBJECT_WORDS; word += 1) {
        const value = view.getUint32(16 * row + 4 * word);
        const previous = last[word] ?? 0;
        if (!decided && value !== previous) {
          rises = value > previous;
          decided = true;
        }
        last[word] = value;
        subjects[row * SUBJECT_WORDS + word] = value;
      }
      if (!rises) throw new FeedRefused('the subjects are not in their order');
    }
    leaves.push(leaf);
  }
  return leaves;
}

/** A whole number that a double holds exactly. */
function positionAt(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  if (high >= 2 ** 21) throw new FeedRefused('a number above 2^53');
  return high * 2 ** 32 + view.getUint32(offset, true);
}

function textOf(view: DataView, from: number, to: number): string {
  return Buffer.from(view.buffer, view.byteOffset + from, to - from).toString('latin1');
}

function demandZeros(view: DataView, from: number, to: number): void {
  for (let offset = from; offset < to; offset += 1) {
    if (view.getUint8(offset) !== 0) throw new FeedRefused('what is reserved is not zero');
  }
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}
