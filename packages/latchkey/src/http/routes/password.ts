import { z } from 'zod';
import { changePassword } from '../../flows/prove-again.ts';
import { passwordPage } from '../../pages/password.ts';
import { requireHolder, requirePerson, viewer } from '../exchange.ts';
import { html, page, type Route, route, seeOther } from '../route.ts';
import { receiptShape, writeReceipt } from '../wire.ts';
import { password } from './fields.ts';

/** `POST /auth/password`: all other sessions end. */
export const passwordRoute: Route = route({
  method: 'POST',
  path: '/auth/password',
  summary: 'Change the password; all other sessions end',
  tag: 'Account',
  signedIn: true,
  body: { current_password: password, new_password: password },
  query: {},
  form: {
    location: '/auth/account?done=password-changed',
    page: async (exchange, { problem }) => {
      const { config } = exchange.rooms;
      const { user } = await requirePerson(exchange);
      return passwordPage({
        brand: config.brand,
        signedInAs: user.email,
        passwordLength: config.passwordLength,
        problem,
      });
    },
  },
  status: 200,
  answer: z.object({ receipt: receiptShape }),
  errors: [
    'LK_PASSWORD_REFUSED',
    'LK_CREDENTIALS_REFUSED',
    'LK_CONFLICT',
    'LK_THROTTLED',
    'LK_BUSY',
    'LK_NOT_FRESH',
  ],
  act: async (exchange, { body }) => {
    const holder = await requireHolder(exchange);
    const input = { currentPassword: body.current_password, newPassword: body.new_password };
    const { cookie, receipt } = await changePassword(exchange.rooms, holder, input, exchange.ip);
    return {
      status: 200,
      body: { receipt: writeReceipt(receipt) },
      cookie: cookie === null ? null : { value: cookie, session: holder.principal.session.id },
    };
  },
});

/** `GET /auth/password`: the page. */
export const passwordPageRoute: Route = page('/auth/password', async (exchange) => {
  const person = await viewer(exchange);
  if (person === null) return seeOther('/auth/sign-in?return_to=%2Fauth%2Fpassword');
  const { brand, passwordLength } = exchange.rooms.config;
  return html(passwordPage({ brand, signedInAs: person.user.email, passwordLength, problem: null }));
});
