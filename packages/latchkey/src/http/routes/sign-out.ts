import { z } from 'zod';
import { failure } from '../../errors.ts';
import { signOut } from '../../flows/end-sessions.ts';
import { signOutPage } from '../../pages/sign-out.ts';
import { viewer } from '../exchange.ts';
import { html, page, type Route, route } from '../route.ts';
import { receiptShape, writeReceipt } from '../wire.ts';

/** `POST /auth/sign-out`: ends the session of the cookie. */
export const signOutRoute: Route = route({
  method: 'POST',
  path: '/auth/sign-out',
  summary: 'End the session',
  tag: 'Account',
  signedIn: false,
  body: {},
  query: {},
  form: {
    location: '/auth/sign-out',
    page: async ({ rooms }) => signOutPage({ brand: rooms.config.brand, signedInAs: null }),
  },
  status: 200,
  answer: z.object({ receipt: receiptShape.nullable().describe('null where the session had ended before') }),
  errors: [400, 401, 403, 503],
  act: async ({ request, authenticator, rooms }) => {
    if (rooms.cookie.find(request.headers.get('cookie')) === null && !request.headers.has('authorization')) {
      throw failure('LK_UNAUTHENTICATED');
    }
    const reading = await authenticator.holder(request.headers);
    const receipt = reading === null ? null : writeReceipt(await signOut(rooms, reading));
    return { status: 200, body: { receipt }, cookie: 'clear' };
  },
});

/** `GET /auth/sign-out`: asks, since a link must not end anything. */
export const signOutPageRoute: Route = page('/auth/sign-out', async (exchange) => {
  const principal = await viewer(exchange);
  return html(signOutPage({ brand: exchange.rooms.config.brand, signedInAs: principal?.user.email ?? null }));
});
