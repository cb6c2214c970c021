import type { Receipt } from '../revocation/receipts.ts';
import type { ServiceClient } from './authenticate-client.ts';
import { receiptOf, signOut } from './end-sessions.ts';
import { inspectToken, isForClient } from './inspect-token.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<
  Rooms,
  'config' | 'clock' | 'store' | 'log' | 'tail' | 'claims' | 'signingKeys' | 'receipts' | 'emit'
>;

/**
 * Revokes a token for a service (RFC 7009): one of a user that is addressed to it, whose session
 * ends; or one of its own, with all that it got for itself. `null` for anything else, where
 * nothing is revoked, and which is not told apart.
 *
 * @throws as `inspectToken`.
 */
export async function revokeForClient(
  rooms: Uses,
  client: ServiceClient,
  text: string,
): Promise<Receipt | null> {
  const inspected = await inspectToken(rooms, text, (token) =>
    token.kind === 'client' ? token.client === client.name : isForClient(token, client),
  );
  if (inspected === null) return null;
  const { token } = inspected;
  const holder = { client: client.name };
  if (token.kind === 'user')
    return await signOut(rooms, { id: token.session, userId: token.subject }, holder);
  const { cursor } = await rooms.log.change(async (_tables, trust) =>
    trust.apply('client_ended', client.subject),
  );
  rooms.emit({ type: 'client_ended', client: client.name });
  return await receiptOf(rooms, cursor, holder);
}
