import type { PrincipalUser, UserId } from '@latchkey/verify';
import { failure } from './errors.ts';
import { changeRoles, findUser, setFields } from './flows/roles.ts';
import type { Rooms } from './flows/rooms.ts';
import { createUser } from './flows/set-up.ts';
import { findId } from './foundation/ids.ts';
import { toBeAnswered } from './http/problem.ts';
import { parseEmail } from './identity/email.ts';
import type { System } from './system.ts';
import type { AnyShape, Shape } from './types.ts';

/** Users, as the application manages them. */
export interface Users<S extends Shape> {
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
    readonly fields?: Partial<S['fields']>;
  }): Promise<{ readonly id: UserId }>;
  find(id: string): Promise<PrincipalUser<S['fields']> | null>;
  /** By their address, however it is written. */
  findByEmail(email: string): Promise<PrincipalUser<S['fields']> | null>;
  /**
   * Gives a role to a user, or takes it away; what was remembered of them no longer holds.
   *
   * @returns the roles that the user has then.
   * @throws `LK_NOT_FOUND`; `LK_REQUEST_INVALID` for a role that is not declared.
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
export function usersOf(open: () => Promise<System>): Users<AnyShape> {
  const idOf = (text: string): UserId => {
    const id = findId<'user'>(text);
    if (id === null) throw failure('LK_NOT_FOUND');
    return id;
  };
  /** The open rooms; what fails in them says how it is to be answered. */
  const inside = async <T>(work: (rooms: Rooms) => Promise<T> | T): Promise<T> => {
    try {
      return await work((await open()).rooms);
    } catch (error) {
      throw toBeAnswered(error);
    }
  };
  return {
    create: ({ email, password, name = null, administrator = false, fields = {} }) =>
      inside((rooms) => createUser(rooms, { email, password, name, administrator, fields: { ...fields } })),
    find: async (text) => {
      const id = findId<'user'>(text);
      return id === null ? null : await inside((rooms) => findUser(rooms, id));
    },
    findByEmail: (email) =>
      inside(async (rooms) => {
        const user = await rooms.store.users.findByEmail(parseEmail(email).key);
        return user === null ? null : await findUser(rooms, user.id);
      }),
    changeRoles: (id, { add = [], remove = [] }) =>
      inside((rooms) => changeRoles(rooms, idOf(id), { add, remove })),
    setFields: (id, fields) => inside((rooms) => setFields(rooms, idOf(id), { ...fields })),
    unlock: (email) =>
      inside(async ({ store }) => {
        const user = await store.users.findByEmail(parseEmail(email).key);
        if (user === null) throw failure('LK_NOT_FOUND');
        await store.attempts.reset(user.id);
      }),
  };
}
