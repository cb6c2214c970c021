import { z } from 'zod';
import { invalid } from '../../../errors.ts';
import { changeRoles } from '../../../flows/roles.ts';
import { deleteUser, disableUser, enableUser } from '../../../flows/user-life.ts';
import { createUser, getUser, listUsers, unlockUser } from '../../../flows/users.ts';
import { pageQuery, readPage } from '../../list-page.ts';
import type { Route } from '../../route.ts';
import {
  listShape,
  managedUserShape,
  receiptDetailsShape,
  writeManagedUser,
  writeReceiptDetails,
} from '../../wire-admin.ts';
import { email, name, password } from '../fields.ts';
import { adminRoute, answer, idInPath } from './admin-route.ts';

const userAnswer = z.object({ user: managedUserShape });
const receiptAnswer = z.object({ receipt: receiptDetailsShape });
const roles = z.array(z.string().max(200)).max(100, 'may be 100 at most').optional();

const listRoute = adminRoute({
  method: 'GET',
  path: '/auth/admin/users',
  summary: 'Users in the order of their creation, or those who are searched for',
  body: {},
  query: {
    ...pageQuery,
    search: z.string().optional().describe('how the address or the name begins'),
  },
  status: 200,
  answer: listShape(managedUserShape),
  errors: [],
  act: async ({ rooms }, { query }) => {
    const page = { search: query.search ?? '', ...readPage<'user'>(query) };
    const { items, next } = await listUsers(rooms, page);
    return answer({ items: items.map(writeManagedUser), next_cursor: next });
  },
});

const createRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/users',
  summary: 'Create a user with a password',
  body: { email, password, name, roles },
  query: {},
  status: 201,
  answer: userAnswer,
  errors: ['LK_EMAIL_TAKEN', 'LK_PASSWORD_REFUSED', 'LK_BUSY'],
  act: async ({ rooms }, { body }, by) => {
    const input = { ...body, name: body.name ?? null, roles: body.roles ?? [] };
    const { id } = await createUser(rooms, input, by);
    return answer({ user: writeManagedUser(await getUser(rooms, id)) }, 201);
  },
});

const readRoute = adminRoute({
  method: 'GET',
  path: '/auth/admin/users/{id}',
  summary: 'A user',
  body: {},
  query: {},
  status: 200,
  answer: userAnswer,
  errors: ['LK_NOT_FOUND'],
  act: async (exchange) =>
    answer({ user: writeManagedUser(await getUser(exchange.rooms, idInPath(exchange))) }),
});

const deleteRoute = adminRoute({
  method: 'DELETE',
  path: '/auth/admin/users/{id}',
  summary: 'Delete a user with all that belongs to them: what they hold ends at once',
  body: {},
  query: {},
  status: 200,
  answer: receiptAnswer,
  errors: ['LK_NOT_FOUND', 'LK_LOCKOUT'],
  act: async (exchange, _input, by) => {
    const receipt = await deleteUser(exchange.rooms, idInPath(exchange), by);
    return answer({ receipt: writeReceiptDetails(await receipt.details()) });
  },
});

const disableRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/users/{id}/disable',
  summary: 'Disable a user: all that they hold ends at once, and nothing new is given to them',
  body: {},
  query: {},
  status: 200,
  answer: receiptAnswer,
  errors: ['LK_NOT_FOUND', 'LK_LOCKOUT'],
  act: async (exchange, _input, by) => {
    const receipt = await disableUser(exchange.rooms, idInPath(exchange), by);
    return answer({ receipt: writeReceiptDetails(await receipt.details()) });
  },
});

const enableRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/users/{id}/enable',
  summary: 'Let a user sign in again; nothing that ended comes back',
  body: {},
  query: {},
  status: 200,
  answer: userAnswer,
  errors: ['LK_NOT_FOUND'],
  act: async (exchange, _input, by) => {
    const id = idInPath<'user'>(exchange);
    await enableUser(exchange.rooms, id, by);
    return answer({ user: writeManagedUser(await getUser(exchange.rooms, id)) });
  },
});

const unlockRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/users/{id}/unlock',
  summary: 'Let a password be tried again that had failed too often',
  body: {},
  query: {},
  status: 200,
  answer: userAnswer,
  errors: ['LK_NOT_FOUND'],
  act: async (exchange, _input, by) => {
    const id = idInPath<'user'>(exchange);
    await unlockUser(exchange.rooms, id, by);
    return answer({ user: writeManagedUser(await getUser(exchange.rooms, id)) });
  },
});

const rolesRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/users/{id}/roles',
  summary: 'Give roles to a user, or take them away',
  body: { add: roles, remove: roles },
  query: {},
  status: 200,
  answer: userAnswer,
  errors: ['LK_NOT_FOUND', 'LK_LOCKOUT'],
  act: async (exchange, { body: { add = [], remove = [] } }, by) => {
    if (add.length + remove.length === 0) throw invalid('', 'the body names no role');
    const id = idInPath<'user'>(exchange);
    await changeRoles(exchange.rooms, id, { add, remove }, by);
    return answer({ user: writeManagedUser(await getUser(exchange.rooms, id)) });
  },
});

/** `/auth/admin/users` and below. */
export const userRoutes: readonly Route[] = [
  listRoute,
  createRoute,
  readRoute,
  deleteRoute,
  disableRoute,
  enableRoute,
  unlockRoute,
  rolesRoute,
];
