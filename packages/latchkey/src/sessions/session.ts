import type {
  Acr,
  Amr,
  CookiePrincipal,
  Millis,
  Mode,
  Position,
  PrincipalSession,
  PrincipalUser,
  Timestamp,
  UserId,
  Values,
} from '@latchkey/verify';
import type { Client } from '../config.ts';
import type { Code } from '../errors.ts';
import { newId } from '../foundation/ids.ts';
import { equalDigests, type Secret } from '../foundation/secret.ts';
import type { RefreshChain, SessionReading, SessionRecord, UserRecord } from '../stores/records.ts';
import { newSessionSecret } from './cookie.ts';
import { deviceLabel } from './device.ts';

/** R11: how long the secret before a rotation still answers safe requests, so that parallel ones don't fail. */
const ROTATION_GRACE: Millis = 10_000;

/** How a user proved who they are, and when. */
export interface Authentication {
  readonly userId: UserId;
  readonly authTime: Timestamp;
  readonly acr: Acr;
  readonly amr: readonly Amr[];
}

/** Where a request comes from, as far as it matters to a session. */
export interface Origin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** A session that is about to be stored, and the cookie for its owner. */
export interface NewSession {
  readonly record: SessionRecord;
  readonly cookie: Secret;
}

/**
 * Makes a session, before login (`authentication` is `null`) or at login.
 *
 * @param rs the log's head, read before the first fact that the session rests on (R1).
 */
export function newSession(options: {
  now: Timestamp;
  rs: Position;
  client: Client;
  idle: Millis;
  absolute: Millis;
  authentication: Authentication | null;
  origin: Origin;
  /** Of its refresh tokens; `null` where it has none. */
  chain: RefreshChain | null;
}): NewSession {
  const { now, rs, client, idle, absolute, authentication, origin, chain } = options;
  const id = newId<'session'>(now);
  const { value, secretHash } = newSessionSecret(id);
  const record: SessionRecord = {
    id,
    userId: authentication?.userId ?? null,
    client: client.name,
    clientSubject: client.subject,
    rs,
    secretHash,
    previousSecretHash: null,
    rotatedAt: null,
    previousAuthTime: null,
    createdAt: now,
    idleUntil: now + Math.min(idle, absolute),
    expiresAt: now + absolute,
    revokedSeq: null,
    authTime: authentication?.authTime ?? null,
    acr: authentication?.acr ?? null,
    amr: authentication?.amr ?? [],
    ip: origin.ip,
    device: deviceLabel(origin.userAgent),
    chain,
  };
  return { record, cookie: value };
}

/** Why a session is dead. */
export type CauseOfDeath = Extract<
  Code,
  'LK_SESSION_REVOKED' | 'LK_SESSION_EXPIRED' | 'LK_SESSION_IDLE' | 'LK_SESSION_USER_DISABLED'
>;

/**
 * The one predicate of life (R3): why a session is dead, or `null` while it lives.
 * `floor` is the highest that concerns it.
 */
export function causeOfDeath(reading: SessionReading, now: Timestamp): CauseOfDeath | null {
  const { session, floor, user } = reading;
  if (session.revokedSeq !== null) return 'LK_SESSION_REVOKED';
  if (floor !== null && floor > session.rs) return 'LK_SESSION_REVOKED';
  if (now >= session.expiresAt) return 'LK_SESSION_EXPIRED';
  if (now >= session.idleUntil) return 'LK_SESSION_IDLE';
  if (session.userId !== null && (user === null || user.disabledAt !== null))
    return 'LK_SESSION_USER_DISABLED';
  return null;
}

/** Which of a session's secrets a digest is of; `null` for neither. */
export function matchSecret(
  session: SessionRecord,
  secretHash: Uint8Array,
  now: Timestamp,
): 'current' | 'previous' | 'outlived' | null {
  if (equalDigests(session.secretHash, secretHash)) return 'current';
  const { previousSecretHash, rotatedAt } = session;
  if (previousSecretHash === null || !equalDigests(previousSecretHash, secretHash)) return null;
  return rotatedAt !== null && now - rotatedAt < ROTATION_GRACE && now >= rotatedAt ? 'previous' : 'outlived';
}

/** A user as principals show it. */
export function principalUser(user: UserRecord, roles: readonly string[], fields: Values): PrincipalUser {
  return Object.freeze({
    id: user.id,
    email: user.email,
    name: user.name,
    emailVerified: user.emailVerifiedAt !== null,
    roles: Object.freeze([...roles]),
    fields,
  });
}

/** A session as principals show it. */
export function principalSession(session: SessionRecord, mode: Mode): PrincipalSession {
  return Object.freeze({
    id: session.id,
    client: session.client,
    mode,
    createdAt: session.createdAt,
    expiresAt: session.expiresAt,
  });
}

/** Who a living session speaks for, asked with its cookie; `null` before login. */
export function cookiePrincipal(
  session: SessionRecord,
  via: 'current' | 'previous',
  who: { readonly user: PrincipalUser; readonly claims: Values; readonly mode: Mode },
): CookiePrincipal | null {
  if (session.acr === null || session.authTime === null) return null;
  return Object.freeze({
    kind: 'user',
    id: who.user.id,
    user: who.user,
    session: principalSession(session, who.mode),
    claims: who.claims,
    via: 'cookie',
    acr: session.acr,
    amr: Object.freeze([...session.amr]),
    authTime: via === 'previous' ? (session.previousAuthTime ?? session.authTime) : session.authTime,
    expiresAt: session.expiresAt,
  });
}
