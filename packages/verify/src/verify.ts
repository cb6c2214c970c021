/**
 * The check that a node and a service share: is this credential still good?
 *
 * @module
 */
export { type Clock, type Millis, type Seconds, systemClock, type Timestamp } from './clock.ts';
export { LatchkeyError } from './errors.ts';
export type {
  Cursor,
  Entry,
  EntryKind,
  FloorScope,
  LogSource,
  Position,
  Pull,
  Scope,
} from './log-entry.ts';
export { NearCache, type NearCacheOptions, type Remembered } from './near-cache.ts';
export type {
  Acr,
  Amr,
  Id,
  Mode,
  Principal,
  PrincipalSession,
  PrincipalUser,
  SessionId,
  UserId,
} from './principal.ts';
export { type Facts, RevokedSet, type Verdict } from './revoked-set.ts';
export { type JsonRefusal, JsonRefused, parseStrictJson } from './strict-json.ts';
export { Tail, type TailOptions } from './tail.ts';
