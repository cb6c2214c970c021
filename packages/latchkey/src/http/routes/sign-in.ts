import { signIn } from '../../flows/sign-in.ts';
import { signInPage } from '../../pages/sign-in.ts';
import { cookieOf, holdsDeadCookie, viewer, visitor } from '../exchange.ts';
import { safeReturnTo } from '../return-to.ts';
import { html, page, type Route, route, seeOther } from '../route.ts';
import { signedInShape, writeSignedIn } from '../wire.ts';
import { client, email, password } from './fields.ts';

const ACCOUNT = '/auth/account';

/** `POST /auth/sign-in`: by address and password. */
export const signInRoute: Route = route({
  method: 'POST',
  path: '/auth/sign-in',
  summary: 'Sign in by address and password',
  tag: 'Account',
  signedIn: false,
  body: { email, password, client },
  query: {},
  form: {
    location: ACCOUNT,
    page: async ({ rooms }, { values, returnTo, problem }) =>
      signInPage({ brand: rooms.config.brand, values: { email: values['email'] ?? '' }, returnTo, problem }),
  },
  status: 200,
  answer: signedInShape,
  errors: [
    'LK_CLIENT_REFUSED',
    'LK_UNAUTHENTICATED',
    'LK_CREDENTIALS_REFUSED',
    'LK_THROTTLED',
    'LK_BUSY',
    'LK_NOT_FRESH',
  ],
  act: async (exchange, { body }) => {
    const from = await visitor(exchange, body.client);
    const signedIn = await signIn(exchange.rooms, body, from);
    return { status: 200, body: writeSignedIn(signedIn), cookie: cookieOf(signedIn, from) };
  },
});

/** `GET /auth/sign-in`: the page. */
export const signInPageRoute: Route = page('/auth/sign-in', async (exchange) => {
  const { rooms, url, allowed } = exchange;
  const returnTo = safeReturnTo(url.searchParams.get('return_to'), allowed, '');
  if ((await viewer(exchange)) !== null) return seeOther(returnTo === '' ? ACCOUNT : returnTo);
  return html(
    signInPage({
      brand: rooms.config.brand,
      values: { email: '' },
      returnTo: returnTo === '' ? null : returnTo,
      problem: null,
      signedOut: await holdsDeadCookie(exchange),
    }),
  );
});
