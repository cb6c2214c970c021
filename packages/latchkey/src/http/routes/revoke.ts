import { TokenRefused } from '@latchkey/verify';
import { z } from 'zod';
import { isFailure } from '../../errors.ts';
import type { HeldSession } from '../../flows/authenticate.ts';
import { signOut } from '../../flows/end-sessions.ts';
import { sessionOfRefreshToken } from '../../flows/refresh.ts';
import { looksLikeRefreshToken } from '../../tokens/refresh-token.ts';
import type { Exchange } from '../exchange.ts';
import { oauthRoute, oauthText } from '../oauth.ts';
import type { Route } from '../route.ts';
import { receiptShape, writeReceipt } from '../wire.ts';

/** `POST /auth/revoke` (RFC 7009): whoever holds a token may end its session. */
export const revokeRoute: Route = oauthRoute({
  path: '/auth/revoke',
  summary: 'Revoke a refresh token or an access token: its session ends',
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
  errors: [],
  act: async (exchange, { token }) => {
    const held = await holderOf(exchange, token);
    return { receipt: held === null ? null : writeReceipt(await signOut(exchange.rooms, held)) };
  },
});

/** RFC 7009 §2.2: a token that is not good, or no longer, is no error: what was wanted is so. */
async function holderOf({ rooms, authenticator }: Exchange, token: string): Promise<HeldSession | null> {
  if (looksLikeRefreshToken(token)) {
    const session = await sessionOfRefreshToken(rooms, token);
    return session === null ? null : { id: session.id, userId: session.userId };
  }
  // For whichever of our audiences: a service that was handed one may revoke it.
  for (const audience of rooms.config.ownAudiences) {
    try {
      return await authenticator.holderOfToken(token, audience);
    } catch (error) {
      if (!isFailure(error, 'LK_TOKEN_REFUSED') && !isFailure(error, 'LK_TOKEN_EXPIRED')) throw error;
      // Only a good token of another of our audiences is worth a second look.
      const { cause } = error;
      if (!(cause instanceof TokenRefused) || cause.reason !== 'another audience') return null;
    }
  }
  return null;
}
