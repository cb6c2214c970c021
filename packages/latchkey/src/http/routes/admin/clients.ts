import { z } from 'zod';
import { disableClient, enableClient, listClients } from '../../../flows/clients.ts';
import { createServiceClient, rotateClientKey } from '../../../flows/service-clients.ts';
import type { Route } from '../../route.ts';
import {
  clientKeyShape,
  managedClientShape,
  receiptDetailsShape,
  writeManagedClient,
  writeReceiptDetails,
} from '../../wire-admin.ts';
import { adminRoute, answer } from './admin-route.ts';

const clientsAnswer = z.object({ items: z.array(managedClientShape) });

const listRoute = adminRoute({
  method: 'GET',
  path: '/auth/admin/clients',
  summary: 'Clients, the default first, and services',
  body: {},
  query: {},
  status: 200,
  answer: clientsAnswer,
  errors: [],
  act: async ({ rooms }) => answer({ items: (await listClients(rooms)).map(writeManagedClient) }),
});

const createRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/clients',
  summary: 'Create a client with a key: a service that answers for audiences',
  body: {
    name: z.string('must be text'),
    audiences: z.array(z.string('must be text'), 'must be a list').describe('one at least'),
  },
  query: {},
  status: 201,
  answer: z.object({ name: z.string(), key: clientKeyShape }),
  errors: ['LK_CLIENT_EXISTS'],
  act: async ({ rooms }, { body }, by) => {
    const { name, key } = await createServiceClient(rooms, body, by);
    return answer({ name, key: key.reveal() }, 201);
  },
});

const rotateRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/clients/{name}/rotate',
  summary:
    'Give a service another key; the one before ends with all that was given out for it, unless it has a grace',
  body: {
    grace_in: z
      .int('must be a whole number of seconds')
      .min(0, 'must be 0 at least')
      .max(7 * 86_400, 'must be 7 days at most')
      .optional()
      .describe('how many seconds the key before is good for; left out, it ends at once'),
  },
  query: {},
  status: 200,
  answer: z.object({ name: z.string(), key: clientKeyShape, receipt: receiptDetailsShape }),
  errors: ['LK_NOT_FOUND'],
  act: async ({ rooms, params }, { body }, by) => {
    const wanted = { name: params['name'] ?? '', grace: (body.grace_in ?? 0) * 1_000 };
    const { name, key, receipt } = await rotateClientKey(rooms, wanted, by);
    return answer({ name, key: key.reveal(), receipt: writeReceiptDetails(await receipt.details()) });
  },
});

const disableRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/clients/{name}/disable',
  summary: 'Disable a client: all that was given out through it ends at once, and nothing new is',
  body: {},
  query: {},
  status: 200,
  answer: z.object({ receipt: receiptDetailsShape }),
  errors: ['LK_NOT_FOUND', 'LK_LOCKOUT'],
  act: async ({ rooms, params }, _input, by) => {
    const receipt = await disableClient(rooms, params['name'] ?? '', by);
    return answer({ receipt: writeReceiptDetails(await receipt.details()) });
  },
});

const enableRoute = adminRoute({
  method: 'POST',
  path: '/auth/admin/clients/{name}/enable',
  summary: "Let a client be used again: a service's key is good again, nothing else that ended comes back",
  body: {},
  query: {},
  status: 200,
  answer: clientsAnswer,
  errors: ['LK_NOT_FOUND'],
  act: async ({ rooms, params }, _input, by) => {
    await enableClient(rooms, params['name'] ?? '', by);
    return answer({ items: (await listClients(rooms)).map(writeManagedClient) });
  },
});

/** `/auth/admin/clients` and below. */
export const clientRoutes: readonly Route[] = [
  listRoute,
  createRoute,
  rotateRoute,
  disableRoute,
  enableRoute,
];
