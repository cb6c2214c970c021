import type { Position } from '@latchkey/verify';
import type { Authenticator } from './authenticate.ts';
import type { Lookups } from './lookup-counts.ts';
import type { Rooms } from './rooms.ts';

/** How this node is, as far as it knows without asking the store. */
export interface Figures {
  /** Whether this node's copy of the log may be relied on; else each check reads the store. */
  readonly fresh: boolean;
  /** Milliseconds since the copy was last known to be whole. */
  readonly lag: number;
  /** Whether other processes are heard as they append; else the log is asked four times a second. */
  readonly hears: boolean;
  readonly position: Position;
  /** Live entries of the log. */
  readonly revoked: number;
  /** Credentials in the near-cache. */
  readonly remembered: number;
  /** Checks that were answered by the near-cache, and those that were not, since the process began. */
  readonly lookups: readonly Lookups[];
  /** Public keys that tokens are verified with. */
  readonly signingKeys: number;
  /** Processes of services that follow the log through this node. */
  readonly services: number;
  /** Streams on which services hear of entries from this node. */
  readonly streams: number;
  /** Passwords being hashed, and waiting. */
  readonly hashing: { readonly running: number; readonly waiting: number };
}

/** How this node is. */
export interface Status extends Figures {
  /** Whether the store answered just now. */
  readonly store: boolean;
}

interface Observed {
  readonly rooms: Pick<Rooms, 'store' | 'tail' | 'signingKeys' | 'hashQueue' | 'remote' | 'feed'>;
  readonly authenticator: Authenticator;
}

/** Reads what is in memory. */
export function figuresOf({ rooms, authenticator }: Observed): Figures {
  const { store, tail, signingKeys, hashQueue: queue } = rooms;
  return {
    fresh: tail.isFresh(),
    lag: tail.lag(),
    hears: store.hears(),
    position: tail.cursor?.seq ?? 0,
    revoked: tail.size,
    remembered: authenticator.remembered,
    lookups: authenticator.lookups,
    signingKeys: signingKeys.published.length,
    services: rooms.remote.size,
    streams: rooms.feed.streams,
    hashing: { running: queue.running, waiting: queue.depth },
  };
}

/** The same, when the store was asked whether it answers. */
export async function statusOf(observed: Observed): Promise<Status> {
  const store = await observed.rooms.store.log.head().then(
    () => true,
    () => false,
  );
  return { store, ...figuresOf(observed) };
}
