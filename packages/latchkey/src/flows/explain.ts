import type { UserId } from '@latchkey/verify';
import type { Decision } from '../access/access.ts';
import { invalid } from '../errors.ts';
import type { Rooms } from './rooms.ts';
import { PASSWORD_ACR } from './sign-in.ts';
import { getUser } from './users.ts';

/** What is asked about. */
export interface Question {
  /** `null` for nobody in particular. */
  readonly user: UserId | null;
  readonly permission: string;
  readonly resource: unknown;
}

/**
 * Whether a user might, and why, as if they had signed in with their password just now.
 * A user who is disabled is asked about like any other.
 *
 * @throws `LK_NOT_FOUND` for the user; `LK_REQUEST_INVALID` for a permission that is not
 *   declared, and where it is about a resource and none is given.
 */
export async function explainFor(
  rooms: Pick<Rooms, 'config' | 'store' | 'clock' | 'access'>,
  { user: id, permission, resource }: Question,
): Promise<Decision> {
  const { access, clock } = rooms;
  if (!access.permissions.includes(permission)) throw invalid('permission', 'is not declared');
  const user = id === null ? null : await getUser(rooms, id);
  const now = clock.now();
  const subject =
    user === null
      ? null
      : { id: user.id, roles: user.roles, fields: user.fields, acr: PASSWORD_ACR, authTime: now };
  try {
    return access.decide(subject, permission, resource, now);
  } catch (error) {
    // JSON throws nothing when it is looked at: what is left is that there is none.
    if (error instanceof TypeError) throw invalid('resource', 'is what this permission is about');
    throw error;
  }
}
