import type { Millis, Timestamp } from '@latchkey/verify';
import type { EpochCause, EpochEnd, LogReading, Seen } from '../stores/records.ts';

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
 *
 * @param end of the epoch that was seen, where others have come and gone since.
 */
export function judgeHistory(
  seen: Seen | null,
  answer: LogReading,
  end: EpochEnd | null,
): 'same' | Exclude<EpochCause, 'first'> {
  const ifNothingLost = answer.succeeded ? 'failover' : 'same';
  if (seen === null) return ifNothingLost;
  if (seen.lineage === answer.lineage && seen.epoch === answer.epoch) {
    if (answer.head >= seen.seq && !answer.rewritten) return ifNothingLost;
    return answer.succeeded && isMadeGood(seen, answer.beatAt) ? 'failover' : 'restore';
  }
  const ended = answer.previous?.epoch === seen.epoch ? answer.previous : end;
  // It is another database, or epochs have come and gone that nobody has noted: what came later
  // starts above whatever was seen. And all that is older than a restore is dead already.
  if (ended === null || answer.cause === 'restore' || end?.restored === true)
    return answer.epochStart > seen.seq ? ifNothingLost : 'restore';
  // Another process has begun the next epoch, without knowing what this one has seen.
  return ended.seq >= seen.seq || isMadeGood(seen, ended.beatAt) ? ifNothingLost : 'restore';
}

/** Whether what was seen and is gone is so short that its writers remember it, by the beats of the database. */
function isMadeGood(seen: Seen, beatAt: Timestamp | null): boolean {
  return seen.beatAt !== null && beatAt !== null && seen.beatAt - beatAt <= MADE_GOOD;
}
