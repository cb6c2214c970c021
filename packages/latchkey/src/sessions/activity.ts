import type { Clock, Millis, SessionId, Timestamp } from '@latchkey/verify';
import type { Store } from '../stores/store.ts';

/** How often a session's last use is written at the most; it is for display only. */
const SEEN_EVERY: Millis = 300_000;
const FLUSH_EVERY: Millis = 5_000;
/** Sessions remembered between flushes; beyond it, the oldest may be written once more. */
const REMEMBERED = 100_000;

interface Mark {
  seenAt: Timestamp;
  idleUntil: Timestamp;
}

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
  readonly #marks = new Map<SessionId, Mark>();
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

  /** Notes one use of a session. `idleUntil` and `expiresAt` are as they were last read. */
  note(id: SessionId, idleUntil: Timestamp, expiresAt: Timestamp): void {
    const now = this.#options.clock.now();
    const { idle } = this.#options;
    let mark = this.#marks.get(id);
    if (mark === undefined) {
      if (this.#marks.size >= REMEMBERED) this.#marks.clear();
      mark = { seenAt: 0, idleUntil };
      this.#marks.set(id, mark);
    }
    if (now - mark.seenAt >= SEEN_EVERY) {
      mark.seenAt = now;
      this.#sightings.set(id, now);
    }
    const known = Math.max(mark.idleUntil, idleUntil);
    // The idle limit never reaches past the absolute one, and a session in use reaches that.
    const target = Math.min(now + idle, expiresAt);
    const last = target === expiresAt && known < target;
    if (target - known < idle / 10 && !last) return;
    mark.idleUntil = target;
    this.#moves.set(id, target);
    // A limit that comes before the next flush would end a session that is in use.
    if (known - now <= FLUSH_EVERY) void this.flush();
  }

  /** Writes what was noted since the last time. What could not be written is noted again by its next use. */
  async flush(): Promise<void> {
    const moves = [...this.#moves].map(([id, idleUntil]) => ({ id, idleUntil }));
    const sightings = [...this.#sightings].map(([id, at]) => ({ id, at }));
    this.#moves.clear();
    this.#sightings.clear();
    this.#forgetOld();
    try {
      const { sessions } = this.#options.store;
      if (moves.length > 0) await sessions.moveIdle(moves);
      if (sightings.length > 0) await sessions.seen(sightings);
    } catch (error) {
      for (const { id } of moves) this.#marks.delete(id);
      this.#options.onError(error);
    }
  }

  #forgetOld(): void {
    const old = this.#options.clock.now() - SEEN_EVERY;
    for (const [id, mark] of this.#marks) {
      if (mark.seenAt <= old) this.#marks.delete(id);
    }
  }
}
