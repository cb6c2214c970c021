import { momentOf, type SessionId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { causeOfDeath, matchSecret } from '../sessions/session.ts';
import { audienceOf } from './audiences.ts';
import { type IssuedToken, issue, requireRecent, requireRightClock } from './issue.ts';
import { groundsOf } from './refresh.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'store' | 'clock' | 'tail' | 'claims' | 'signingKeys' | 'activity'>;

/**
 * Makes an access token from a session whose cookie was presented, for a client of
 * mode `hybrid`. The row is read anew, whatever is remembered of the cookie: a
 * token must not begin with what somebody knew a minute ago, and a secret that was
 * rotated meanwhile earns none at the `auth_time` of the new one (R11).
 *
 * @throws `LK_GRANT_REFUSED` where the session has ended, has a newer secret or is one of before login;
 *   `LK_CLIENT_REFUSED` where its client is not hybrid; `LK_AUDIENCE_REFUSED`; `LK_STORE_UNAVAILABLE`, `LK_NOT_FRESH`.
 */
export async function exchangeSession(
  rooms: Uses,
  { id, secretHash }: { readonly id: SessionId; readonly secretHash: Uint8Array },
  wanted: string | null,
): Promise<IssuedToken> {
  const { config, store, clock, activity } = rooms;
  const audience = await audienceOf(rooms, wanted);
  await requireRightClock(rooms);
  const readAt = momentOf(clock);
  const reading = await store.sessions.read(id);
  const now = clock.now();
  if (reading === null || causeOfDeath(reading, now) !== null || reading.user === null)
    throw failure('LK_GRANT_REFUSED');
  const { session } = reading;
  if (matchSecret(session, secretHash, now) !== 'current') throw failure('LK_GRANT_REFUSED');
  if (config.clients.get(session.client)?.mode !== 'hybrid') throw failure('LK_CLIENT_REFUSED');
  const issued = await issue(rooms, await groundsOf(rooms, reading, now), audience);
  requireRecent(rooms, readAt);
  activity.note(session.id, session.idleUntil, session.expiresAt);
  return issued;
}
