import type { UserId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { Receipt } from '../revocation/receipts.ts';
import type { UserRecord } from '../stores/records.ts';
import type { Tables } from '../stores/store.ts';
import {
  type Administrator,
  doneBy,
  keepAnAdministrator,
  requireStillAdministrator,
} from './administrator.ts';
import { heldByUser, receiptOf } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'log' | 'tail' | 'receipts' | 'access' | 'emit'>;

/**
 * Disables a user: all that they hold ends at once, and nothing new is given to them. Who
 * is disabled already stays so since the first time.
 *
 * @throws `LK_NOT_FOUND`; `LK_LOCKOUT`; as `requireStillAdministrator`.
 */
export async function disableUser(rooms: Uses, id: UserId, by: Administrator): Promise<Receipt> {
  const { cursor } = await rooms.log.change(async (tables, trust) => {
    // First: two who take away each other are two who come one after the other.
    await tables.lock('administrators');
    const user = await requireMayTakeAway(rooms, tables, await tables.users.hold(id), by);
    if (user.disabledAt === null) await tables.users.setDisabledAt(id, rooms.clock.now());
    trust.apply('user_disabled', id);
  });
  rooms.emit({ type: 'user_disabled', user: id, ...doneBy(by) });
  return receiptOf(rooms, cursor, heldByUser(by));
}

/**
 * Lets a user sign in again. Nothing that ended comes back (R3).
 *
 * @throws `LK_NOT_FOUND`; as `requireStillAdministrator`.
 */
export async function enableUser(rooms: Uses, id: UserId, by: Administrator): Promise<void> {
  const { result } = await rooms.log.change(async (tables, trust) => {
    const user = await tables.users.hold(id);
    await requireStillAdministrator(rooms, tables, by);
    if (user === null) throw failure('LK_NOT_FOUND');
    if (user.disabledAt === null) return 'was enabled';
    await tables.users.setDisabledAt(id, null);
    trust.apply('user_enabled', id);
    return 'enabled';
  });
  if (result === 'enabled') rooms.emit({ type: 'user_enabled', user: id, ...doneBy(by) });
}

/**
 * Deletes a user with all that belongs to them; what they hold ends at once. Their
 * address is free again, for a user with another id.
 *
 * @throws `LK_NOT_FOUND`; `LK_LOCKOUT`; as `requireStillAdministrator`.
 */
export async function deleteUser(rooms: Uses, id: UserId, by: Administrator): Promise<Receipt> {
  const { cursor } = await rooms.log.change(async (tables, trust) => {
    await tables.lock('administrators');
    const held = await tables.users.holdWithSessions(id, by?.session.id ?? null);
    await requireMayTakeAway(rooms, tables, held, by);
    await tables.users.remove(id);
    trust.apply('user_deleted', id);
  });
  rooms.emit({ type: 'user_deleted', user: id, ...doneBy(by) });
  return receiptOf(rooms, cursor, heldByUser(by));
}

/** To be asked once they are held, since the session that asks is held here. */
async function requireMayTakeAway(
  rooms: Uses,
  tables: Tables,
  user: UserRecord | null,
  by: Administrator,
): Promise<UserRecord> {
  await requireStillAdministrator(rooms, tables, by);
  if (user === null) throw failure('LK_NOT_FOUND');
  await keepAnAdministrator(tables, user.id, by);
  return user;
}
