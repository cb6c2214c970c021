import type { UserId, Values } from '@latchkey/verify';
import { ADMINISTRATOR } from '../access/access.ts';
import { failure, invalid } from '../errors.ts';
import { writeFields } from '../identity/fields.ts';
import type { Trust } from '../revocation/revocation-log.ts';
import type { Tables } from '../stores/store.ts';
import {
  type Administrator,
  doneBy,
  keepAnAdministrator,
  requireStillAdministrator,
} from './administrator.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'log' | 'access' | 'emit'>;

/** What is to be added to a user's roles, and what taken away. */
export interface RoleChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/**
 * Refuses roles that nobody can have.
 *
 * @throws `LK_REQUEST_INVALID`.
 */
export function requireDeclared({ access }: Pick<Rooms, 'access'>, roles: readonly string[]): void {
  const unknown = roles.find((role) => !access.roles.has(role));
  if (unknown !== undefined) throw invalid('roles', `knows no ${JSON.stringify(unknown)}`);
}

/**
 * Changes a user's roles. What was remembered of the user no longer holds, on any
 * node, from the moment that it is durable; no session ends.
 *
 * @throws `LK_REQUEST_INVALID` for a role that is not declared; `LK_NOT_FOUND`; `LK_LOCKOUT`
 *   where nobody could administer any more; as `requireStillAdministrator`.
 */
export async function changeRoles(
  rooms: Uses,
  id: UserId,
  change: RoleChange,
  by: Administrator,
): Promise<readonly string[]> {
  requireDeclared(rooms, change.add);
  const { add, remove } = change;
  const { result } = await rooms.log.change(async (tables, trust) => {
    if (add.includes(ADMINISTRATOR) || remove.includes(ADMINISTRATOR)) await tables.lock('administrators');
    // In the order of a sign-in: the user, then the session that asks.
    await tables.users.hold(id);
    await requireStillAdministrator(rooms, tables, by);
    if (remove.includes(ADMINISTRATOR)) await keepAnAdministrator(tables, id, by);
    // From now on there is somebody to administer, and the link that makes the first is void.
    if (add.includes(ADMINISTRATOR)) await tables.proofs.remove('setup');
    return writeRoles(tables, trust, id, change);
  });
  rooms.emit({ type: 'roles_changed', user: id, ...doneBy(by) });
  return result;
}

/**
 * Writes a change of roles in a transaction that is open, whoever is left to administer.
 *
 * @throws `LK_NOT_FOUND`.
 */
export async function writeRoles(
  tables: Tables,
  trust: Trust,
  id: UserId,
  { add, remove }: RoleChange,
): Promise<readonly string[]> {
  // Held, for who is being deleted at this moment must not be given anything.
  if ((await tables.users.hold(id)) === null) throw failure('LK_NOT_FOUND');
  for (const role of add) await tables.users.assignRole(id, role);
  // What is no longer declared can still be taken away.
  for (const role of remove) await tables.users.removeRole(id, role);
  trust.apply('roles_changed', id);
  return tables.users.roles(id);
}

/**
 * Writes a user's fields anew; those that are left out have their defaults again.
 *
 * @throws `LK_REQUEST_INVALID` where they do not fit the schema; `LK_NOT_FOUND`.
 */
export async function setFields(
  rooms: Pick<Uses, 'config' | 'log' | 'emit'>,
  id: UserId,
  fields: Values,
): Promise<void> {
  const text = await writeFields(rooms.config.userSchema, fields);
  await rooms.log.change(async (tables, trust) => {
    if (!(await tables.users.setFields(id, text))) throw failure('LK_NOT_FOUND');
    trust.apply('profile_changed', id);
  });
  rooms.emit({ type: 'fields_changed', user: id });
}
