import type { PrincipalSession, PrincipalUser, UserPrincipal } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { principalSession } from '../sessions/session.ts';
import type { Rooms } from './rooms.ts';
import { userOf } from './who.ts';

/** A principal with all that is known of it. */
export interface Person {
  readonly principal: UserPrincipal;
  readonly user: PrincipalUser;
  readonly session: PrincipalSession;
}

/**
 * What the store knows of a principal whose token says only who it is.
 *
 * @throws `LK_UNAUTHENTICATED` where the user is gone meanwhile.
 */
export async function personOf(
  rooms: Pick<Rooms, 'config' | 'store'>,
  principal: UserPrincipal,
): Promise<Person> {
  if (principal.user !== null) return { principal, user: principal.user, session: principal.session };
  const { store } = rooms;
  const { id, mode } = principal.session;
  const [reading, row] = [await store.users.read(principal.id), await store.sessions.read(id)];
  if (reading === null) throw failure('LK_UNAUTHENTICATED');
  const user = await userOf(rooms, reading.user, reading.roles);
  // A login that leaves no row ends with its token.
  const session =
    row === null
      ? { ...principal.session, expiresAt: principal.expiresAt }
      : principalSession(row.session, mode);
  return { principal, user, session };
}
