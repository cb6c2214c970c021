import { z } from 'zod';
import { disableClient, enableClient, listClients } from '../../../flows/clients.ts';
import type { Route } from '../../route.ts';
import {
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
  summary: 'Clients, the default first',
  body: {},
  query: {},
  status: 200,
  answer: clientsAnswer,
  errors: [],
  act: async ({ rooms }) => answer({ items: (await listClients(rooms)).map(writeManagedClient) }),
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
  summary: 'Let a client be used again; nothing that ended comes back',
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
export const clientRoutes: readonly Route[] = [listRoute, disableRoute, enableRoute];
