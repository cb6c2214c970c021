import type { Clock, Millis, Position, Timestamp } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { newId } from '../foundation/ids.ts';
import type { FollowerId, Relay } from '../stores/records.ts';
import type { Store } from '../stores/store.ts';
import { FOLLOWER_LIFE, lifeOf, type Registered, type RemoteFollowers } from './remote-followers.ts';

/** How often a follower writes that it is there, and how far it has come. */
export const HEARTBEAT: Millis = 10_000;
/** How often it writes the latter where it has come further; more often would be a write for each pull (R9). */
const ACKNOWLEDGE: Millis = 1_000;
/** A row that nobody has written for so long is of nobody who could still go by what was read before. */
export const ROW_LIFE: Millis = FOLLOWER_LIFE + 2 * HEARTBEAT;

export interface RegistrationOptions {
  readonly store: Pick<Store, 'followers'>;
  readonly clock: Clock;
  /** A name for people, such as the host's. */
  readonly name: string;
  /** Who follows through this process. */
  readonly remote: RemoteFollowers;
  /** The time where the log is written. */
  readonly now: () => Timestamp;
  /** The head at the last reading of the log. */
  readonly head: () => Position;
}

/**
 * The row of this process among those who follow the log (R9): that it is there, how far it
 * has come, and who follows through it.
 */
export class Registration {
  readonly follower: FollowerId;
  readonly #options: RegistrationOptions;
  #registered: Registered | null = null;
  #beatAt: Timestamp = 0;
  #acknowledged: Position = 0;
  /** How far this process itself has come. */
  #reached: Position = 0;
  #reporting: Promise<void> | null = null;
  #nextReport: Promise<void> | null = null;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.follower = newId(options.clock.now());
  }

  /** Notes how far this process has come, and writes it where that is due: before its pull is answered. */
  async reach(position: Position): Promise<void> {
    const { now, remote } = this.#options;
    this.#reached = position;
    const since = now() - this.#beatAt;
    const news = this.#reached > this.#acknowledged || remote.hasChanged;
    const due = since >= (news ? ACKNOWLEDGE : HEARTBEAT) || since < 0;
    if (this.#registered === null || due) await this.#report();
  }

  /**
   * Writes that this process follows, how far it has come, and who follows through it. What
   * was so when this was called is written when it resolves; calls made meanwhile share
   * the next write, and writes never overtake each other.
   *
   * @throws `LK_NOT_FRESH` where this process itself does not follow; `LK_STORE_UNAVAILABLE`.
   */
  async report(): Promise<void> {
    if (this.#registered === null) throw failure('LK_NOT_FRESH', { retryAfter: 1_000 });
    await this.#report();
  }

  /**
   * Takes this process off the list of followers, so that no receipt waits for it. Those who
   * followed through it stay on the list for as long as they may go by what it has told them.
   */
  async leave(): Promise<void> {
    const { store, remote } = this.#options;
    // First: what is under way would write the row again, and take this process for registered.
    while (this.#reporting !== null) await this.#reporting.catch(() => undefined);
    const registered = this.#registered;
    this.#registered = null;
    if (registered === null) return;
    const now = this.#options.now();
    const relay = remote.report(now, true);
    if (relay === null || relay.followers.length === 0) await store.followers.remove(this.follower);
    else await this.#put(now, registered, relay);
  }

  #report(): Promise<void> {
    const next = (): void => {
      this.#reporting = this.#nextReport;
      this.#nextReport = null;
    };
    if (this.#reporting === null) {
      this.#reporting = this.#register().finally(next);
      return this.#reporting;
    }
    this.#nextReport ??= this.#reporting
      .catch(() => undefined)
      .then(() => this.#register())
      .finally(next);
    return this.#nextReport;
  }

  async #register(): Promise<void> {
    const { store, remote } = this.#options;
    const now = this.#options.now();
    const known = now - this.#beatAt < ROW_LIFE ? this.#registered : null;
    const registered = known ?? { registeredAt: now, registeredSeq: this.#options.head() };
    const reached = this.#reached;
    try {
      await this.#put(now, registered, remote.report(now));
    } catch (error) {
      remote.notReported();
      throw error;
    }
    this.#registered = registered;
    this.#beatAt = now;
    this.#acknowledged = reached;
    await store.followers.sweep(now - ROW_LIFE, now);
  }

  async #put(now: Timestamp, registered: Registered, relay: Relay | null): Promise<void> {
    const { store, name } = this.#options;
    await store.followers.put({
      id: this.follower,
      name,
      ...registered,
      acknowledged: this.#reached,
      seenAt: now,
      keptUntil: now + Math.max(ROW_LIFE, ...(relay?.followers ?? []).map(lifeOf)),
      relay,
    });
  }
}
