import { signUp } from '../../flows/sign-up.ts';
import { signUpPage } from '../../pages/sign-up.ts';
import { cookieOf, type Exchange, viewer, visitor } from '../exchange.ts';
import { safeReturnTo } from '../return-to.ts';
import { html, page, type Route, route, seeOther } from '../route.ts';
import { signedInShape, writeSignedIn } from '../wire.ts';
import { client, email, name, password } from './fields.ts';

const ACCOUNT = '/auth/account';

/** `POST /auth/sign-up`: creates a user with a password and signs them in. */
export const signUpRoute: Route = route({
  method: 'POST',
  path: '/auth/sign-up',
  summary: 'Create an account and sign in',
  tag: 'Account',
  signedIn: false,
  body: { email, password, name, client },
  query: {},
  form: {
    location: ACCOUNT,
    page: async ({ rooms }, { values, returnTo, problem }) =>
      signUpPage({
        brand: rooms.config.brand,
        values: { email: values['email'] ?? '', name: values['name'] ?? '' },
        passwordLength: rooms.config.passwordLength,
        returnTo,
        problem,
      }),
  },
  status: 201,
  answer: signedInShape,
  errors: [
    'LK_PASSWORD_REFUSED',
    'LK_CLIENT_REFUSED',
    'LK_UNAUTHENTICATED',
    'LK_EMAIL_TAKEN',
    'LK_THROTTLED',
    'LK_BUSY',
    'LK_NOT_FRESH',
  ],
  act: async (exchange, { body }) => {
    const input = { email: body.email, password: body.password, name: body.name ?? null };
    const from = await visitor(exchange, body.client);
    const signedIn = await signUp(exchange.rooms, input, from);
    return { status: 201, body: writeSignedIn(signedIn), cookie: cookieOf(signedIn, from) };
  },
});

/** `GET /auth/sign-up`: the page. */
export const signUpPageRoute: Route = page('/auth/sign-up', async (exchange: Exchange) => {
  const { rooms, url, allowed } = exchange;
  const returnTo = safeReturnTo(url.searchParams.get('return_to'), allowed, '');
  if ((await viewer(exchange)) !== null) return seeOther(returnTo === '' ? ACCOUNT : returnTo);
  return html(
    signUpPage({
      brand: rooms.config.brand,
      values: { email: '', name: '' },
      passwordLength: rooms.config.passwordLength,
      returnTo: returnTo === '' ? null : returnTo,
      problem: null,
    }),
  );
});
