import { createHash } from 'node:crypto';
import type { Millis, Timestamp } from '@latchkey/verify';
import { randomBytes } from '../foundation/random.ts';
import type { RootSecret } from '../foundation/root-secret.ts';
import { networkOf } from '../identity/throttle.ts';
import { deviceLabel } from '../sessions/device.ts';
import type { Origin } from '../sessions/session.ts';
import type { RefreshChain } from '../stores/records.ts';

/** R10: how long the generation before is answered with the same successor, and the current one with itself. */
export const GRACE: Millis = 10_000;

/** A chain at its beginning, as a login makes it. */
export function newChain(rootSecret: RootSecret, now: Timestamp, origin: Origin): RefreshChain {
  return {
    nonce: randomBytes(16),
    generation: 0,
    generationAt: now,
    key: rootSecret.current.id,
    origin: originDigest(origin),
    sharedRun: 0,
    sharedGeneration: null,
  };
}

/** By which two users of one generation are told apart: network and kind of device. */
export function originDigest({ ip, userAgent }: Origin): Buffer {
  const network = networkOf(ip);
  const device = deviceLabel(userAgent) ?? '';
  return createHash('sha256').update(network).update('\0').update(device).digest().subarray(0, 16);
}

/**
 * What a genuine token of a generation may have.
 *
 * - `rotate`: the next generation.
 * - `same`: the current one once more. A generation younger than the grace is not
 *   rotated, so the one before the last is always older than the grace.
 * - `reused`: somebody kept what had been exchanged; one of the two is a thief.
 * - `ahead`: the store does not know this generation: it is not the one that issued it.
 */
export function judgeGeneration(
  chain: RefreshChain,
  generation: number,
  now: Timestamp,
): 'rotate' | 'same' | 'reused' | 'ahead' {
  if (generation > chain.generation) return 'ahead';
  const young = now - chain.generationAt < GRACE;
  if (generation === chain.generation) return young ? 'same' : 'rotate';
  return young && generation === chain.generation - 1 ? 'same' : 'reused';
}
