import type { PrincipalUser } from '@latchkey/verify';
import { ADMINISTRATOR } from './access/access.ts';
import { type Door, idOf, type Page, type PageOptions, pageOf } from './door.ts';
import { failure } from './errors.ts';
import { changeRoles, setFields } from './flows/roles.ts';
import { deleteUser, disableUser, enableUser } from './flows/user-life.ts';
import { createUser, findUser, listUsers, type ManagedUser, unlockUser } from './flows/users.ts';
import { findId } from './foundation/ids.ts';
import { parseEmail } from './identity/email.ts';
import type { Receipt } from './revocation/receipts.ts';
import type { AnyShape, Shape } from './types.ts';

/** Users, as the application manages them. */
export interface Users<S extends Shape> {
  /**
   * Users in the order of their creation, or those alone whose address or name begins as `search` does.
   *
   * @throws `LK_REQUEST_INVALID` for a search that no address and no name begins with.
   * @throws {TypeError} for a limit or a cursor that is none.
   */
  list(options?: PageOptions & { readonly search?: string }): Promise<Page<ManagedUser<S['fields']>>>;
  /**
   * Creates a user with a password.
   *
   * @throws `LK_EMAIL_TAKEN`, `LK_PASSWORD_REFUSED`, `LK_REQUEST_INVALID`, `LK_BUSY`.
   */
  create(user: {
    readonly email: string;
    readonly password: string;
    readonly name?: string | null;
    readonly administrator?: boolean;
    readonly roles?: readonly RoleIn<S>[];
    readonly fields?: Partial<S['fields']>;
  }): Promise<{ readonly id: PrincipalUser['id'] }>;
  find(id: string): Promise<ManagedUser<S['fields']> | null>;
  /** By their address, however it is written. */
  findByEmail(email: string): Promise<ManagedUser<S['fields']> | null>;
  /**
   * Disables a user: all that they hold ends at once, and nothing new is given to them.
   *
   * @throws `LK_NOT_FOUND`; `LK_LOCKOUT` for the last enabled administrator.
   */
  disable(id: string): Promise<Receipt>;
  /**
   * Lets a user sign in again. Nothing that ended comes back.
   *
   * @throws `LK_NOT_FOUND`.
   */
  enable(id: string): Promise<void>;
  /**
   * Deletes a user with all that belongs to them; what they hold ends at once.
   *
   * @throws `LK_NOT_FOUND`; `LK_LOCKOUT` for the last enabled administrator.
   */
  delete(id: string): Promise<Receipt>;
  /**
   * Gives a role to a user, or takes it away; what was remembered of them no longer holds.
   *
   * @returns the roles that the user has then.
   * @throws `LK_NOT_FOUND`; `LK_REQUEST_INVALID` for a role that is not declared; `LK_LOCKOUT`
   *   where the last enabled administrator would be none.
   */
  changeRoles(
    id: string,
    change: { readonly add?: readonly RoleIn<S>[]; readonly remove?: readonly string[] },
  ): Promise<readonly string[]>;
  /**
   * Writes a user's fields anew; those left out have their defaults again.
   *
   * @throws `LK_NOT_FOUND`; `LK_REQUEST_INVALID` where they do not fit the schema.
   */
  setFields(id: string, fields: Partial<S['fields']>): Promise<void>;
  /**
   * Lets a password be tried again that had failed too often.
   *
   * @throws `LK_NOT_FOUND` where no user has the address.
   */
  unlock(email: string): Promise<void>;
}

type RoleIn<S extends Shape> = S['role'] | 'administrator';

/** Opens the door to users. */
export function usersOf(door: Door): Users<AnyShape> {
  return {
    list: ({ search = '', ...page } = {}) =>
      door(({ rooms }) => listUsers(rooms, { search, ...pageOf<'user'>(page) })),
    create: ({ email, password, name = null, administrator = false, roles = [], fields = {} }) =>
      door(({ rooms }) => {
        const all = [...new Set([...roles, ...(administrator ? [ADMINISTRATOR] : [])])];
        return createUser(rooms, { email, password, name, roles: all, fields: { ...fields } }, null);
      }),
    find: (text) =>
      door(({ rooms }) => {
        const id = findId<'user'>(text);
        return id === null ? null : findUser(rooms, id);
      }),
    findByEmail: (email) =>
      door(async ({ rooms }) => {
        const user = await rooms.store.users.findByEmail(parseEmail(email).key);
        return user === null ? null : await findUser(rooms, user.id);
      }),
    disable: (id) => door(({ rooms }) => disableUser(rooms, idOf(id), null)),
    enable: (id) => door(({ rooms }) => enableUser(rooms, idOf(id), null)),
    delete: (id) => door(({ rooms }) => deleteUser(rooms, idOf(id), null)),
    changeRoles: (id, { add = [], remove = [] }) =>
      door(({ rooms }) => changeRoles(rooms, idOf(id), { add, remove }, null)),
    setFields: (id, fields) => door(({ rooms }) => setFields(rooms, idOf(id), { ...fields })),
    unlock: (email) =>
      door(async ({ rooms }) => {
        const user = await rooms.store.users.findByEmail(parseEmail(email).key);
        if (user === null) throw failure('LK_NOT_FOUND');
        await unlockUser(rooms, user.id, null);
      }),
  };
}
