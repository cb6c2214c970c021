import {
  type Clock,
  type Millis,
  NO_ROW,
  PackedTable,
  type SessionId,
  type Timestamp,
} from '@latchkey/verify';
import type { Store } from '../stores/store.ts';

/** How often a session's last use is written at the most; it is for display only. */
const SEEN_EVERY: Millis = 300_000;
const FLUSH_EVERY: Millis = 5_000;
/** Sessions remembered between flushes; beyond it, the oldest may be written once more. */
const REMEMBERED = 100_000;
/** Characters of an id. */
const ID_LENGTH = 22;
/** Columns of a session's mark: when it was last noted as seen, and where its idle limit was moved to. */
const SEEN_AT = 0;
const IDLE_UNTIL = 1;

export interface ActivityOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly idle: Millis;
  readonly onError: (error: unknown) => void;
}

/**
 * Writes down, in batches, that sessions are in use: their idle limit moves once
 * a tenth of it has passed since it last moved (R11), and last seen once in five
 * minutes. What a crash loses is at most that tenth.
 */
export class Activity {
  readonly #options: ActivityOptions;
  readonly #marks = new PackedTable({ keyLength: ID_LENGTH, columns: 2, rows: REMEMBERED });
  readonly #moves = new Map<SessionId, Timestamp>();
  readonly #sightings = new Map<SessionId, Timestamp>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ActivityOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.flush(), FLUSH_EVERY).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Notes one use of a session that has just been read. */
  note(id: SessionId, idleUntil: Timestamp, expiresAt: Timestamp): void {
    const now = this.#options.clock.now();
    let mark = this.#marks.find(id);
    if (mark === NO_ROW || now - this.#marks.get(mark, SEEN_AT) >= SEEN_EVERY) {
      mark = this.#marks.take(id);
      this.#marks.set(mark, SEEN_AT, now);
      this.#sightings.set(id, now);
    }
    const known = Math.max(this.#marks.get(mark, IDLE_UNTIL), idleUntil);
    const target = this.#dueAt(now, known, expiresAt);
    if (target === null) return;
    this.#marks.set(mark, IDLE_UNTIL, target);
    this.#moves.set(id, target);
    // A limit that comes before the next flush would end a session that is in use.
    if (known - now <= FLUSH_EVERY) void this.flush();
  }

  /**
   * Notes one use that was answered from memory, with the limits of the reading
   * behind it. That one has noted that the session was seen.
   */
  noteHit(id: SessionId, idleUntil: Timestamp, expiresAt: Timestamp): void {
    if (this.#dueAt(this.#options.clock.now(), idleUntil, expiresAt) === null) return;
    this.note(id, idleUntil, expiresAt);
  }

  /** Writes what was noted since the last time. What could not be written is noted again by its next use. */
  async flush(): Promise<void> {
    const moves = [...this.#moves].map(([id, idleUntil]) => ({ id, idleUntil }));
    const sightings = [...this.#sightings].map(([id, at]) => ({ id, at }));
    this.#moves.clear();
    this.#sightings.clear();
    try {
      const { sessions } = this.#options.store;
      if (moves.length > 0) await sessions.moveIdle(moves);
      if (sightings.length > 0) await sessions.seen(sightings);
    } catch (error) {
      for (const { id } of moves) this.#forget(id);
      this.#options.onError(error);
    }
  }

  /** Where to the idle limit is to be moved by a use now, or `null`: it was moved a moment ago. */
  #dueAt(now: Timestamp, known: Timestamp, expiresAt: Timestamp): Timestamp | null {
    const { idle } = this.#options;
    // The idle limit never reaches past the absolute one, and a session in use reaches that.
    const target = Math.min(now + idle, expiresAt);
    const last = target === expiresAt && known < target;
    return target - known >= idle / 10 || last ? target : null;
  }

  #forget(id: SessionId): void {
    const mark = this.#marks.find(id);
    if (mark !== NO_ROW) this.#marks.drop(mark);
  }
}
