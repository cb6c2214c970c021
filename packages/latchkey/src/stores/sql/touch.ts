import type { SessionId, Timestamp } from '@latchkey/verify';
import type { Runner } from './statement.ts';

/** A new idle limit of a session. */
export interface Move {
  readonly id: SessionId;
  readonly idleUntil: Timestamp;
}

/** A use of a session. */
export interface Sighting {
  readonly id: SessionId;
  readonly at: Timestamp;
}

/** What is written down about many sessions at once while they are used. */
export interface Touch {
  /** Moves idle limits forward, never back. */
  moveIdle(runner: Runner, moves: readonly Move[]): Promise<void>;
  /** Writes down when sessions were seen last; passes over those that are gone. */
  seen(runner: Runner, sightings: readonly Sighting[]): Promise<void>;
  /** Forgets when sessions were seen that have just been deleted. */
  forget(runner: Runner, ids: readonly Uint8Array[]): Promise<void>;
}
