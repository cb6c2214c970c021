import type { PrincipalUser, Timestamp, UserId } from '@latchkey/verify';
import { ADMINISTRATOR } from '../access/access.ts';
import { failure, invalid } from '../errors.ts';
import { emailKeyOf } from '../identity/email.ts';
import { readFields } from '../identity/fields.ts';
import { principalUser } from '../sessions/session.ts';
import type { ListedUser } from '../stores/records.ts';
import { type Administrator, doneBy, requireStillAdministrator } from './administrator.ts';
import { requireDeclared } from './roles.ts';
import type { Rooms } from './rooms.ts';
import type { LoginRooms } from './sign-in.ts';
import { type NewUser, prepareUser } from './sign-up.ts';

/** A user as principals show it, with what concerns who manages them. */
export type ManagedUser<Fields = PrincipalUser['fields']> = PrincipalUser<Fields> & {
  readonly createdAt: Timestamp;
  /** Since when the user is disabled; `null` where they are not. */
  readonly disabledAt: Timestamp | null;
};

type Uses = Pick<Rooms, 'config' | 'store'>;

async function managed({ config }: Pick<Uses, 'config'>, { user, roles }: ListedUser): Promise<ManagedUser> {
  const shown = principalUser(user, roles, await readFields(config.userSchema, user.fields));
  return Object.freeze({ ...shown, createdAt: user.createdAt, disabledAt: user.disabledAt });
}

/** A user, or `null`. */
export async function findUser(rooms: Uses, id: UserId): Promise<ManagedUser | null> {
  const reading = await rooms.store.users.read(id);
  return reading === null ? null : managed(rooms, reading);
}

/**
 * A user.
 *
 * @throws `LK_NOT_FOUND`.
 */
export async function getUser(rooms: Uses, id: UserId): Promise<ManagedUser> {
  const user = await findUser(rooms, id);
  if (user === null) throw failure('LK_NOT_FOUND');
  return user;
}

/** A page of users, in the order of their creation. */
export interface UserPage {
  readonly items: readonly ManagedUser[];
  /** After whom the next page begins; `null` where this is the last. */
  readonly next: UserId | null;
}

/** Text that no address and no name begins with, and that a database may not take as text. */
const NO_TEXT = /\p{Cc}|\p{Cs}/u;

/**
 * Users whose address or name begins as `search` does, all for an empty one.
 *
 * @throws `LK_REQUEST_INVALID` for what no address and no name begins with.
 */
export async function listUsers(
  rooms: Uses,
  {
    search,
    limit,
    after,
  }: { readonly search: string; readonly limit: number; readonly after: UserId | null },
): Promise<UserPage> {
  const name = search.normalize('NFC').trim();
  if (NO_TEXT.test(name)) throw invalid('search', 'must not hold control characters');
  if (Buffer.byteLength(name) > 1_000) throw invalid('search', 'is too long');
  const found = await rooms.store.users.list({ emailKey: emailKeyOf(name), name }, limit + 1, after);
  const items = await Promise.all(found.slice(0, limit).map((user) => managed(rooms, user)));
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}

/**
 * Creates a user without signing them in.
 *
 * @throws `LK_REQUEST_INVALID`, also for a role that is not declared; `LK_EMAIL_TAKEN`,
 *   `LK_PASSWORD_REFUSED`, `LK_BUSY`; as `requireStillAdministrator`.
 */
export async function createUser(
  rooms: LoginRooms & Pick<Rooms, 'access'>,
  input: NewUser & { readonly roles: readonly string[] },
  by: Administrator,
): Promise<{ readonly id: UserId }> {
  requireDeclared(rooms, input.roles);
  const user = await prepareUser(rooms, input, 'administration');
  const administrator = input.roles.includes(ADMINISTRATOR);
  await rooms.store.transaction(async (tables) => {
    // Before any row, as everyone who asks for it does.
    if (administrator) await tables.lock('administrators');
    // Before the session that asks is held, as a sign-up does; undone where they may not.
    await user.write(tables);
    await requireStillAdministrator(rooms, tables, by);
    for (const role of input.roles) await tables.users.assignRole(user.id, role);
    if (administrator) await tables.proofs.remove('setup');
  });
  const type = administrator ? 'administrator_created' : 'user_created';
  rooms.emit({ type, user: user.id, ...doneBy(by) });
  return { id: user.id };
}

/**
 * Lets a password be tried again that had failed too often.
 *
 * @throws `LK_NOT_FOUND`; as `requireStillAdministrator`.
 */
export async function unlockUser(
  rooms: Pick<Rooms, 'config' | 'clock' | 'store' | 'access' | 'emit'>,
  id: UserId,
  by: Administrator,
): Promise<void> {
  await rooms.store.transaction(async (tables) => {
    const user = await tables.users.hold(id);
    // Undone where it turns out that they may not.
    await tables.attempts.reset(id);
    await requireStillAdministrator(rooms, tables, by);
    if (user === null) throw failure('LK_NOT_FOUND');
  });
  rooms.emit({ type: 'user_unlocked', user: id, ...doneBy(by) });
}
