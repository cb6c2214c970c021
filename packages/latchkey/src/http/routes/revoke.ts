import { z } from 'zod';
import { isFailure } from '../../errors.ts';
import type { HeldSession } from '../../flows/authenticate.ts';
import { claimedBy } from '../../flows/check-token.ts';
import { signOut } from '../../flows/end-sessions.ts';
import { sessionOfRefreshToken } from '../../flows/refresh.ts';
import { revokeForClient } from '../../flows/revoke-token.ts';
import type { Receipt } from '../../revocation/receipts.ts';
import { looksLikeRefreshToken } from '../../tokens/refresh-token.ts';
import type { Exchange } from '../exchange.ts';
import { oauthRoute, oauthText } from '../oauth.ts';
import type { Route } from '../route.ts';
import { presentsClientKey, requireServiceClient } from '../service-client.ts';
import { receiptShape, writeReceipt } from '../wire.ts';

/**
 * `POST /auth/revoke` (RFC 7009): whoever holds a token of a user may end its session; a service that
 * shows its key, those addressed to it alone, and what it got for itself.
 */
export const revokeRoute: Route = oauthRoute({
  path: '/auth/revoke',
  summary: 'Revoke a refresh token or an access token: its session ends',
  askers: ['anybody', 'service'],
  body: {
    token: oauthText,
    token_type_hint: z
      .unknown()
      .optional()
      .describe('never read (RFC 7009 §2.1): a token says itself what it is'),
  },
  answer: z.object({
    receipt: receiptShape.nullable().describe('null where nothing was to be revoked (RFC 7009 §2.2)'),
  }),
  errors: ['LK_UNAUTHENTICATED'],
  act: async (exchange, { token }) => {
    const receipt = await receiptFor(exchange, token);
    return { receipt: receipt === null ? null : writeReceipt(receipt) };
  },
});

/** RFC 7009 §2.2: a token that is not good, or no longer, is no error: what was wanted is so. */
async function receiptFor(exchange: Exchange, token: string): Promise<Receipt | null> {
  const { rooms, request } = exchange;
  // RFC 7009 §2.1: whoever has a key shows it, also for what was issued to a client with a key.
  // Any other credential is a user's, which proves no more than the one in the body.
  if (presentsClientKey(request) || claimedBy(token).client !== null)
    return await revokeForClient(rooms, await requireServiceClient(exchange), token);
  const held = await holderOf(exchange, token);
  return held === null ? null : await signOut(rooms, held);
}

async function holderOf({ rooms, authenticator }: Exchange, token: string): Promise<HeldSession | null> {
  if (looksLikeRefreshToken(token)) {
    const session = await sessionOfRefreshToken(rooms, token);
    return session === null ? null : { id: session.id, userId: session.userId };
  }
  try {
    // For whichever of our audiences: whoever was handed one may revoke it.
    return await authenticator.holderOfToken(token, null);
  } catch (error) {
    if (isFailure(error, 'LK_TOKEN_REFUSED') || isFailure(error, 'LK_TOKEN_EXPIRED')) return null;
    throw error;
  }
}
