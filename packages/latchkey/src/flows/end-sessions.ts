import type { Cursor, Principal, SessionId, UserId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { Receipt } from '../revocation/receipts.ts';
import type { RevocationTarget } from '../revocation/revocation-log.ts';
import { causeOfDeath } from '../sessions/session.ts';
import type { SessionReading } from '../stores/store.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'store' | 'clock' | 'log' | 'tail' | 'receipts' | 'emit'>;

/** Ends the session that a request holds. */
export async function signOut(rooms: Uses, reading: SessionReading): Promise<Receipt> {
  const { id, userId } = reading.session;
  const receipt = await revoke(rooms, { session: id }, userId);
  rooms.emit({ type: 'signed_out', session: id, ...(userId === null ? {} : { user: userId }) });
  return receipt;
}

/**
 * Ends one session of the principal.
 *
 * @throws `LK_NOT_FOUND` for one that is not theirs, or has ended: which of the two is not told.
 */
export async function endSession(rooms: Uses, principal: Principal, id: SessionId): Promise<Receipt> {
  const reading = await rooms.store.sessions.read(id);
  if (reading === null || reading.session.userId !== principal.id) throw failure('LK_NOT_FOUND');
  if (causeOfDeath(reading, rooms.clock.now()) !== null) throw failure('LK_NOT_FOUND');
  const receipt = await revoke(rooms, { session: id }, principal.id);
  rooms.emit({ type: 'session_ended', user: principal.id, session: id });
  return receipt;
}

/** Ends all sessions of the principal, or all but the one that asks. */
export async function endSessions(
  rooms: Uses,
  principal: Principal,
  except: 'current' | null,
): Promise<Receipt> {
  const { cursor } = await rooms.log.change(async (_tables, trust) => {
    if (except === 'current') await trust.revokeOthers(principal.id, principal.session.id);
    else await trust.revoke({ user: principal.id });
  });
  rooms.emit({ type: 'sessions_ended', user: principal.id, session: principal.session.id });
  return receiptOf(rooms, cursor, principal.id);
}

/** Ends whatever the target names. */
export async function revoke(rooms: Uses, target: RevocationTarget, to: UserId | null): Promise<Receipt> {
  const { cursor } = await rooms.log.change((_tables, trust) => trust.revoke(target));
  return receiptOf(rooms, cursor, to);
}

/**
 * The receipt of a revocation that has been committed. This process's own tail
 * confirms first, so that where nobody else follows, it is settled at once.
 */
export async function receiptOf(
  rooms: Pick<Rooms, 'tail' | 'receipts'>,
  cursor: Cursor | null,
  to: UserId | null,
): Promise<Receipt> {
  if (cursor === null) throw new TypeError('a revocation wrote nothing to the log');
  await rooms.tail.catchUp();
  return rooms.receipts.open(cursor, to);
}
