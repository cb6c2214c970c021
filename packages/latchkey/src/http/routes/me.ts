import { requirePerson } from '../exchange.ts';
import { type Route, route } from '../route.ts';
import { principalShape, writePrincipal } from '../wire.ts';

/** `GET /auth/me`: who is asking. */
export const meRoute: Route = route({
  method: 'GET',
  path: '/auth/me',
  summary: 'Who is signed in',
  tag: 'Account',
  signedIn: true,
  body: {},
  query: {},
  status: 200,
  answer: principalShape,
  errors: [],
  act: async (exchange) => ({
    status: 200,
    body: writePrincipal(await requirePerson(exchange)),
    cookie: null,
  }),
});
