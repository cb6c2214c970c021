import type { Mode, Timestamp } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { subjectOf } from '../foundation/ids.ts';
import type { Receipt } from '../revocation/receipts.ts';
import { type Administrator, doneBy, requireStillAdministrator } from './administrator.ts';
import { receiptOf } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'log' | 'tail' | 'receipts' | 'access' | 'emit'>;

/** A client, as an administrator sees it. */
export interface ManagedClient {
  readonly name: string;
  /** `null` for one that is disabled and configured no longer. */
  readonly mode: Mode | null;
  /** Since when it is disabled; `null` where it is not. */
  readonly disabledAt: Timestamp | null;
}

/** Clients in the order of the configuration, the default first; after them the disabled that it no longer names. */
export async function listClients({
  config,
  store,
}: Pick<Uses, 'config' | 'store'>): Promise<readonly ManagedClient[]> {
  const disabled = new Map((await store.clients.listDisabled()).map((client) => [client.name, client]));
  const configured = [...config.clients.values()].map(({ name, mode }) => ({
    name,
    mode,
    disabledAt: disabled.get(name)?.disabledAt ?? null,
  }));
  const others = [...disabled.values()].filter(({ name }) => !config.clients.has(name));
  return [...configured, ...others.map(({ name, disabledAt }) => ({ name, mode: null, disabledAt }))];
}

/**
 * Disables a client: all that was given out through it ends at once, and nothing new is.
 *
 * @throws `LK_NOT_FOUND` where it is not configured; `LK_LOCKOUT` where it is the one that
 *   the administrator is signed in through; as `requireStillAdministrator`.
 */
export async function disableClient(rooms: Uses, name: string, by: Administrator): Promise<Receipt> {
  const client = rooms.config.clients.get(name);
  if (client === undefined) throw failure('LK_NOT_FOUND');
  if (by?.session.client === name) throw failure('LK_LOCKOUT');
  const { cursor } = await rooms.log.change(async (tables, trust) => {
    await requireStillAdministrator(rooms, tables, by);
    await tables.clients.disable(client, rooms.clock.now());
    trust.apply('client_disabled', client.subject);
  });
  rooms.emit({ type: 'client_disabled', client: name, ...doneBy(by) });
  return receiptOf(rooms, cursor, by?.id ?? null);
}

/**
 * Lets a client be used again, also one that is configured no longer. Nothing that ended
 * comes back (R3).
 *
 * @throws `LK_NOT_FOUND`; as `requireStillAdministrator`.
 */
export async function enableClient(rooms: Uses, name: string, by: Administrator): Promise<void> {
  const subject = rooms.config.clients.get(name)?.subject ?? subjectOf('client', name);
  const enabled = await rooms.store.transaction(async (tables) => {
    await requireStillAdministrator(rooms, tables, by);
    const disabledAt = await tables.clients.disabledAt(subject);
    if (disabledAt === null && !rooms.config.clients.has(name)) throw failure('LK_NOT_FOUND');
    await tables.clients.enable(subject);
    return disabledAt !== null;
  });
  if (enabled) rooms.emit({ type: 'client_enabled', client: name, ...doneBy(by) });
}
