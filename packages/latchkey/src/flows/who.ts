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

/**
 * Reads a user's fields through the application's schema, and makes the claims.
 *
 * @throws `LK_CLAIM_REFUSED` for what no token may hold.
 */
export async function whoIs(
  { config, claims }: Pick<Rooms, 'config' | 'claims'>,
  record: UserRecord,
  roles: readonly string[],
): Promise<Who> {
  const fields = await readFields(config.userSchema, record.fields);
  const user = principalUser(record, roles, fields);
  return { user, claims: claims.of(user) };
}
