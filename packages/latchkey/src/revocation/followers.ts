import type { Clock, Millis, Position, Tail, Timestamp } from '@latchkey/verify';
import type { FollowerId, Store } from '../stores/store.ts';
import { HEARTBEAT } from './revocation-log.ts';

/** A process that follows the log, as far as is known here. */
export interface FollowerState {
  readonly id: FollowerId;
  /** Of a node, the host's and the process's; of a service, its client's, as often as it has processes. */
  readonly name: string;
  /** Whether it reads the log in the store, or is told of it by nodes. */
  readonly kind: 'node' | 'service';
  readonly registeredAt: Timestamp;
  /** Up to where it has said that it has applied the log. */
  readonly cursor: Position;
  /** Positions between that and the head; those that a new epoch skipped count as well. */
  readonly behind: number;
  /** Milliseconds since its copy was last known to be whole, or for another process, since it was heard of. */
  readonly lag: Millis;
  /** Whether it answers from its copy; for another process, whether it was heard of lately enough to. */
  readonly fresh: boolean;
  /** Whether it is this very process. */
  readonly self: boolean;
}

/** Where the log stands, and who follows it. */
export interface Followers {
  readonly epoch: string;
  readonly head: Position;
  /** In the order of their registration. */
  readonly items: readonly FollowerState[];
}

/** Lists who follows the log, from what each has written of itself: at least every ten seconds while it can. */
export async function listFollowers(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly tail: Tail;
  readonly self: FollowerId;
}): Promise<Followers> {
  const { store, clock, tail, self } = options;
  const followers = await store.followers.list();
  const { epoch, seq: head } = await store.log.head();
  const now = clock.now();
  const items = followers.map(({ id, name, registeredAt, acknowledged, seenAt }) => {
    const isSelf = id === self;
    const cursor = isSelf ? (tail.cursor?.seq ?? acknowledged) : acknowledged;
    const lag = Math.round(isSelf ? tail.lag() : Math.max(0, now - seenAt));
    const fresh = isSelf ? tail.isFresh() : lag < HEARTBEAT + tail.maxStaleness;
    return {
      id,
      name,
      kind: 'node' as const,
      registeredAt,
      cursor,
      behind: Math.max(0, head - cursor),
      lag,
      fresh,
      self: isSelf,
    };
  });
  return { epoch, head, items };
}
