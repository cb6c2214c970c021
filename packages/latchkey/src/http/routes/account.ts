import { failure } from '../../errors.ts';
import { endSession, endSessions } from '../../flows/end-sessions.ts';
import { findId } from '../../foundation/ids.ts';
import { accountPage } from '../../pages/account.ts';
import type { Notice } from '../../pages/layout.ts';
import { type Body, readBody } from '../body.ts';
import { type Exchange, requirePrincipal, viewer } from '../exchange.ts';
import { html, page, type Route, seeOther } from '../route.ts';
import { listSessions } from './sessions.ts';

const PAGE = 20;

/** What the page says after something was done; anything else in the address says nothing. */
const DONE: ReadonlyMap<string, string> = new Map([
  ['session-ended', 'The session has ended.'],
  ['session-gone', 'That session had already ended.'],
  ['others-ended', 'All other sessions have ended.'],
  ['password-changed', 'The password is changed, and all other sessions have ended.'],
  ['reauthenticated', 'Thank you: you have proved again who you are.'],
]);

/** `GET /auth/account`: who you are, and your sessions. */
export const accountPageRoute: Route = page('/auth/account', async (exchange) => {
  const person = await viewer(exchange);
  if (person === null) return seeOther('/auth/sign-in?return_to=%2Fauth%2Faccount');
  const { principal } = person;
  const { searchParams } = exchange.url;
  const after = findId<'session'>(searchParams.get('cursor') ?? '');
  const { items, next } = await listSessions(exchange, principal, { limit: PAGE, after });
  const text = DONE.get(searchParams.get('done') ?? '');
  const notice: Notice | null = text === undefined ? null : { kind: 'done', text };
  return html(
    accountPage({
      brand: exchange.rooms.config.brand,
      person,
      sessions: items.map(({ session, lastSeenAt }) => ({
        id: session.id,
        current: session.id === principal.session.id,
        client: session.client,
        device: session.device,
        ip: session.ip,
        createdAt: session.createdAt,
        lastSeenAt,
      })),
      moreHref: next === null ? null : `/auth/account?cursor=${next}`,
      notice,
    }),
  );
});

/** Buttons of the account page: forms cannot send `DELETE`, and no method is overridden. */
function button(path: string, act: (exchange: Exchange, body: Body) => Promise<string>): Route {
  const run = async (exchange: Exchange): Promise<Response> => {
    const body = await readBody(exchange.request, true);
    if (body.kind !== 'form') throw failure('LK_MEDIA_TYPE_UNSUPPORTED');
    return seeOther(await act(exchange, body));
  };
  return { method: 'POST', path, document: null, run };
}

/** `POST /auth/account/end-session` */
export const endSessionButton: Route = button('/auth/account/end-session', async (exchange, { value }) => {
  const principal = await requirePrincipal(exchange);
  const field = typeof value === 'object' && value !== null && 'session' in value ? value.session : '';
  const id = findId<'session'>(String(field));
  if (id === null) throw failure('LK_NOT_FOUND');
  try {
    await endSession(exchange.rooms, principal, id);
    return '/auth/account?done=session-ended';
  } catch (error) {
    // Pressed twice, or ended elsewhere: what was wanted is so.
    if (error instanceof Error && 'code' in error && error.code === 'LK_NOT_FOUND')
      return '/auth/account?done=session-gone';
    throw error;
  }
});

/** `POST /auth/account/end-others` */
export const endOthersButton: Route = button('/auth/account/end-others', async (exchange) => {
  const principal = await requirePrincipal(exchange);
  await endSessions(exchange.rooms, principal, 'current');
  return '/auth/account?done=others-ended';
});
