import type { Cursor, Millis, SessionId, UserId, UserPrincipal } from '@latchkey/verify';
import { failure, invalid } from '../errors.ts';
import { sortIds } from '../foundation/ids.ts';
import type { Receipt } from '../revocation/receipts.ts';
import { causeOfDeath } from '../sessions/session.ts';
import type { ReceiptHolder, SessionRecord } from '../stores/records.ts';
import type { Tables } from '../stores/store.ts';
import type { HeldSession } from './authenticate.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'store' | 'clock' | 'log' | 'tail' | 'receipts' | 'emit'>;

/** Ends the session that a request holds, and gives the receipt to whoever asked. */
export async function signOut(
  rooms: Uses,
  { id, userId }: HeldSession,
  to: ReceiptHolder | null = userId === null ? null : { user: userId },
): Promise<Receipt> {
  const { cursor } = await rooms.log.changeAlone((trust) => trust.apply('signed_out', id));
  const receipt = await receiptOf(rooms, cursor, to);
  rooms.emit({ type: 'signed_out', session: id, ...(userId === null ? {} : { user: userId }) });
  return receipt;
}

/**
 * Ends one session of the principal.
 *
 * @throws `LK_NOT_FOUND` for one that is not theirs, or has ended: which of the two is not told;
 *   `LK_UNAUTHENTICATED` where the session that asks was ended meanwhile.
 */
export async function endSession(rooms: Uses, principal: UserPrincipal, id: SessionId): Promise<Receipt> {
  const { cursor } = await rooms.log.change(async (tables, trust) => {
    // In one order, so that two sessions that end each other don't wait for each other.
    for (const held of sortIds([principal.session.id, id])) await tables.sessions.hold(held);
    await livingSession(rooms, tables, principal);
    const reading = await tables.sessions.read(id);
    if (reading === null || reading.session.userId !== principal.id) throw failure('LK_NOT_FOUND');
    if (causeOfDeath(reading, rooms.clock.now()) !== null) throw failure('LK_NOT_FOUND');
    trust.apply('session_ended', id);
  });
  rooms.emit({ type: 'session_ended', user: principal.id, session: id });
  return receiptOf(rooms, cursor, heldByUser(principal));
}

/**
 * Ends all sessions of the principal, or all but the one that asks.
 *
 * @throws `LK_UNAUTHENTICATED` where that one was ended meanwhile; `LK_REQUEST_INVALID` where
 *   it is to be spared and its login left nothing that could be.
 */
export async function endSessions(
  rooms: Uses,
  principal: UserPrincipal,
  except: 'current' | null,
): Promise<Receipt> {
  const { cursor } = await rooms.log.change(async (tables, trust) => {
    const current = await livingSession(rooms, tables, principal);
    if (except === null) return trust.apply('all_sessions_ended', principal.id);
    if (current === null) throw invalid('except', 'has nothing to spare: this login cannot be renewed');
    return trust.apply('other_sessions_ended', principal.id, current);
  });
  rooms.emit({ type: 'sessions_ended', user: principal.id, session: principal.session.id });
  return receiptOf(rooms, cursor, heldByUser(principal));
}

/**
 * The row of the session that asks, held in the transaction of what it asks for: it
 * was checked a while ago, and whoever was signed out since must not sign out others.
 * `null` for a login that leaves no row.
 *
 * @throws `LK_UNAUTHENTICATED` where it has ended.
 */
export async function livingSession(
  { config, clock }: Pick<Rooms, 'config' | 'clock'>,
  tables: Tables,
  principal: UserPrincipal,
): Promise<SessionRecord | null> {
  const reading = await tables.sessions.hold(principal.session.id);
  if (reading === null) {
    if (config.clients.get(principal.session.client)?.refresh === false) return null;
    throw failure('LK_UNAUTHENTICATED');
  }
  if (causeOfDeath(reading, clock.now()) !== null) throw failure('LK_UNAUTHENTICATED');
  return reading.session;
}

/** A receipt is given to the user who asked; to nobody where that was the operator. */
export function heldByUser(by: { readonly id: UserId } | null): ReceiptHolder | null {
  return by === null ? null : { user: by.id };
}

/**
 * The receipt of a revocation that has been committed. This process's own tail
 * confirms first, so that where nobody else follows, it is settled at once.
 *
 * @param kept as `Receipts.open`.
 * @throws {TypeError} where the change wrote no entry: there is nothing that could be confirmed.
 */
export async function receiptOf(
  rooms: Pick<Rooms, 'tail' | 'receipts'>,
  cursor: Cursor | null,
  to: ReceiptHolder | null,
  kept: Millis = 0,
): Promise<Receipt> {
  if (cursor === null) throw new TypeError('a revocation wrote nothing to the log');
  await rooms.tail.catchUp();
  return rooms.receipts.open(cursor, to, kept);
}
