import { z } from 'zod';
import { isSetupToken, setUp } from '../../flows/set-up.ts';
import { setupPage, setupSpentPage } from '../../pages/setup.ts';
import { cookieOf, type Exchange, visitor } from '../exchange.ts';
import { html, page, type Route, route } from '../route.ts';
import { signedInShape, writeSignedIn } from '../wire.ts';
import { email, name, password } from './fields.ts';

async function render(
  exchange: Exchange,
  token: string,
  view: Parameters<typeof setupPage>[0],
): Promise<string> {
  const { brand } = exchange.rooms.config;
  return (await isSetupToken(exchange.rooms, token)) ? setupPage(view) : setupSpentPage({ brand });
}

/** `POST /auth/setup`: spends the one-time link that the first start prints. */
export const setUpRoute: Route = route({
  method: 'POST',
  path: '/auth/setup',
  summary: 'Create the first administrator with the one-time token',
  tag: 'Set-up',
  signedIn: false,
  body: { token: z.string().max(64), email, password, name },
  query: {},
  form: {
    location: '/auth/account',
    page: async (exchange, { values, problem }) => {
      const { brand, passwordLength } = exchange.rooms.config;
      const token = values['token'] ?? '';
      const kept = { email: values['email'] ?? '', name: values['name'] ?? '' };
      return render(exchange, token, { brand, token, values: kept, passwordLength, problem });
    },
  },
  status: 201,
  answer: signedInShape,
  errors: [
    'LK_PASSWORD_REFUSED',
    'LK_CLIENT_REFUSED',
    'LK_UNAUTHENTICATED',
    'LK_CREDENTIALS_REFUSED',
    'LK_EMAIL_TAKEN',
    'LK_THROTTLED',
    'LK_BUSY',
    'LK_NOT_FRESH',
  ],
  act: async (exchange, { body }) => {
    const input = { email: body.email, password: body.password, name: body.name ?? null };
    const from = await visitor(exchange, undefined);
    const signedIn = await setUp(exchange.rooms, body.token, input, from);
    return { status: 201, body: writeSignedIn(signedIn), cookie: cookieOf(signedIn, from) };
  },
});

/** `GET /auth/setup`: the page behind the link. Looking at it spends nothing. */
export const setUpPageRoute: Route = page('/auth/setup', async (exchange) => {
  const { brand, passwordLength } = exchange.rooms.config;
  const token = exchange.url.searchParams.get('token') ?? '';
  const values = { email: '', name: '' };
  return html(await render(exchange, token, { brand, token, values, passwordLength, problem: null }));
});
