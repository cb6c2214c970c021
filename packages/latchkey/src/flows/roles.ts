import type { PrincipalUser, UserId, Values } from '@latchkey/verify';
import { ADMINISTRATOR } from '../access/access.ts';
import { failure, invalid } from '../errors.ts';
import { readFields, writeFields } from '../identity/fields.ts';
import { principalUser } from '../sessions/session.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'store' | 'log' | 'access' | 'emit'>;

/** A user as principals show it, or `null`. */
export async function findUser({ config, store }: Uses, id: UserId): Promise<PrincipalUser | null> {
  const reading = await store.users.read(id);
  if (reading === null) return null;
  return principalUser(reading.user, reading.roles, await readFields(config.userSchema, reading.user.fields));
}

/** What is to be added to a user's roles, and what taken away. */
export interface RoleChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/**
 * Changes a user's roles. What was remembered of the user no longer holds, on any
 * node, from the moment that it is durable; no session ends.
 *
 * @throws `LK_REQUEST_INVALID` for a role that is not declared; `LK_NOT_FOUND`.
 */
export async function changeRoles(rooms: Uses, id: UserId, change: RoleChange): Promise<readonly string[]> {
  for (const role of change.add) {
    if (role !== ADMINISTRATOR && !rooms.access.roles.has(role))
      throw invalid('roles', `knows no ${JSON.stringify(role)}`);
  }
  const { result } = await rooms.log.change(async (tables, trust) => {
    if ((await tables.users.find(id)) === null) throw failure('LK_NOT_FOUND');
    for (const role of change.add) await tables.users.assignRole(id, role);
    // What is no longer declared can still be taken away.
    for (const role of change.remove) await tables.users.removeRole(id, role);
    trust.apply('roles_changed', id);
    return tables.users.roles(id);
  });
  rooms.emit({ type: 'roles_changed', user: id });
  return result;
}

/**
 * Writes a user's fields anew; those that are left out have their defaults again.
 *
 * @throws `LK_REQUEST_INVALID` where they do not fit the schema; `LK_NOT_FOUND`.
 */
export async function setFields(rooms: Uses, id: UserId, fields: Values): Promise<void> {
  const text = await writeFields(rooms.config.userSchema, fields);
  await rooms.log.change(async (tables, trust) => {
    if (!(await tables.users.setFields(id, text))) throw failure('LK_NOT_FOUND');
    trust.apply('profile_changed', id);
  });
  rooms.emit({ type: 'fields_changed', user: id });
}
