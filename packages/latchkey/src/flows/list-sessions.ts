import type { Mode, SessionId, Timestamp, UserId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { OwnedSession } from '../stores/records.ts';
import type { Rooms } from './rooms.ts';

/** A living session, as an administrator sees it. */
export interface ManagedSession {
  readonly id: SessionId;
  readonly user: { readonly id: UserId; readonly email: string };
  readonly client: string;
  readonly mode: Mode;
  readonly createdAt: Timestamp;
  readonly lastSeenAt: Timestamp;
  /** The absolute limit. */
  readonly expiresAt: Timestamp;
  /** The network address at login. */
  readonly ip: string | null;
  readonly device: string | null;
  readonly acr: string | null;
  readonly amr: readonly string[];
}

/** A page of sessions, newest first. */
export interface SessionPage {
  readonly items: readonly ManagedSession[];
  /** After which the next page begins; `null` where this is the last. */
  readonly next: SessionId | null;
}

interface Wanted {
  readonly limit: number;
  readonly after: SessionId | null;
}

type Uses = Pick<Rooms, 'config' | 'clock' | 'store'>;

/** Living sessions of everybody; of those through one client where it is named. */
export async function listSessionsOfAll(
  rooms: Uses,
  client: string | null,
  { limit, after }: Wanted,
): Promise<SessionPage> {
  const { store, clock } = rooms;
  // One more than asked for tells whether there is a next page.
  return pageFrom(rooms, await store.sessions.listAll(client, clock.now(), limit + 1, after), limit);
}

/**
 * Living sessions of one user.
 *
 * @throws `LK_NOT_FOUND` where there is no such user.
 */
export async function listSessionsOf(
  rooms: Uses,
  id: UserId,
  { limit, after }: Wanted,
): Promise<SessionPage> {
  const { store, clock } = rooms;
  const user = await store.users.find(id);
  if (user === null) throw failure('LK_NOT_FOUND');
  const found = await store.sessions.list(id, clock.now(), limit + 1, after);
  const owner = { id, email: user.email };
  return pageFrom(
    rooms,
    found.map((session) => ({ ...session, owner })),
    limit,
  );
}

function pageFrom({ config }: Uses, found: readonly OwnedSession[], limit: number): SessionPage {
  const items = found.slice(0, limit).map(({ session, lastSeenAt, owner }) => ({
    id: session.id,
    user: owner,
    client: session.client,
    mode: config.clients.get(session.client)?.mode ?? ('session' as const),
    createdAt: session.createdAt,
    lastSeenAt: lastSeenAt ?? session.createdAt,
    expiresAt: session.expiresAt,
    ip: session.ip,
    device: session.device,
    acr: session.acr,
    amr: session.amr,
  }));
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
