import { z } from 'zod';
import { ADMIN_PERMISSION } from '../../access/access.ts';
import { failure, invalid } from '../../errors.ts';
import { findId } from '../../foundation/ids.ts';
import type { ReceiptId } from '../../stores/records.ts';
import { type Exchange, requirePrincipal } from '../exchange.ts';
import { type Route, route } from '../route.ts';
import { presentsClientKey, requireServiceClient } from '../service-client.ts';
import { writeReceipt } from '../wire.ts';
import { anyReceiptShape, writeReceiptDetails } from '../wire-admin.ts';

/** `GET /auth/receipts/{id}`: how far a revocation has come, to whom the receipt was given, and to administrators. */
export const receiptRoute: Route = route({
  method: 'GET',
  path: '/auth/receipts/{id}',
  summary: 'How far a revocation has come',
  tag: 'Revocation',
  signedIn: true,
  askers: ['user', 'service'],
  guard: async (exchange) =>
    presentsClientKey(exchange.request)
      ? await requireServiceClient(exchange)
      : await requirePrincipal(exchange),
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
    const id = findId<'receipt'>(exchange.params['id'] ?? '');
    const wait = Number(query.wait ?? 0);
    if (wait > 30) throw invalid('wait', 'may be 30 seconds at most');
    const body = id === null ? null : await stateOf(exchange, id, wait * 1_000);
    if (body === null) throw failure('LK_NOT_FOUND');
    return { status: 200, body, cookie: null };
  },
});

type AnyReceipt = z.infer<typeof anyReceiptShape>;

/** As whoever asks may see it; `null` where it was given to somebody else. */
async function stateOf(exchange: Exchange, id: ReceiptId, wait: number): Promise<AnyReceipt | null> {
  const { rooms, authorizer } = exchange;
  if (presentsClientKey(exchange.request)) {
    const { name: client } = await requireServiceClient(exchange);
    const receipt = await rooms.receipts.find(id, { client }, wait);
    return receipt === null ? null : writeReceipt(receipt);
  }
  const principal = await requirePrincipal(exchange);
  if (await authorizer.can(principal, ADMIN_PERMISSION, undefined)) {
    const details = await rooms.receipts.findDetails(id, wait);
    return details === null ? null : writeReceiptDetails(details);
  }
  const receipt = await rooms.receipts.find(id, { user: principal.id }, wait);
  return receipt === null ? null : writeReceipt(receipt);
}
