import { z } from 'zod';
import { failure, isFailure } from '../../errors.ts';
import type { HeldSession } from '../../flows/authenticate.ts';
import { signOut } from '../../flows/end-sessions.ts';
import { sessionOfRefreshToken } from '../../flows/refresh.ts';
import { signOutPage } from '../../pages/sign-out.ts';
import { type Exchange, viewer } from '../exchange.ts';
import { html, page, type Route, route } from '../route.ts';
import { receiptShape, writeReceipt } from '../wire.ts';

/** `POST /auth/sign-out`: ends the session of the cookie, or of the token. */
export const signOutRoute: Route = route({
  method: 'POST',
  path: '/auth/sign-out',
  summary: 'End the session',
  tag: 'Account',
  signedIn: false,
  askers: ['anybody', 'user'],
  body: {
    refresh_token: z.string().max(4096).optional().describe('where the access token has expired'),
  },
  query: {},
  form: {
    location: '/auth/sign-out',
    page: async ({ rooms }) => signOutPage({ brand: rooms.config.brand, signedInAs: null }),
  },
  status: 200,
  answer: z.object({ receipt: receiptShape.nullable().describe('null where the session had ended before') }),
  errors: ['LK_UNAUTHENTICATED'],
  act: async (exchange, { body }) => {
    const held = await heldBy(exchange, body.refresh_token ?? null);
    const receipt = held === null ? null : writeReceipt(await signOut(exchange.rooms, held));
    return { status: 200, body: { receipt }, cookie: { value: 'clear', session: held?.id ?? null } };
  },
});

/**
 * The session that ends, or `null` where it has ended before. A refresh token
 * counts where nothing better was sent.
 */
async function heldBy(
  { request: { headers }, authenticator, rooms }: Exchange,
  refreshToken: string | null,
): Promise<HeldSession | null> {
  const inHeaders = headers.has('authorization') || rooms.cookie.find(headers.get('cookie')) !== null;
  if (refreshToken === null && !inHeaders) throw failure('LK_UNAUTHENTICATED');
  if (refreshToken === null) return await authenticator.holder(headers);
  try {
    const held = inHeaders ? await authenticator.holder(headers) : null;
    if (held !== null) return held;
  } catch (error) {
    if (!isFailure(error, 'LK_TOKEN_EXPIRED')) throw error;
  }
  return await sessionOfRefreshToken(rooms, refreshToken);
}

/** `GET /auth/sign-out`: asks, since a link must not end anything. */
export const signOutPageRoute: Route = page('/auth/sign-out', async (exchange) => {
  const person = await viewer(exchange);
  return html(signOutPage({ brand: exchange.rooms.config.brand, signedInAs: person?.user.email ?? null }));
});
