/** What `find` answers where a key has no row. */
export const NO_ROW = -1;

/** So many rows at first; then twice as many as before, up to the most. */
const FIRST_ROWS = 256;

export interface PackedTableOptions {
  /** Characters of every key, none above U+00FF. */
  readonly keyLength: number;
  /** Numbers of every row. */
  readonly columns: number;
  /** The most rows held; the oldest goes first. */
  readonly rows: number;
}

/**
 * Rows of numbers by key. Keys and numbers lie in a few typed arrays, so that an
 * entry costs no object and no string, and a large table nothing to collect.
 *
 * Keys are found by open addressing with linear probing. The last characters of
 * a key say where it belongs: they must be random, as those of a hash or an id
 * are, and not for others to choose.
 */
export class PackedTable {
  readonly #keyLength: number;
  readonly #columns: number;
  readonly #most: number;
  #keys = new Uint8Array(0);
  #numbers = new Float64Array(0);
  /** Of each row, the hash of its key. */
  #hashes = new Int32Array(0);
  /** Of each row, 1 where it is not the next to go, though the hand may reach it. */
  #spared = new Uint8Array(0);
  /** Row + 1 at or after the place where its key belongs, 0 where there is none; twice as many as rows, or more. */
  #places = new Int32Array(1);
  /** Rows below `#used` that are free. */
  readonly #free: number[] = [];
  #used = 0;
  /** The row that goes next. */
  #hand = 0;

  constructor({ keyLength, columns, rows }: PackedTableOptions) {
    this.#keyLength = keyLength;
    this.#columns = columns;
    this.#most = rows;
  }

  /** Rows that are taken. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** The row of a key, or `NO_ROW`. It stays the key's until it is dropped, or another key takes it. */
  find(key: string): number {
    return this.#find(key, hashOf(key));
  }

  /**
   * The row of a key, which counts as new again; a key that has none gets one of
   * zeros. Where all rows are taken, that is the oldest one's.
   */
  take(key: string): number {
    if (key.length !== this.#keyLength) throw new TypeError(`a key has ${this.#keyLength} characters here`);
    const hash = hashOf(key);
    const known = this.#find(key, hash);
    if (known !== NO_ROW) {
      this.#spared[known] = 1;
      return known;
    }
    const row = this.#freeRow();
    for (let index = 0; index < key.length; index += 1) {
      this.#keys[row * this.#keyLength + index] = key.charCodeAt(index);
    }
    this.#hashes[row] = hash;
    this.#numbers.fill(0, row * this.#columns, (row + 1) * this.#columns);
    this.#place(row);
    return row;
  }

  /** Frees a row that is taken. */
  drop(row: number): void {
    this.#displace(row);
    this.#free.push(row);
  }

  get(row: number, column: number): number {
    return this.#numbers[row * this.#columns + column] ?? Number.NaN;
  }

  set(row: number, column: number, value: number): void {
    this.#numbers[row * this.#columns + column] = value;
  }

  #find(key: string, hash: number): number {
    const places = this.#places;
    const last = places.length - 1;
    for (let place = hash & last; ; place = (place + 1) & last) {
      const row = (places[place] ?? 0) - 1;
      if (row === NO_ROW || this.#holds(row, key)) return row;
    }
  }

  #holds(row: number, key: string): boolean {
    if (key.length !== this.#keyLength) return false;
    const keys = this.#keys;
    const start = row * this.#keyLength;
    for (let index = 0; index < key.length; index += 1) {
      if (keys[start + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  #freeRow(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) {
      // It stands among older ones, where the hand may come by too early.
      this.#spared[freed] = 1;
      return freed;
    }
    if (this.#used === this.#most) return this.#oldest();
    if (this.#used === this.#hashes.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  /** Takes its row from the oldest. The hand goes round, and passes once by each that counts as new. */
  #oldest(): number {
    while (this.#spared[this.#hand] === 1) {
      this.#spared[this.#hand] = 0;
      this.#hand = (this.#hand + 1) % this.#most;
    }
    const row = this.#hand;
    this.#hand = (row + 1) % this.#most;
    this.#displace(row);
    return row;
  }

  #place(row: number): void {
    const last = this.#places.length - 1;
    let place = (this.#hashes[row] ?? 0) & last;
    while (this.#places[place] !== 0) place = (place + 1) & last;
    this.#places[place] = row + 1;
  }

  /** Closes the gap that the row leaves, since a search ends at the first (Knuth, TAOCP 6.4, algorithm R). */
  #displace(row: number): void {
    const last = this.#places.length - 1;
    let gap = (this.#hashes[row] ?? 0) & last;
    while (this.#places[gap] !== row + 1) gap = (gap + 1) & last;
    for (let place = (gap + 1) & last; this.#places[place] !== 0; place = (place + 1) & last) {
      const other = this.#places[place] ?? 0;
      const belongs = (this.#hashes[other - 1] ?? 0) & last;
      // Whoever belongs behind the gap is still found from there.
      if (((place - belongs) & last) < ((place - gap) & last)) continue;
      this.#places[gap] = other;
      gap = place;
    }
    this.#places[gap] = 0;
  }

  /** Only where all rows are taken. */
  #grow(): void {
    const rows = Math.min(this.#most, Math.max(FIRST_ROWS, 2 * this.#used));
    this.#keys = widened(this.#keys, new Uint8Array(rows * this.#keyLength));
    this.#numbers = widened(this.#numbers, new Float64Array(rows * this.#columns));
    this.#hashes = widened(this.#hashes, new Int32Array(rows));
    this.#spared = widened(this.#spared, new Uint8Array(rows));
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(2 * rows)));
    for (let row = 0; row < this.#used; row += 1) this.#place(row);
  }
}

function widened<Numbers extends Uint8Array | Int32Array | Float64Array>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from);
  return to;
}

/** Of the last eight characters (FNV-1a, folded: a place is taken by the lowest bits). */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = Math.max(0, key.length - 8); index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
