import { reauthenticate } from '../../flows/prove-again.ts';
import { reauthenticatePage } from '../../pages/reauthenticate.ts';
import { requireHolder, requirePerson, viewer } from '../exchange.ts';
import { safeReturnTo } from '../return-to.ts';
import { html, page, type Route, route, seeOther } from '../route.ts';
import { principalShape, writePrincipal } from '../wire.ts';
import { password } from './fields.ts';

/** `POST /auth/reauthenticate`: `auth_time` is now, and the session has a new secret. */
export const reauthenticateRoute: Route = route({
  method: 'POST',
  path: '/auth/reauthenticate',
  summary: 'Prove again who is there',
  tag: 'Account',
  signedIn: true,
  body: { password },
  query: {},
  form: {
    location: '/auth/account?done=reauthenticated',
    page: async (exchange, { returnTo, problem }) => {
      const { user } = await requirePerson(exchange);
      const { brand } = exchange.rooms.config;
      return reauthenticatePage({ brand, signedInAs: user.email, returnTo, problem });
    },
  },
  status: 200,
  answer: principalShape,
  errors: ['LK_CLIENT_REFUSED', 'LK_CREDENTIALS_REFUSED', 'LK_THROTTLED', 'LK_BUSY', 'LK_NOT_FRESH'],
  act: async (exchange, { body }) => {
    const holder = await requireHolder(exchange);
    const { principal, cookie } = await reauthenticate(exchange.rooms, holder, body.password, exchange.ip);
    const { user, session } = principal;
    const { via } = holder.principal;
    return {
      status: 200,
      body: { ...writePrincipal({ principal, user, session }), via },
      cookie: cookie === null ? null : { value: cookie, session: session.id },
    };
  },
});

/** `GET /auth/reauthenticate`: the page. */
export const reauthenticatePageRoute: Route = page('/auth/reauthenticate', async (exchange) => {
  const person = await viewer(exchange);
  const returnTo = safeReturnTo(exchange.url.searchParams.get('return_to'), exchange.allowed, '');
  if (person === null) return seeOther('/auth/sign-in');
  return html(
    reauthenticatePage({
      brand: exchange.rooms.config.brand,
      signedInAs: person.user.email,
      returnTo: returnTo === '' ? null : returnTo,
      problem: null,
    }),
  );
});
