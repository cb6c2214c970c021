import type { PrincipalUser, Values } from '@latchkey/verify';
import { readFields } from '../identity/fields.ts';
import { principalUser } from '../sessions/session.ts';
import type { UserRecord } from '../stores/records.ts';
import type { Rooms } from './rooms.ts';

/** A user, with what the configuration's `claims` say of them. */
export interface Who {
  readonly user: PrincipalUser;
  readonly claims: Values;
}

/** Reads a user, with the fields as the application's schema has them. */
export async function userOf(
  { config }: Pick<Rooms, 'config'>,
  record: UserRecord,
  roles: readonly string[],
): Promise<PrincipalUser> {
  const fields = await readFields(config.userSchema, record.fields);
  return principalUser(record, roles, fields);
}

/**
 * Reads a user as `userOf`, and makes the claims.
 *
 * @throws `LK_CLAIM_REFUSED` for what no token may hold.
 */
export async function whoIs(
  rooms: Pick<Rooms, 'config' | 'claims'>,
  record: UserRecord,
  roles: readonly string[],
): Promise<Who> {
  const user = await userOf(rooms, record, roles);
  return { user, claims: rooms.claims.of(user) };
}
