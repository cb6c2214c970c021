import type { Millis, Seconds, Timestamp } from '@latchkey/verify';
import type { SigningKeyRecord } from '../stores/records.ts';

/**
 * When which key of an algorithm signs. Keys take turns in the order in which they were
 * made, which is the order of every list here; a clock decides only whether a turn has come.
 */

/** How long anybody may keep the published keys without asking again. */
export const JWKS_MAX_AGE: Seconds = 300;

/** How often a node reads the keys that others have made. */
export const READ_EVERY: Millis = 60_000;

/** How far the clocks of two nodes may be apart. */
const CLOCK_SKEW: Millis = 30_000;

/** A key is published for so long before it signs: then whoever verifies has seen it. */
export const LEAD: Millis = JWKS_MAX_AGE * 1_000 + READ_EVERY + CLOCK_SKEW;

/**
 * `next`: published, and does not sign yet. `current`: signs. `retired`: another one
 * signs in its place, and tokens of it may still be good.
 */
export type KeyState = 'next' | 'current' | 'retired';

/** When a key has its turn. */
export type Turn = Pick<SigningKeyRecord, 'kid' | 'createdAt' | 'activatesAt'>;

/** The key that signs: the newest whose time has come; `null` where there is none. */
export function currentOf<Key extends Turn>(keys: readonly Key[], now: Timestamp): Key | null {
  return keys.findLast((key) => isActive(key, now)) ?? null;
}

/** The keys whose time has not come, by their turn. */
export function waitingOf<Key extends Turn>(keys: readonly Key[], now: Timestamp): readonly Key[] {
  return keys.filter((key) => !isActive(key, now));
}

/** What a key is among those of its algorithm. */
export function stateOf(key: Turn, keys: readonly Turn[], now: Timestamp): KeyState {
  if (!isActive(key, now)) return 'next';
  return currentOf(keys, now)?.kid === key.kid ? 'current' : 'retired';
}

/** The key that will sign next and when, where that has been said already. */
export function announced(
  keys: readonly Turn[],
  now: Timestamp,
): { readonly kid: string; readonly activatesAt: Timestamp } | null {
  for (const { kid, activatesAt } of waitingOf(keys, now)) {
    if (activatesAt !== null) return { kid, activatesAt };
  }
  return null;
}

/** Whether the current key has signed for so long that the next one is due. */
export function isDue(keys: readonly Turn[], life: Millis, now: Timestamp): boolean {
  const current = currentOf(keys, now);
  return current !== null && announced(keys, now) === null && now - since(current) >= life;
}

/** Whether there is a key of which nobody has said when it signs. */
export function hasNext(keys: readonly Turn[]): boolean {
  return keys.some(({ activatesAt }) => activatesAt === null);
}

/** Since when a key signs: one of a build that knew no turns has 0, and does from its beginning. */
function since({ createdAt, activatesAt }: Turn): Timestamp {
  return activatesAt === null || activatesAt === 0 ? createdAt : activatesAt;
}

/** The earliest moment for a key to sign at which everybody has seen it. */
export function readyAt({ createdAt }: Turn, now: Timestamp): Timestamp {
  // By a clock that has been set back it was made in the future: so it counts from now.
  return Math.max(now, Math.min(createdAt, now) + LEAD);
}

/** A moment that has passed by every node's clock. */
export function pastEverywhere(now: Timestamp): Timestamp {
  return now - CLOCK_SKEW;
}

/** When a further key is made: later than all others of its algorithm, whosever clock they are by. */
export function createdAfter(keys: readonly Turn[], now: Timestamp): Timestamp {
  return keys.reduce((latest, { createdAt }) => Math.max(latest, createdAt + 1), now);
}

function isActive({ activatesAt }: Turn, now: Timestamp): boolean {
  return activatesAt !== null && activatesAt <= now;
}
