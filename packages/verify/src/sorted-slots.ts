import type { Seconds } from './clock.ts';
import type { Position } from './log-entry.ts';
import { SUBJECT_WORDS } from './subject.ts';

/** The most slots in a leaf: to make room in one moves some kilobytes at the most. */
export const LEAF_SLOTS = 512;
/** A leaf that is full gets room for so many more. */
const GROWTH = 64;
/** What a slot takes in a leaf. */
export const SLOT_BYTES = 8 + 4 * SUBJECT_WORDS + 4;
/** What `find` answers where a subject has no slot. */
export const NO_POSITION: Position = -1;

/** A run of slots in the order of their subjects: numbers in one buffer, without an object a slot. */
export class Leaf {
  seqs: Float64Array;
  subjects: Uint32Array;
  /** In seconds, rounded up. */
  expiries: Uint32Array;
  count = 0;

  /** @param buffer where it lies from `offset` on, a multiple of eight: one for many leaves, or its own. */
  constructor(capacity: number, buffer = new ArrayBuffer(capacity * SLOT_BYTES), offset = 0) {
    this.seqs = new Float64Array(buffer, offset, capacity);
    this.subjects = new Uint32Array(buffer, offset + 8 * capacity, SUBJECT_WORDS * capacity);
    this.expiries = new Uint32Array(buffer, offset + (8 + 4 * SUBJECT_WORDS) * capacity, capacity);
  }

  /** How many slots it has room for. */
  get capacity(): number {
    return this.seqs.length;
  }

  /** The words of the last subject, where they lie; `null` where there is no slot. */
  get last(): Uint32Array | null {
    if (this.count === 0) return null;
    return this.subjects.subarray((this.count - 1) * SUBJECT_WORDS, this.count * SUBJECT_WORDS);
  }

  /** Adds slots of another leaf behind those that are there, in room that there must be. */
  add(from: Leaf, start: number, end: number): void {
    this.seqs.set(from.seqs.subarray(start, end), this.count);
    this.subjects.set(
      from.subjects.subarray(start * SUBJECT_WORDS, end * SUBJECT_WORDS),
      this.count * SUBJECT_WORDS,
    );
    this.expiries.set(from.expiries.subarray(start, end), this.count);
    this.count += end - start;
  }

  /** Changes how many slots there is room for; what is in it stays. */
  resize(capacity: number): void {
    const other = new Leaf(capacity);
    other.add(this, 0, this.count);
    this.seqs = other.seqs;
    this.subjects = other.subjects;
    this.expiries = other.expiries;
  }
}

/**
 * Slots of one kind and scope, found by subject: leaves in the order of their subjects,
 * searched by halves, twice. A million slots are 28 bytes each and a list of two thousand
 * leaves; what is added or dropped moves slots within one leaf, so that no step takes
 * longer the more there are.
 */
export class SortedSlots {
  readonly #leaves: Leaf[] = [];
  /** Of each leaf the first word of its first subject, so that a search need not visit the leaves. */
  readonly #firsts: number[] = [];
  #size = 0;
  /** The leaf that is purged next. */
  #hand = 0;

  get size(): number {
    return this.#size;
  }

  /** The position in the slot of a subject, or `NO_POSITION`. */
  find(subject: Uint32Array): Position {
    const leaf = this.#leaves[this.#leafOf(subject)];
    if (leaf === undefined) return NO_POSITION;
    const row = lowerBound(leaf, subject);
    return row < leaf.count && compare(leaf.subjects, row, subject) === 0
      ? (leaf.seqs[row] ?? NO_POSITION)
      : NO_POSITION;
  }

  /** Takes the slot of a subject; one that is taken keeps the highest position and the latest expiry. */
  put(subject: Uint32Array, seq: Position, expiresAt: Seconds): void {
    if (this.#leaves.length === 0) this.#insert(0, new Leaf(GROWTH));
    const at = this.#leafOf(subject);
    const leaf = this.#leaves[at];
    if (leaf === undefined) return;
    const row = lowerBound(leaf, subject);
    if (row < leaf.count && compare(leaf.subjects, row, subject) === 0) {
      leaf.seqs[row] = Math.max(leaf.seqs[row] ?? 0, seq);
      leaf.expiries[row] = Math.max(leaf.expiries[row] ?? 0, expiresAt);
      return;
    }
    if (leaf.count === LEAF_SLOTS) {
      this.#split(at, leaf);
      this.put(subject, seq, expiresAt);
      return;
    }
    if (leaf.count === leaf.capacity) leaf.resize(leaf.count + GROWTH);
    makeRoom(leaf, row);
    leaf.seqs[row] = seq;
    leaf.subjects.set(subject, row * SUBJECT_WORDS);
    leaf.expiries[row] = expiresAt;
    this.#firsts[at] = leaf.subjects[0] ?? 0;
    this.#size += 1;
  }

  /** Takes the slots of a leaf, each as `put` does. */
  putAll({ subjects, seqs, expiries, count }: Leaf): void {
    for (let row = 0; row < count; row += 1) {
      const subject = subjects.subarray(row * SUBJECT_WORDS, (row + 1) * SUBJECT_WORDS);
      this.put(subject, seqs[row] ?? 0, expiries[row] ?? 0);
    }
  }

  /** Adds a leaf whose subjects come after all that are there. */
  append(leaf: Leaf): void {
    if (leaf.count === 0) return;
    this.#insert(this.#leaves.length, leaf);
    this.#size += leaf.count;
  }

  /**
   * Drops what has expired from so many leaves at most; the next call goes on behind them.
   *
   * @returns how many leaves it looked at.
   */
  purge(now: Seconds, most: number): number {
    const looks = Math.min(most, this.#leaves.length);
    for (let look = 0; look < looks; look += 1) {
      if (this.#hand >= this.#leaves.length) this.#hand = 0;
      this.#purgeLeaf(this.#hand, now);
    }
    return looks;
  }

  /** Takes out the last leaf, or `null` where there is none. */
  takeLast(): Leaf | null {
    const leaf = this.#leaves.at(-1);
    if (leaf === undefined) return null;
    this.#remove(this.#leaves.length - 1);
    this.#size -= leaf.count;
    return leaf;
  }

  /**
   * Fills a leaf with copies of the slots behind a subject, or of the first ones, in the order
   * of the subjects. A subject is the only place that it knows, so that slots may come and go,
   * and leaves be split or joined, between two calls: who goes on behind the last subject each
   * time meets what stays once, and all else once or not at all.
   */
  copyAfter(subject: Uint32Array | null, to: Leaf): void {
    let at = subject === null ? 0 : this.#leafOf(subject);
    let row = 0;
    const first = this.#leaves[at];
    if (subject !== null && first !== undefined) {
      row = lowerBound(first, subject);
      if (row < first.count && compare(first.subjects, row, subject) === 0) row += 1;
    }
    // Only now, since the subject may be the last one of what is filled.
    to.count = 0;
    for (;;) {
      const leaf = this.#leaves[at];
      if (leaf === undefined || to.count === to.capacity) return;
      to.add(leaf, row, Math.min(leaf.count, row + to.capacity - to.count));
      at += 1;
      row = 0;
    }
  }

  /** Moves the hand on, or leaves it where another leaf has come. */
  #purgeLeaf(at: number, now: Seconds): void {
    const leaf = this.#leaves[at];
    if (leaf === undefined) return;
    this.#size -= dropExpired(leaf, now);
    if (leaf.count === 0) {
      this.#remove(at);
      return;
    }
    this.#firsts[at] = leaf.subjects[0] ?? 0;
    const next = this.#leaves[at + 1];
    if (next !== undefined && leaf.count + next.count <= LEAF_SLOTS / 2) {
      leaf.resize(leaf.count + next.count + GROWTH);
      leaf.add(next, 0, next.count);
      this.#remove(at + 1);
      return;
    }
    if (leaf.capacity - leaf.count > 2 * GROWTH) leaf.resize(leaf.count + GROWTH);
    this.#hand = at + 1;
  }

  /** The leaf in which a subject is, or would be; the first where it comes before all. */
  #leafOf(subject: Uint32Array): number {
    const first = subject[0] ?? 0;
    let low = 0;
    let high = this.#leaves.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const word = this.#firsts[middle] ?? 0;
      const leaf = this.#leaves[middle];
      if (word < first) low = middle;
      else if (word === first && leaf !== undefined && compare(leaf.subjects, 0, subject) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #split(at: number, leaf: Leaf): void {
    const half = LEAF_SLOTS / 2;
    const upper = new Leaf(half + GROWTH);
    upper.add(leaf, half, leaf.count);
    leaf.count = half;
    leaf.resize(half + GROWTH);
    this.#insert(at + 1, upper);
  }

  #insert(at: number, leaf: Leaf): void {
    this.#leaves.splice(at, 0, leaf);
    this.#firsts.splice(at, 0, leaf.subjects[0] ?? 0);
  }

  #remove(at: number): void {
    this.#leaves.splice(at, 1);
    this.#firsts.splice(at, 1);
  }
}

/** The first row whose subject is not below. */
function lowerBound({ subjects, count }: Leaf, subject: Uint32Array): number {
  const first = subject[0] ?? 0;
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    // The first word nearly always says it.
    const word = subjects[middle * SUBJECT_WORDS] ?? 0;
    if (word < first || (word === first && compare(subjects, middle, subject) < 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(subjects: Uint32Array, row: number, subject: Uint32Array): number {
  const start = row * SUBJECT_WORDS;
  for (let word = 0; word < SUBJECT_WORDS; word += 1) {
    const difference = (subjects[start + word] ?? 0) - (subject[word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function makeRoom(leaf: Leaf, row: number): void {
  const { seqs, subjects, expiries, count } = leaf;
  seqs.copyWithin(row + 1, row, count);
  subjects.copyWithin((row + 1) * SUBJECT_WORDS, row * SUBJECT_WORDS, count * SUBJECT_WORDS);
  expiries.copyWithin(row + 1, row, count);
  leaf.count += 1;
}

/** @returns how many were dropped. */
function dropExpired(leaf: Leaf, now: Seconds): number {
  const { seqs, subjects, expiries, count } = leaf;
  let kept = 0;
  for (let row = 0; row < count; row += 1) {
    if ((expiries[row] ?? 0) <= now) continue;
    if (kept !== row) {
      seqs[kept] = seqs[row] ?? 0;
      expiries[kept] = expiries[row] ?? 0;
      for (let word = 0; word < SUBJECT_WORDS; word += 1) {
        subjects[kept * SUBJECT_WORDS + word] = subjects[row * SUBJECT_WORDS + word] ?? 0;
      }
    }
    kept += 1;
  }
  leaf.count = kept;
  return count - kept;
}
