import type { SessionId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { sortIds, subjectOf } from '../foundation/ids.ts';
import type { AuthEvent } from '../options.ts';
import type { Receipt } from '../revocation/receipts.ts';
import type { Trust } from '../revocation/revocation-log.ts';
import type { RevocationTarget } from '../revocation/target.ts';
import { causeOfDeath } from '../sessions/session.ts';
import type { Tables } from '../stores/store.ts';
import { type Administrator, doneBy, requireStillAdministrator } from './administrator.ts';
import { heldByUser, receiptOf } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'log' | 'tail' | 'receipts' | 'access' | 'emit'>;

/** Who revokes, and why. */
export interface RevokedBy {
  readonly by: Administrator;
  /** For people who read what happened; `null` where none is given. */
  readonly reason: string | null;
}

/**
 * Ends whatever the target names, whether there is anything to end or not.
 *
 * @throws as `requireStillAdministrator`.
 */
export async function revoke(
  rooms: Uses,
  target: RevocationTarget,
  { by, reason }: RevokedBy,
): Promise<Receipt> {
  const { cursor } =
    by === null
      ? await rooms.log.changeAlone((trust) => endTarget(trust, target))
      : await rooms.log.change(async (tables, trust) => {
          if ('session' in target) await holdInOrder(tables, target.session, by);
          await requireStillAdministrator(rooms, tables, by);
          endTarget(trust, target);
        });
  rooms.emit({ ...eventOf(target), ...doneBy(by), ...(reason === null ? {} : { reason }) });
  return receiptOf(rooms, cursor, heldByUser(by));
}

/** In one order, so that two who end each other's sessions don't wait for each other. */
async function holdInOrder(tables: Tables, id: SessionId, by: Administrator): Promise<void> {
  const ids = by === null ? [id] : sortIds([id, by.session.id]);
  for (const held of ids) await tables.sessions.hold(held);
}

function endTarget(trust: Trust, target: RevocationTarget): void {
  if ('session' in target) trust.apply('session_ended', target.session);
  else if ('user' in target) trust.apply('all_sessions_ended', target.user);
  else if ('client' in target) trust.apply('client_ended', subjectOf('client', target.client));
  else trust.apply('everything_ended', '');
}

function eventOf(target: RevocationTarget): AuthEvent {
  if ('session' in target) return { type: 'session_ended', session: target.session };
  if ('user' in target) return { type: 'sessions_ended', user: target.user };
  if ('client' in target) return { type: 'client_ended', client: target.client };
  return { type: 'everything_ended' };
}

/**
 * Refuses a target that there is not: whoever mistypes one should not be told that it has ended.
 * A session that is not there may be that of a login that leaves no row, where there are such.
 *
 * @throws `LK_NOT_FOUND`.
 */
export async function requireTarget(
  { config, store, clock }: Pick<Uses, 'config' | 'store' | 'clock'>,
  target: RevocationTarget,
): Promise<void> {
  if ('user' in target && (await store.users.find(target.user)) === null) throw failure('LK_NOT_FOUND');
  if ('session' in target && (await store.sessions.read(target.session)) === null) {
    if ([...config.clients.values()].every(({ refresh }) => refresh)) throw failure('LK_NOT_FOUND');
  }
  if ('client' in target && !config.clients.has(target.client)) {
    // One that was taken out of the configuration may have left sessions behind.
    const left = await store.sessions.listAll(target.client, clock.now(), 1, null);
    if (left.length > 0) return;
    if ((await store.services.read(subjectOf('client', target.client))) === null)
      throw failure('LK_NOT_FOUND');
  }
}

/**
 * Ends one session, whosever it is.
 *
 * @throws `LK_NOT_FOUND` where there is none, or it has ended; as `requireStillAdministrator`.
 */
export async function endAnySession(rooms: Uses, id: SessionId, by: Administrator): Promise<Receipt> {
  const { result, cursor } = await rooms.log.change(async (tables, trust) => {
    await holdInOrder(tables, id, by);
    await requireStillAdministrator(rooms, tables, by);
    const reading = await tables.sessions.read(id);
    if (reading === null || causeOfDeath(reading, rooms.clock.now()) !== null) throw failure('LK_NOT_FOUND');
    trust.apply('session_ended', id);
    return reading.session.userId;
  });
  rooms.emit({
    type: 'session_ended',
    session: id,
    ...(result === null ? {} : { user: result }),
    ...doneBy(by),
  });
  return receiptOf(rooms, cursor, heldByUser(by));
}
