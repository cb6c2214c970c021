import { hash } from 'node:crypto';
import { ageOf, type Clock, type Millis, type Moment, type Timestamp } from './clock.ts';
import type { Position } from './log-entry.ts';
import { NO_ROW, PackedTable } from './packed-table.ts';
import type { Facts } from './revoked-set.ts';
import type { Tail } from './tail.ts';

declare const brand: unique symbol;

/** SHA-256 of a text as 32 characters, one a byte. */
export type Digest = string & { readonly [brand]: 'SHA-256' };

/** By what the answer about a credential is remembered. */
export function digestOf(text: string): Digest {
  return hash('sha256', text, 'binary') as Digest;
}

/** What many remembered answers have in common: one object for all of them. */
export interface Terms {
  /** How long an answer may be remembered, counted from the read that proves it; 0 not at all. */
  readonly life: Millis;
}

/** What is remembered of a credential. */
export interface Remembered<Answer, Common> {
  readonly answer: Answer;
  readonly terms: Common;
  /** From here on the credential is no longer good, by the wall clock. */
  readonly goodUntil: Timestamp;
}

/** The reading that proves an answer. */
export interface Proof {
  /** The log's head before the reading, or the position in the credential (R1). */
  readonly rs: Position;
  /** When the read was sent. */
  readonly readAt: Moment;
}

export interface NearCacheOptions<Answer, Common> {
  readonly clock: Clock;
  readonly tail: Tail;
  /** The most entries held; the oldest goes first. */
  readonly entries: number;
  /** What the log judges an answer by: made anew at each hit, of what is held anyway. */
  readonly factsOf: (answer: Answer, terms: Common, rs: Position) => Facts;
}

/** Columns of an entry's row. */
const RS = 0;
const GOOD_UNTIL = 1;
const READ_AT = 2;
/** When the read was sent, by the wall clock, which goes on where the monotonic one stands still. */
const WALL_AT = 3;

/**
 * Answers about credentials that were checked a moment ago, keyed by SHA-256 so
 * that no credential sits in memory.
 *
 * Dropping entries when they are revoked is not enough, because a slow read can
 * bring a revoked one back. So each hit is checked against the log, and each
 * fill is refused where its read is too old.
 */
export class NearCache<Answer extends object, Common extends Terms> {
  readonly #options: NearCacheOptions<Answer, Common>;
  readonly #table: PackedTable;
  /** By row. */
  readonly #answers: (Answer | null)[] = [];
  readonly #terms: (Common | null)[] = [];

  constructor(options: NearCacheOptions<Answer, Common>) {
    this.#options = options;
    this.#table = new PackedTable({ keyLength: 32, columns: 4, rows: options.entries });
  }

  get size(): number {
    return this.#table.size;
  }

  /** What is remembered and still good, or `null`: then the truth must be read. */
  find(key: Digest): Remembered<Answer, Common> | null {
    const found = this.findOrEnd(key);
    return found === 'ended' ? null : found;
  }

  /**
   * As `find`; `ended` where the log, or a hint of it, has just ended the session itself:
   * then nothing need be read to refuse it (R2, R4). Told once, because the answer is dropped.
   */
  findOrEnd(key: Digest): Remembered<Answer, Common> | 'ended' | null {
    const row = this.#table.find(key);
    if (row === NO_ROW) return null;
    const answer = this.#answers[row] ?? null;
    const terms = this.#terms[row] ?? null;
    if (answer === null || terms === null) return null;
    const goodUntil = this.#table.get(row, GOOD_UNTIL);
    if (!this.#isInTime(row, terms.life, goodUntil)) {
      this.#drop(row);
      return null;
    }
    const { tail, factsOf } = this.#options;
    const facts = factsOf(answer, terms, this.#table.get(row, RS));
    const verdict = tail.check(facts);
    if (verdict === 'ok') return { answer, terms, goodUntil };
    if (verdict !== 'unknown') this.#drop(row);
    if (verdict !== 'revoked' || facts.session === null) return null;
    return tail.isRevoked('session', facts.session) ? 'ended' : null;
  }

  /** Remembers an answer, unless its read took too long to be trusted. */
  fill(key: Digest, { answer, terms, goodUntil }: Remembered<Answer, Common>, { rs, readAt }: Proof): void {
    const { clock, tail } = this.#options;
    if (terms.life === 0 || ageOf(clock, readAt) > tail.maxStaleness) return;
    const row = this.#table.take(key);
    this.#answers[row] = answer;
    this.#terms[row] = terms;
    this.#table.set(row, RS, rs);
    this.#table.set(row, GOOD_UNTIL, goodUntil);
    this.#table.set(row, READ_AT, readAt.monotonic);
    this.#table.set(row, WALL_AT, readAt.wall);
  }

  #isInTime(row: number, life: Millis, goodUntil: Timestamp): boolean {
    const { clock } = this.#options;
    // By both clocks: entries of the log die by the wall clock, so nothing that they could
    // affect may outlive them by it.
    const readAt = { wall: this.#table.get(row, WALL_AT), monotonic: this.#table.get(row, READ_AT) };
    return ageOf(clock, readAt) < life && clock.now() < goodUntil;
  }

  #drop(row: number): void {
    this.#answers[row] = null;
    this.#terms[row] = null;
    this.#table.drop(row);
  }
}
