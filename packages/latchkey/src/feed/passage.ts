import type { Cursor, Entry, Position, Timestamp } from '@latchkey/verify';
import type { TaggedPull } from '../revocation/revocation-log.ts';

/** So many entries are held at the least, where there were as many. */
const HELD = 16_384;

/** Makes JSON of an entry of the log, as the feed hands it on. */
export type WriteEntry = (entry: Entry) => string;

/** An entry as the feed hands it on. */
export interface FeedEntry {
  readonly seq: Position;
  readonly text: string;
}

interface Held {
  readonly entry: Entry;
  readonly tag: number;
  /** Made when it is asked for, and once: most nodes have nobody who follows through them. */
  text: string | null;
}

/**
 * The last entries that a node has read, in the order of their positions: what came after
 * a cursor, and whether a cursor is of this history, can be told from them.
 */
export class Passage {
  #entries: Held[] = [];
  /** Every live entry above this position is held. */
  #from: Position = 0;
  /** Where the last whole pull was answered: its entry may be gone, and cursors that stand there are of this history. */
  #base: Cursor | null = null;
  /** `null` before the first pull. */
  #head: Cursor | null = null;

  get head(): Cursor | null {
    return this.#head;
  }

  /** Takes in what a pull has answered; the whole takes the place of all. */
  read(pull: TaggedPull): void {
    const { epoch, head, tag, whole, entries, tags } = pull;
    if (whole) {
      this.#entries = [];
      this.#from = 0;
    }
    // Of a whole that is large only the end is of use here.
    const skipped = Math.max(0, entries.length - HELD);
    this.#from = entries[skipped - 1]?.seq ?? this.#from;
    const last = this.#entries.at(-1)?.entry.seq ?? this.#from;
    for (let index = skipped; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry === undefined || entry.seq <= last) continue;
      this.#entries.push({ entry, tag: tags[index] ?? 0, text: null });
    }
    // Half at once, so that not every entry moves all that are after it.
    if (this.#entries.length > 2 * HELD) {
      const dropped = this.#entries.splice(0, this.#entries.length - HELD);
      this.#from = dropped.at(-1)?.entry.seq ?? this.#from;
    }
    this.#head = { epoch, seq: head, tag };
    if (whole) this.#base = this.#head;
  }

  /** Whether a cursor is of this history, and everything after it is held. */
  isKnown({ epoch, seq, tag }: Cursor): boolean {
    if (this.#head?.epoch !== epoch || seq < this.#from || seq > this.#head.seq) return false;
    for (const place of [this.#head, this.#base]) if (place?.seq === seq) return place.tag === tag;
    const held = this.#entries[this.#firstAfter(seq) - 1];
    return held?.entry.seq === seq && held.tag === tag;
  }

  /** How many entries came after a position, as far as they are held. */
  countAfter(seq: Position): number {
    return this.#entries.length - this.#firstAfter(seq);
  }

  /** The entries after a position that are alive, oldest first. */
  after(seq: Position, now: Timestamp, write: WriteEntry): readonly FeedEntry[] {
    return this.#entries
      .slice(this.#firstAfter(seq))
      .filter(({ entry }) => entry.expiresAt > now)
      .map((held) => ({ seq: held.entry.seq, text: (held.text ??= write(held.entry)) }));
  }

  #firstAfter(seq: Position): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.entry.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
