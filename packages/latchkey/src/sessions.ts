import { type Door, idOf, type Page, type PageOptions, pageOf } from './door.ts';
import { listSessionsOf, listSessionsOfAll, type ManagedSession } from './flows/list-sessions.ts';
import { endAnySession } from './flows/revoke.ts';
import type { Receipt } from './revocation/receipts.ts';

/** Sessions of users, as the application manages them. */
export interface Sessions {
  /**
   * Living sessions, newest first: of one user, or through one client, or of all. Those
   * before login are not among them.
   *
   * @throws {TypeError} for a limit or a cursor that is none.
   */
  list(options?: PageOptions & SessionFilter): Promise<Page<ManagedSession>>;
  /**
   * Ends one session, whosever it is.
   *
   * @throws `LK_NOT_FOUND` where there is none, or it has ended.
   */
  end(id: string): Promise<Receipt>;
}

/** Whose sessions: at most one of the two. */
export type SessionFilter =
  | { readonly user: string; readonly client?: never }
  | { readonly client: string; readonly user?: never }
  | { readonly user?: never; readonly client?: never };

/** Opens the door to sessions. */
export function sessionsOf(door: Door): Sessions {
  return {
    list: ({ user, client, ...options } = {}) =>
      door(({ rooms }) => {
        const page = pageOf<'session'>(options);
        if (user === undefined) return listSessionsOfAll(rooms, client ?? null, page);
        return listSessionsOf(rooms, idOf<'user'>(user), page);
      }),
    end: (id) => door(({ rooms }) => endAnySession(rooms, idOf(id), null)),
  };
}
