/**
 * The check that a node and a service share: is this credential still good?
 *
 * @module
 */
export {
  type AccessToken,
  type AccessTokenRules,
  type ClientAccessToken,
  clientSubject,
  HOSTILE_NAMES,
  RESERVED_CLAIMS,
  type UserAccessToken,
  verifyAccessToken,
} from './access-token.ts';
export type { HeaderReader, Presenting } from './authorization.ts';
export { isSixteenBytes } from './base64url.ts';
export {
  ageOf,
  type Clock,
  type Millis,
  type Moment,
  momentOf,
  type Seconds,
  systemClock,
  type Timestamp,
} from './clock.ts';
export {
  type CompactJws,
  type JoseHeader,
  parseCompactJws,
  type TokenRefusal,
  TokenRefused,
  verifySignature,
} from './compact-jws.ts';
export { LatchkeyError } from './errors.ts';
export {
  isVerifierFailure,
  VERIFIER_CODES,
  type VerifierCode,
  type VerifierFailure,
} from './failures.ts';
export {
  feedSubject,
  type HashSubject,
  KIND_CODES,
  SCOPE_CODES,
  SUBJECT_BYTES,
  subjectHasher,
  subjectOf,
} from './feed-subject.ts';
export { type Refusal, refusalOf } from './guard.ts';
export type { Cursor, Entry, EntryKind, FloorScope, Position, Scope } from './log-entry.ts';
export type { Loaded, LogSource, Pull } from './log-source.ts';
export {
  type Digest,
  digestOf,
  NearCache,
  type NearCacheOptions,
  type Proof,
  type Remembered,
  type Terms,
} from './near-cache.ts';
export { NO_ROW, PackedTable, type PackedTableOptions } from './packed-table.ts';
export type {
  Acr,
  Amr,
  ClientPrincipal,
  CookiePrincipal,
  Id,
  Mode,
  Principal,
  PrincipalSession,
  PrincipalUser,
  SessionId,
  TokenPrincipal,
  UserId,
  UserPrincipal,
  Values,
} from './principal.ts';
export { type EntrySection, type Facts, RevokedSet, type Verdict } from './revoked-set.ts';
export {
  type KnownOfSession,
  type KnownOfToken,
  type PrincipalOfToken,
  principalOf,
  type ServicePrincipal,
} from './service-principal.ts';
export { Leaf, SLOT_BYTES } from './sorted-slots.ts';
export { type JsonRefusal, JsonRefused, parseStrictJson } from './strict-json.ts';
export { SUBJECT_WORDS } from './subject.ts';
export { Tail, type TailOptions } from './tail.ts';
export type { OnUnknown } from './token-check.ts';
export {
  jwkThumbprint,
  type PublicJwk,
  publicJwk,
  type SigningAlgorithm,
  type VerificationKey,
  verificationKey,
} from './verification-key.ts';
export {
  type Demands,
  type Verifier,
  type VerifierOptions,
  type VerifierStatus,
  verifier,
} from './verifier.ts';
export type { Close, EndReason } from './watches.ts';
