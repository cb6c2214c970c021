import { z } from 'zod';
import { ADMIN_PERMISSION } from '../../access/access.ts';
import { failure, invalid } from '../../errors.ts';
import { findId } from '../../foundation/ids.ts';
import { requirePrincipal } from '../exchange.ts';
import { type Route, route } from '../route.ts';
import { writeReceipt } from '../wire.ts';
import { anyReceiptShape, writeReceiptDetails } from '../wire-admin.ts';

/** `GET /auth/receipts/{id}`: how far a revocation has come, to whom the receipt was given, and to administrators. */
export const receiptRoute: Route = route({
  method: 'GET',
  path: '/auth/receipts/{id}',
  summary: 'How far a revocation has come',
  tag: 'Revocation',
  signedIn: true,
  body: {},
  query: {
    wait: z
      .string()
      .regex(/^\d{1,2}$/, 'is not a number of seconds')
      .optional()
      .describe('seconds, 30 at most'),
  },
  status: 200,
  answer: anyReceiptShape,
  errors: ['LK_NOT_FOUND'],
  act: async (exchange, { query }) => {
    const principal = await requirePrincipal(exchange);
    const id = findId<'receipt'>(exchange.params['id'] ?? '');
    const wait = Number(query.wait ?? 0);
    if (wait > 30) throw invalid('wait', 'may be 30 seconds at most');
    if (id === null) throw failure('LK_NOT_FOUND');
    const { rooms, authorizer } = exchange;
    if (await authorizer.can(principal, ADMIN_PERMISSION, undefined)) {
      const details = await rooms.receipts.findDetails(id, wait * 1000);
      if (details === null) throw failure('LK_NOT_FOUND');
      return { status: 200, body: writeReceiptDetails(details), cookie: null };
    }
    const receipt = await rooms.receipts.find(id, principal.id, wait * 1000);
    if (receipt === null) throw failure('LK_NOT_FOUND');
    return { status: 200, body: writeReceipt(receipt), cookie: null };
  },
});
