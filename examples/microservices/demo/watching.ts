import { request } from 'node:http';
import type { VerifierStatus } from '@latchkey/verify';
import type { Follower } from './accounts.ts';
import type { Fleet } from './fleet.ts';

/** A follower, with how old its copy of the log is, or how long ago it was heard of. */
export interface ShownFollower extends Follower {
  /** In milliseconds; `null` where there is no copy. */
  readonly age: number | null;
}

/** Who follows the log, as an administrator sees it; of `orders`, what it says of itself. */
export async function lookAtFollowers({ accounts, orders }: Pick<Fleet, 'accounts' | 'orders'>): Promise<{
  readonly followers: readonly ShownFollower[];
  /** How long a copy counts without news, in milliseconds. */
  readonly maxStaleness: number;
}> {
  const [followers, own] = await Promise.all([accounts.followers(), statusAt(`${orders}/status`)]);
  return {
    // Each in its place, whoever was heard of last; nodes first.
    followers: followers.toSorted(byKindAndName).map((follower) =>
      // The issuer knows when a service was heard of; the service itself, how old its copy is.
      follower.name === 'orders'
        ? { ...follower, age: own.lag, fresh: own.fresh }
        : { ...follower, age: follower.lag },
    ),
    maxStaleness: own.maxStaleness,
  };
}

function byKindAndName(one: Follower, other: Follower): number {
  return `${one.kind} ${one.name}`.localeCompare(`${other.kind} ${other.name}`);
}

async function statusAt(url: string): Promise<Pick<VerifierStatus, 'lag' | 'fresh' | 'maxStaleness'>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return (await response.json()) as VerifierStatus;
}

/**
 * Opens a stream at `orders`, which goes on after its token was checked.
 *
 * @param onEnd told when the service ends it.
 * @returns what ends it from here, of which `onEnd` is not told.
 */
export function openStream(orders: string, token: string, onEnd: () => void): () => void {
  const headers = { Authorization: `Bearer ${token}` };
  const stream = request(`${orders}/orders/events`, { headers, agent: false });
  stream.on('error', () => undefined);
  stream.once('response', (response) => {
    response.on('error', () => undefined);
    response.once('end', onEnd);
    response.resume();
  });
  stream.end();
  return () => void stream.destroy();
}
