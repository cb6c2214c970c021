import type { Millis, Position, Tail, Timestamp } from '@latchkey/verify';
import type { FollowerId, FollowerRecord, RemoteFollowerRecord } from '../stores/records.ts';
import type { Store } from '../stores/store.ts';
import { HEARTBEAT, ROW_LIFE } from './registration.ts';
import { lifeOf, type RemoteFollowers } from './remote-followers.ts';

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
  /** Whether it lets in until its expiry whatever it cannot know of: to it `tokensDeadBy` of a receipt applies. */
  readonly acceptsUntilExpiry: boolean;
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

/** What is known of the followers here, and by which clocks. */
export interface FollowerSources {
  readonly store: Store;
  /** The time where the log is written. */
  readonly now: () => Timestamp;
  /** The same, and never behind, as `RevocationLog.latest` says. */
  readonly latest: () => Timestamp;
  readonly tail: Tail;
  readonly remote: RemoteFollowers;
  /** This process, among the followers of the log. */
  readonly self: FollowerId;
}

/** A follower, whichever nodes know of it. */
export interface KnownFollower extends Omit<RemoteFollowerRecord, 'client'> {
  readonly name: string;
  readonly kind: FollowerState['kind'];
}

/**
 * Everybody who follows the log: nodes, and processes of services. One of these may have
 * pulled from several nodes: the earliest registration counts, and the greatest cursor. Of
 * this process itself what is in memory counts.
 */
export async function findFollowers({
  store,
  now,
  tail,
  remote,
  self,
}: FollowerSources): Promise<readonly KnownFollower[]> {
  const records = await store.followers.list();
  const at = now();
  const nodes = records.flatMap((record): KnownFollower[] => {
    const { id, name, registeredAt, registeredSeq, seenAt } = record;
    if (record.relay?.ended === true || seenAt < at - ROW_LIFE) return [];
    const acknowledged = id === self ? (tail.cursor?.seq ?? 0) : record.acknowledged;
    const registered = { registeredAt, registeredSeq };
    return [{ id, name, kind: 'node', ...registered, acknowledged, seenAt, acceptsUntilExpiry: false }];
  });
  const services = new Map<string, KnownFollower>();
  for (const { client, ...told } of [...reportedBy(records, self), ...remote.list(at)]) {
    if (told.seenAt < at - lifeOf(told)) continue;
    // An id is drawn by whoever has it: nobody may acknowledge for the process of another client.
    const key = `${told.id} ${client}`;
    const before = services.get(key) ?? { ...told, name: client, kind: 'service' };
    services.set(key, {
      ...before,
      registeredAt: Math.min(before.registeredAt, told.registeredAt),
      registeredSeq: Math.min(before.registeredSeq, told.registeredSeq),
      acknowledged: Math.max(before.acknowledged, told.acknowledged),
      seenAt: Math.max(before.seenAt, told.seenAt),
      acceptsUntilExpiry: before.acceptsUntilExpiry || told.acceptsUntilExpiry,
    });
  }
  return [...nodes, ...services.values()].toSorted((one, other) => one.registeredAt - other.registeredAt);
}

function reportedBy(records: readonly FollowerRecord[], self: FollowerId): readonly RemoteFollowerRecord[] {
  return records.flatMap(({ id, relay }) => (id === self ? [] : (relay?.followers ?? [])));
}

/** Lists who follows the log, from what each has written of itself: at least every ten seconds while it can. */
export async function listFollowers(sources: FollowerSources): Promise<Followers> {
  const { store, now, tail, self } = sources;
  const followers = await findFollowers(sources);
  const { epoch, seq: head } = await store.log.head();
  const at = now();
  const items = followers.map((follower) => {
    const { id, name, kind, registeredAt, acknowledged: cursor, seenAt, acceptsUntilExpiry } = follower;
    const isSelf = id === self;
    const lag = Math.round(isSelf ? tail.lag() : Math.max(0, at - seenAt));
    const fresh = isSelf ? tail.isFresh() : lag < HEARTBEAT + tail.maxStaleness;
    const behind = Math.max(0, head - cursor);
    return { id, name, kind, registeredAt, cursor, behind, lag, fresh, acceptsUntilExpiry, self: isSelf };
  });
  return { epoch, head, items };
}
