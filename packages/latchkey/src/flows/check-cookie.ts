import type { CookiePrincipal, Facts } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { SessionCredential } from '../sessions/cookie.ts';
import { causeOfDeath, cookiePrincipal, matchSecret } from '../sessions/session.ts';
import type { SessionReading, SessionRecord } from '../stores/records.ts';
import type { Rooms } from './rooms.ts';
import { whoIs } from './who.ts';

/** A living session whose secret was presented. */
export interface CheckedCookie {
  /** `null` before login. */
  readonly principal: CookiePrincipal | null;
  readonly session: SessionRecord;
  /** `previous`: the secret was rotated moments ago; nothing may be set or rotated in answer to it. */
  readonly secret: 'current' | 'previous';
  readonly facts: Facts;
}

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'claims'>;

/**
 * Reads the session of a cookie from the store.
 *
 * @param safe whether the request's method is safe (RFC 9110 §9.2.1).
 * @throws `LK_SESSION_UNKNOWN`, `LK_SESSION_ROTATED` and each cause of death where it
 *   is not good; `LK_CLAIM_REFUSED`; `LK_STORE_UNAVAILABLE`.
 */
export async function checkCookie(
  rooms: Uses,
  credential: SessionCredential,
  safe: boolean,
): Promise<CheckedCookie> {
  const { clock, store, tail } = rooms;
  const reading = await store.sessions.read(credential.id);
  const now = clock.now();
  if (reading === null) throw failure('LK_SESSION_UNKNOWN');
  const { session } = reading;
  const secret = matchSecret(session, credential.secretHash, now);
  // After its grace an old secret is as good as none, so whoever still holds it may begin anew.
  if (secret === null || secret === 'outlived') throw failure('LK_SESSION_UNKNOWN');
  const cause = causeOfDeath(reading, now);
  if (cause !== null) throw failure(cause);
  if (secret === 'previous' && !safe) throw failure('LK_SESSION_ROTATED');

  // R1: the position before this reading, not the row's own, which is of the login.
  const facts: Facts = {
    rs: reading.head,
    session: session.id,
    user: session.userId,
    client: session.clientSubject,
    signingKey: null,
  };
  if (tail.check(facts) === 'revoked') throw failure('LK_SESSION_REVOKED');
  return { principal: await principalOf(rooms, reading, secret), session, secret, facts };
}

/** Who a living session speaks for; `null` before login. */
export async function principalOf(
  rooms: Pick<Rooms, 'config' | 'claims'>,
  { session, user, roles }: SessionReading,
  secret: 'current' | 'previous',
): Promise<CookiePrincipal | null> {
  if (user === null) return null;
  const who = await whoIs(rooms, user, roles);
  const mode = rooms.config.clients.get(session.client)?.mode ?? 'session';
  return cookiePrincipal(session, secret, { ...who, mode });
}
