import type { SessionId, Timestamp, UserPrincipal } from '@latchkey/verify';
import { z } from 'zod';
import { failure } from '../../errors.ts';
import { endSession, endSessions } from '../../flows/end-sessions.ts';
import { findId } from '../../foundation/ids.ts';
import type { ListedSession } from '../../stores/records.ts';
import { type Exchange, requirePrincipal } from '../exchange.ts';
import { pageQuery, readPage } from '../list-page.ts';
import { type Route, route } from '../route.ts';
import { receiptShape, rfc3339, sessionsShape, writeReceipt } from '../wire.ts';

const receiptAnswer = z.object({ receipt: receiptShape });

/** One page of a principal's living sessions, newest first. */
export async function listSessions(
  { rooms }: Pick<Exchange, 'rooms'>,
  principal: UserPrincipal,
  page: { readonly limit: number; readonly after: SessionId | null },
): Promise<{
  readonly items: readonly (ListedSession & { lastSeenAt: Timestamp })[];
  readonly next: SessionId | null;
}> {
  const { store, clock } = rooms;
  const now = clock.now();
  // One more than asked for tells whether there is a next page.
  const found = await store.sessions.list(principal.id, now, page.limit + 1, page.after);
  const items = found.slice(0, page.limit).map((item) => ({
    ...item,
    // Of the session that asks, this very request is the last use.
    lastSeenAt: item.session.id === principal.session.id ? now : (item.lastSeenAt ?? item.session.createdAt),
  }));
  return { items, next: found.length > page.limit ? (items.at(-1)?.session.id ?? null) : null };
}

/** `GET /auth/sessions` */
export const listSessionsRoute: Route = route({
  method: 'GET',
  path: '/auth/sessions',
  summary: 'The sessions of who is signed in, newest first',
  tag: 'Sessions',
  signedIn: true,
  body: {},
  query: pageQuery,
  status: 200,
  answer: sessionsShape,
  errors: [],
  act: async (exchange, { query }) => {
    const principal = await requirePrincipal(exchange);
    const { items, next } = await listSessions(exchange, principal, readPage(query));
    return {
      status: 200,
      cookie: null,
      body: {
        items: items.map(({ session, lastSeenAt }) => ({
          id: session.id,
          current: session.id === principal.session.id,
          client: session.client,
          mode: exchange.rooms.config.clients.get(session.client)?.mode ?? 'session',
          created_at: rfc3339(session.createdAt),
          last_seen_at: rfc3339(lastSeenAt),
          ip: session.ip,
          device: session.device,
          acr: session.acr,
          amr: session.amr,
        })),
        next_cursor: next,
      },
    };
  },
});

/** `DELETE /auth/sessions/{id}` */
export const endSessionRoute: Route = route({
  method: 'DELETE',
  path: '/auth/sessions/{id}',
  summary: 'End one session',
  tag: 'Sessions',
  signedIn: true,
  body: {},
  query: {},
  status: 200,
  answer: receiptAnswer,
  errors: ['LK_NOT_FOUND'],
  act: async (exchange) => {
    const principal = await requirePrincipal(exchange);
    const id = findId<'session'>(exchange.params['id'] ?? '');
    if (id === null) throw failure('LK_NOT_FOUND');
    const receipt = await endSession(exchange.rooms, principal, id);
    const cookie = id === principal.session.id ? ({ value: 'clear', session: id } as const) : null;
    return { status: 200, body: { receipt: writeReceipt(receipt) }, cookie };
  },
});

/** `DELETE /auth/sessions` */
export const endSessionsRoute: Route = route({
  method: 'DELETE',
  path: '/auth/sessions',
  summary: 'End all sessions, or all but this one',
  tag: 'Sessions',
  signedIn: true,
  body: {},
  query: { except: z.enum(['current']).optional() },
  status: 200,
  answer: receiptAnswer,
  errors: [],
  act: async (exchange, { query }) => {
    const principal = await requirePrincipal(exchange);
    const receipt = await endSessions(exchange.rooms, principal, query.except ?? null);
    const { id } = principal.session;
    const cookie = query.except === undefined ? ({ value: 'clear', session: id } as const) : null;
    return { status: 200, body: { receipt: writeReceipt(receipt) }, cookie };
  },
});
