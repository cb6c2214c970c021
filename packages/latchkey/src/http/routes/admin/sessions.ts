import { z } from 'zod';
import { listSessionsOf, listSessionsOfAll } from '../../../flows/list-sessions.ts';
import { endAnySession } from '../../../flows/revoke.ts';
import { pageQuery, readPage } from '../../list-page.ts';
import type { Route } from '../../route.ts';
import {
  listShape,
  managedSessionShape,
  receiptDetailsShape,
  writeManagedSession,
  writeReceiptDetails,
} from '../../wire-admin.ts';
import { adminRoute, answer, idInPath } from './admin-route.ts';

const listAllRoute = adminRoute({
  method: 'GET',
  path: '/auth/admin/sessions',
  summary: 'Living sessions of all users, newest first',
  body: {},
  query: { ...pageQuery, client: z.string().optional().describe('those through this client alone') },
  status: 200,
  answer: listShape(managedSessionShape),
  errors: [],
  act: async ({ rooms }, { query }, by) => {
    const { items, next } = await listSessionsOfAll(rooms, query.client ?? null, readPage(query));
    return answer({
      items: items.map((session) => writeManagedSession(session, by.session.id)),
      next_cursor: next,
    });
  },
});

const listRoute = adminRoute({
  method: 'GET',
  path: '/auth/admin/users/{id}/sessions',
  summary: 'Living sessions of a user, newest first',
  body: {},
  query: pageQuery,
  status: 200,
  answer: listShape(managedSessionShape),
  errors: ['LK_NOT_FOUND'],
  act: async (exchange, { query }, by) => {
    const { items, next } = await listSessionsOf(exchange.rooms, idInPath(exchange), readPage(query));
    return answer({
      items: items.map((session) => writeManagedSession(session, by.session.id)),
      next_cursor: next,
    });
  },
});

const endRoute = adminRoute({
  method: 'DELETE',
  path: '/auth/admin/sessions/{id}',
  summary: 'End one session, whosever it is',
  body: {},
  query: {},
  status: 200,
  answer: z.object({ receipt: receiptDetailsShape }),
  errors: ['LK_NOT_FOUND'],
  act: async (exchange, _input, by) => {
    const id = idInPath<'session'>(exchange);
    const receipt = await endAnySession(exchange.rooms, id, by);
    const { body } = answer({ receipt: writeReceiptDetails(await receipt.details()) });
    return { status: 200, body, cookie: id === by.session.id ? { value: 'clear', session: id } : null };
  },
});

/** `/auth/admin/sessions`, and those of one user. */
export const sessionRoutes: readonly Route[] = [listAllRoute, listRoute, endRoute];
