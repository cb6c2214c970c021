import type { Clock, Millis, Position, Timestamp } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { FollowerId, Relay, RemoteFollowerRecord } from '../stores/records.ts';
import { MOST as MOST_HELD } from './bounds.ts';

/** A follower silent for so long is forgotten: nothing that it was told can still be relied on. */
export const FOLLOWER_LIFE: Millis = 60_000;
/** Whoever was silent for longer is told of anew before it is answered: other nodes, which hear less often, may forget it. */
const TOLD_AGAIN_AFTER: Millis = FOLLOWER_LIFE / 2;
/** One that accepts until expiry what it cannot know of may go by any token that there was when it was heard of last. */
const UNTIL_EXPIRY_LIFE: Millis = MOST_HELD.accessLife + FOLLOWER_LIFE;
/** Processes of one client, on one node. */
const MOST_OF_CLIENT = 500;
/** Processes of all clients, on one node: their cursors are one value of its row. */
const MOST = 2_000;
/** When to try again where there are too many: some will have been forgotten by then. */
const RETRY_AFTER: Millis = 10_000;

/** From when on a follower counts: receipts of what came before are in the first answer that it gets. */
export interface Registered {
  readonly registeredAt: Timestamp;
  readonly registeredSeq: Position;
}

/** A process of a service client that follows through this node. */
export interface RemoteFollower {
  readonly id: FollowerId;
  readonly client: string;
  readonly registeredAt: Timestamp;
  readonly registeredSeq: Position;
  acknowledged: Position;
  /** Whether it lets in until its expiry whatever it cannot know of. */
  acceptsUntilExpiry: boolean;
  /** By the monotonic clock. */
  seenAt: Millis;
  /** Settled when all nodes see it, and this node has asked the log after that; `null` before that was begun, and where it failed. */
  admission: Promise<void> | null;
  admitted: boolean;
}

/** How long after it was heard of last a follower counts. */
export function lifeOf({ acceptsUntilExpiry }: Pick<RemoteFollowerRecord, 'acceptsUntilExpiry'>): Millis {
  return acceptsUntilExpiry ? UNTIL_EXPIRY_LIFE : FOLLOWER_LIFE;
}

/**
 * Who follows the log through this node (R9). Cursors live here; what is reported of them
 * goes into the node's own row of the followers, as one value.
 */
export class RemoteFollowers {
  readonly #clock: Clock;
  readonly #clients = new Map<string, Map<string, RemoteFollower>>();
  #size = 0;
  /** Of the last report; 0 where nobody ever followed. */
  #version = 0;
  #changed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there is news of a cursor, or of somebody who came or went. */
  get hasChanged(): boolean {
    return this.#changed;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * The follower of that id, of that client and no other. One that is new is on the list
   * from now on.
   *
   * @param registered when that is, and up to where what it is answered first is known to go.
   * @throws `LK_THROTTLED` where the client has too many, `LK_BUSY` where all together have.
   */
  take(client: string, id: FollowerId, registered: Registered, acceptsUntilExpiry: boolean): RemoteFollower {
    const ofClient = this.#clients.get(client) ?? new Map<string, RemoteFollower>();
    const known = ofClient.get(id);
    const seenAt = this.#clock.monotonic();
    if (known !== undefined) {
      if (seenAt - known.seenAt > TOLD_AGAIN_AFTER) known.admitted = false;
      known.seenAt = seenAt;
      // Never taken back: which of the processes of one id it was is not known.
      if (acceptsUntilExpiry && !known.acceptsUntilExpiry) {
        known.acceptsUntilExpiry = true;
        this.#changed = true;
      }
      return known;
    }
    if (ofClient.size >= MOST_OF_CLIENT) throw failure('LK_THROTTLED', { retryAfter: RETRY_AFTER });
    if (this.#size >= MOST) throw failure('LK_BUSY', { retryAfter: RETRY_AFTER });
    const follower = {
      id,
      client,
      ...registered,
      acknowledged: 0,
      acceptsUntilExpiry,
      seenAt,
      admission: null,
      admitted: false,
    };
    ofClient.set(id, follower);
    this.#clients.set(client, ofClient);
    this.#size += 1;
    this.#changed = true;
    return follower;
  }

  /** Notes that a follower has applied everything up to a position. */
  acknowledge(follower: RemoteFollower, seq: Position): void {
    if (seq <= follower.acknowledged) return;
    follower.acknowledged = seq;
    this.#changed = true;
  }

  /** Everybody who follows now, as other processes are told of them. */
  list(now: Timestamp): readonly RemoteFollowerRecord[] {
    const monotonic = this.#clock.monotonic();
    return [...this.#clients.values()].flatMap((ofClient) =>
      [...ofClient.values()].map(
        ({ id, client, registeredAt, registeredSeq, acknowledged, seenAt, acceptsUntilExpiry }) => ({
          id,
          client,
          registeredAt,
          registeredSeq,
          acknowledged,
          seenAt: Math.floor(now - (monotonic - seenAt)),
          acceptsUntilExpiry,
        }),
      ),
    );
  }

  /** What is to be reported of them now; `null` where nobody ever followed through this node. */
  report(now: Timestamp, ended = false): Relay | null {
    this.#forgetSilent();
    if (this.#version === 0 && this.#size === 0) return null;
    this.#version += 1;
    this.#changed = false;
    return { version: this.#version, ended, followers: this.list(now) };
  }

  /** A report was not written: its news still is. */
  notReported(): void {
    this.#changed = true;
  }

  #forgetSilent(): void {
    const now = this.#clock.monotonic();
    for (const [client, ofClient] of this.#clients) {
      for (const [id, follower] of ofClient) {
        if (now - follower.seenAt < lifeOf(follower)) continue;
        ofClient.delete(id);
        this.#size -= 1;
      }
      if (ofClient.size === 0) this.#clients.delete(client);
    }
  }
}
