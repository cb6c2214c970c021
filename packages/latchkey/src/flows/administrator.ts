import type { Entry, Position, UserId, UserPrincipal } from '@latchkey/verify';
import { ADMIN_PERMISSION, ADMINISTRATOR } from '../access/access.ts';
import { failure } from '../errors.ts';
import { subjectOf } from '../foundation/ids.ts';
import type { AuthEvent } from '../options.ts';
import type { UserReading } from '../stores/records.ts';
import type { Tables } from '../stores/store.ts';
import { livingSession } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';

/**
 * Who changes something of others: a person who is signed in, or `null` for the application itself and the command.
 *
 * `judgedTo` is where the log stood when they were found good, of a login that leaves no row:
 * whatever ended it since stands above. `null` of any other, of which its row says it.
 */
export type Administrator = (UserPrincipal & { readonly judgedTo: Position | null }) | null;

/** What an event says of who did it. */
export function doneBy(by: Administrator): Pick<AuthEvent, 'by'> {
  return by === null ? {} : { by: by.id };
}

/**
 * Asks again in the transaction of what an administrator does: they were checked a while
 * ago, maybe by another node, and whoever lost the right since must not use it.
 *
 * @throws `LK_UNAUTHENTICATED` where they are signed out, disabled or gone; `LK_FORBIDDEN`
 *   where they may not any more.
 */
export async function requireStillAdministrator(
  rooms: Pick<Rooms, 'config' | 'clock' | 'access'>,
  tables: Tables,
  by: Administrator,
): Promise<void> {
  if (by === null) return;
  const session = await livingSession(rooms, tables, by);
  const reading = await tables.users.read(by.id);
  if (session === null) await requireNotRevoked(rooms, tables, by, reading);
  // Said here as well for a login that leaves no row.
  if (reading === null || reading.user.disabledAt !== null) throw failure('LK_UNAUTHENTICATED');
  const { id, acr, authTime } = by;
  const subject = { id, roles: reading.roles, fields: {}, acr, authTime };
  if (!rooms.access.allows(subject, ADMIN_PERMISSION, undefined, rooms.clock.now()))
    throw failure('LK_FORBIDDEN', { permission: ADMIN_PERMISSION });
}

/**
 * Of a login that leaves no row: floors say whether trust in it ended since it was judged,
 * and the log whether it was ended by itself, for as long as its token could be good.
 *
 * @throws `LK_UNAUTHENTICATED`.
 */
async function requireNotRevoked(
  { config }: Pick<Rooms, 'config'>,
  tables: Tables,
  { judgedTo, session: { id, client } }: NonNullable<Administrator>,
  reading: UserReading | null,
): Promise<void> {
  const subject = config.clients.get(client)?.subject ?? subjectOf('client', client);
  const floors = [reading?.floor ?? null, await tables.log.floor('client', subject)];
  if (judgedTo === null || floors.some((floor) => floor !== null && floor > judgedTo))
    throw failure('LK_UNAUTHENTICATED');
  const ended: Entry = { seq: 0, kind: 'revoke', scope: 'session', subject: id, expiresAt: 0 };
  if (await tables.log.holds(ended, 0)) throw failure('LK_UNAUTHENTICATED');
}

/**
 * Refuses what would leave nobody to administer: to take away the last enabled
 * administrator, and from a person who is signed in, themselves. Whoever calls it has the
 * lock of that name, so that two administrators cannot take away each other.
 *
 * @throws `LK_LOCKOUT`.
 */
export async function keepAnAdministrator(tables: Tables, id: UserId, by: Administrator): Promise<void> {
  if (by?.id === id) throw failure('LK_LOCKOUT');
  const reading = await tables.users.read(id);
  if (reading === null || reading.user.disabledAt !== null) return;
  if (!reading.roles.includes(ADMINISTRATOR)) return;
  if ((await tables.users.countEnabledWithRole(ADMINISTRATOR)) === 1) throw failure('LK_LOCKOUT');
}
