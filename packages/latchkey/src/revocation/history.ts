import type { Millis, Timestamp } from '@latchkey/verify';
import type { EpochCause, LogReading, Seen } from '../stores/store.ts';

/**
 * Writers remember what they wrote for 30 s and write it again after a failover; a loss
 * that may be longer than this is not theirs to make good.
 */
export const MADE_GOOD: Millis = 25_000;

/**
 * Whether what the store answers goes on from what was seen (R8).
 *
 * - `same`: it does, or nobody remembers anything to the contrary.
 * - `failover`: another database has taken its place, and what it lacks is seconds.
 * - `restore`: it has forgotten what was seen. What was revoked meanwhile cannot be known.
 */
export function judgeHistory(seen: Seen | null, answer: LogReading): 'same' | Exclude<EpochCause, 'first'> {
  const ifNothingLost = answer.succeeded ? 'failover' : 'same';
  if (seen === null) return ifNothingLost;
  if (seen.lineage === answer.lineage && seen.epoch === answer.epoch) {
    if (answer.head >= seen.seq && !answer.rewritten) return ifNothingLost;
    return answer.succeeded && isMadeGood(seen, answer.beatAt) ? 'failover' : 'restore';
  }
  const { previous } = answer;
  // Epochs have come and gone in between, or it is another database: what came later starts
  // above whatever was seen. And all that is older than a restore is dead already.
  if (previous?.epoch !== seen.epoch || answer.cause === 'restore')
    return answer.epochStart > seen.seq ? ifNothingLost : 'restore';
  // Another process has begun the epoch, without knowing what this one has seen.
  return previous.seq >= seen.seq || isMadeGood(seen, previous.beatAt) ? ifNothingLost : 'restore';
}

/** Whether what was seen and is gone is so short that its writers remember it, by the beats of the database. */
function isMadeGood(seen: Seen, beatAt: Timestamp | null): boolean {
  return seen.beatAt !== null && beatAt !== null && seen.beatAt - beatAt <= MADE_GOOD;
}
