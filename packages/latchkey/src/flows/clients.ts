import type { Mode, Timestamp } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { subjectOf } from '../foundation/ids.ts';
import type { Receipt } from '../revocation/receipts.ts';
import { type Administrator, doneBy, requireStillAdministrator } from './administrator.ts';
import { heldByUser, receiptOf } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'log' | 'tail' | 'receipts' | 'access' | 'emit'>;

/** A client, as an administrator sees it. */
export interface ManagedClient {
  readonly name: string;
  /** `service`: it has a key. `configured`: people sign in through it. */
  readonly kind: 'configured' | 'service';
  /** `null` for a service, and for one that is disabled and configured no longer. */
  readonly mode: Mode | null;
  /** Whom a service answers for. */
  readonly audiences: readonly string[];
  /** When a service was created; `null` for others. */
  readonly createdAt: Timestamp | null;
  /** When a service got its key, where that is not its first. */
  readonly rotatedAt: Timestamp | null;
  /** Since when it is disabled; `null` where it is not. */
  readonly disabledAt: Timestamp | null;
}

const NO_SERVICE = { kind: 'configured', audiences: [], createdAt: null, rotatedAt: null } as const;

/**
 * Clients in the order of the configuration, the default first; after them services by their
 * names, and the disabled that the configuration no longer names.
 */
export async function listClients({
  config,
  store,
}: Pick<Uses, 'config' | 'store'>): Promise<readonly ManagedClient[]> {
  const disabled = new Map((await store.clients.listDisabled()).map((client) => [client.name, client]));
  const services = await store.services.list();
  const disabledAtOf = (name: string): Timestamp | null => disabled.get(name)?.disabledAt ?? null;
  const known = new Set([...config.clients.keys(), ...services.map(({ name }) => name)]);
  const others = [...disabled.keys()].filter((name) => !known.has(name));
  return [
    ...[...config.clients.values()].map(({ name, mode }) => ({ ...NO_SERVICE, name, mode })),
    ...services.map(({ name, audiences, createdAt, rotatedAt }) => {
      return { name, kind: 'service', mode: null, audiences, createdAt, rotatedAt } as const;
    }),
    ...others.map((name) => ({ ...NO_SERVICE, name, mode: null })),
  ].map((client) => ({ ...client, disabledAt: disabledAtOf(client.name) }));
}

/**
 * Disables a client: all that was given out through it ends at once, and nothing new is; the
 * key of a service is refused.
 *
 * @throws `LK_NOT_FOUND` where there is none; `LK_LOCKOUT` where it is the one that
 *   the administrator is signed in through; as `requireStillAdministrator`.
 */
export async function disableClient(rooms: Uses, name: string, by: Administrator): Promise<Receipt> {
  if (by?.session.client === name) throw failure('LK_LOCKOUT');
  const subject = subjectOf('client', name);
  const { cursor } = await rooms.log.change(async (tables, trust) => {
    await tables.lock('clients');
    await requireStillAdministrator(rooms, tables, by);
    if (!rooms.config.clients.has(name) && (await tables.services.hold(subject)) === null)
      throw failure('LK_NOT_FOUND');
    await tables.clients.disable({ subject, name }, rooms.clock.now());
    trust.apply('client_disabled', subject);
  });
  rooms.emit({ type: 'client_disabled', client: name, ...doneBy(by) });
  return receiptOf(rooms, cursor, heldByUser(by));
}

/**
 * Lets a client be used again, also one that is configured no longer. A service's key is good
 * again; nothing else that ended comes back (R3).
 *
 * @throws `LK_NOT_FOUND`; as `requireStillAdministrator`.
 */
export async function enableClient(rooms: Uses, name: string, by: Administrator): Promise<void> {
  const subject = subjectOf('client', name);
  const enabled = await rooms.store.transaction(async (tables) => {
    await tables.lock('clients');
    await requireStillAdministrator(rooms, tables, by);
    const disabledAt = await tables.clients.disabledAt(subject);
    if (disabledAt === null && !rooms.config.clients.has(name)) {
      if ((await tables.services.read(subject)) === null) throw failure('LK_NOT_FOUND');
    }
    await tables.clients.enable(subject);
    return disabledAt !== null;
  });
  if (enabled) rooms.emit({ type: 'client_enabled', client: name, ...doneBy(by) });
}
