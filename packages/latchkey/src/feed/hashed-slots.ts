import { Leaf, SLOT_BYTES, SUBJECT_WORDS } from '@latchkey/verify';

/** So many slots in a bucket, about: they are sorted in one step, some tenths of a millisecond. */
const IN_BUCKET = 2_048;
/** Above every row of a bucket, and 2^32 of it are exact in a double. */
const ROWS = 2 ** 21;

/** Slots in one leaf, and its rows in the order of their subjects. */
export interface SortedRows {
  readonly leaf: Leaf;
  readonly order: Uint32Array;
}

/**
 * Slots whose subjects are digests, to be had in the order of these. They are spread over
 * buckets by their first bits, evenly since that is what digests are, so that no step sorts
 * more than a few.
 */
export class HashedSlots {
  readonly #buckets: Leaf[];
  /** How many of the first bits say which bucket. */
  readonly #bits: number;
  #size = 0;

  /** @param expected how many there will be, about. */
  constructor(expected: number) {
    this.#bits = Math.max(0, Math.ceil(Math.log2(expected / IN_BUCKET)));
    const buckets = 2 ** this.#bits;
    const mean = expected / buckets;
    // Hardly any bucket gets more than four times the deviation above the mean; one that does
    // moves out. An even number of slots keeps the next leaf aligned.
    const capacity = 2 * Math.ceil((mean + 4 * Math.sqrt(mean)) / 2);
    const bytes = capacity * SLOT_BYTES;
    // In one piece, which the system fills with zeros page by page as it is written to.
    const room = new ArrayBuffer(buckets * bytes);
    this.#buckets = Array.from({ length: buckets }, (_, nr) => new Leaf(capacity, room, nr * bytes));
  }

  get size(): number {
    return this.#size;
  }

  /** Adds slots with these subjects instead of their own. */
  add(words: Uint32Array, { seqs, expiries, count }: Leaf): void {
    for (let row = 0; row < count; row += 1) {
      const first = row * SUBJECT_WORDS;
      // In two steps, since a shift by 32 is one by none.
      const bucket = this.#buckets[((words[first] ?? 0) >>> 1) >>> (31 - this.#bits)];
      if (bucket === undefined) throw new TypeError('more buckets than bits tell apart');
      if (bucket.count === bucket.capacity) bucket.resize(2 * bucket.capacity + 1);
      const at = bucket.count;
      for (let word = 0; word < SUBJECT_WORDS; word += 1) {
        bucket.subjects[at * SUBJECT_WORDS + word] = words[first + word] ?? 0;
      }
      bucket.seqs[at] = seqs[row] ?? 0;
      bucket.expiries[at] = expiries[row] ?? 0;
      bucket.count += 1;
    }
    this.#size += count;
  }

  /** Hands over all of it in the order of the subjects, a bucket at a time. */
  *drain(): Generator<SortedRows> {
    this.#buckets.reverse();
    for (let leaf = this.#buckets.pop(); leaf !== undefined; leaf = this.#buckets.pop()) {
      yield { leaf, order: orderOf(leaf) };
    }
  }
}

/** Sorts numbers, which is done without a call for each comparison: first word and row in one. */
function orderOf(leaf: Leaf): Uint32Array {
  const { subjects, count } = leaf;
  const keys = new Float64Array(count);
  for (let row = 0; row < count; row += 1) keys[row] = (subjects[row * SUBJECT_WORDS] ?? 0) * ROWS + row;
  keys.sort();
  const order = Uint32Array.from(keys, (key) => key % ROWS);
  // Whoever has the first word in common, which is rare, finds its place by insertion.
  for (let index = 1; index < count; index += 1) {
    const row = order[index] ?? 0;
    let place = index;
    for (; place > 0 && isAfter(subjects, order[place - 1] ?? 0, row); place -= 1) {
      order[place] = order[place - 1] ?? 0;
    }
    order[place] = row;
  }
  return order;
}

function isAfter(subjects: Uint32Array, one: number, other: number): boolean {
  for (let word = 0; word < SUBJECT_WORDS; word += 1) {
    const difference =
      (subjects[one * SUBJECT_WORDS + word] ?? 0) - (subjects[other * SUBJECT_WORDS + word] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
