import type { SessionId, UserPrincipal } from '@latchkey/verify';
import { CODES, failure, invalid, isFailure } from '../errors.ts';
import { type Authenticator, type Presented, userIn } from '../flows/authenticate.ts';
import type { ClientAuthenticator } from '../flows/authenticate-client.ts';
import type { Authorizer } from '../flows/authorize.ts';
import type { Forwarder } from '../flows/forward.ts';
import { type Person, personOf } from '../flows/person.ts';
import type { SessionHolder } from '../flows/prove-again.ts';
import type { Rooms } from '../flows/rooms.ts';
import type { SignedIn, Visitor } from '../flows/sign-in.ts';
import type { RequestHead } from '../foundation/header-source.ts';
import type { Secret } from '../foundation/secret.ts';
import { parseSessionCredential, type SessionCookie, type SessionCredential } from '../sessions/cookie.ts';
import { isForm } from './body.ts';
import type { AllowedOrigins } from './origin-rule.ts';

/** What the host of the handler knows and a request does not say. */
export interface Connection {
  /** The address of the connection's other end; `null` where the host does not tell. */
  readonly peer: string | null;
  /** The id under which the host logs this request; made where it has none. */
  readonly requestId?: string;
  /** Ends the connection at once, whatever waits to be sent; without it a slow reader's is left to the host. */
  readonly cut?: () => void;
}

/** What every route works with. */
export interface Services {
  readonly rooms: Rooms;
  readonly authenticator: Authenticator;
  readonly services: ClientAuthenticator;
  readonly authorizer: Authorizer;
  readonly forwarder: Forwarder;
  readonly allowed: AllowedOrigins;
}

/** One request on its way through a route. */
export interface Exchange extends Services {
  readonly request: Request;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  readonly ip: string | null;
  readonly requestId: string;
  /** As in `Connection`. */
  readonly cut: (() => void) | null;
  /** What the request presents, checked once however often it is asked for; throws as `Authenticator.authenticate`. */
  readonly presented: () => Promise<Presented | null>;
  /** The same, checked now. */
  readonly checkAgain: () => Promise<Presented | null>;
}

/** What a route answers, before it becomes JSON for a program or a redirect for a form. */
export interface Answer {
  readonly status: 200 | 201 | 202;
  readonly body: unknown;
  readonly cookie: CookieChange | null;
}

/** A session's cookie that an answer hands over or takes away. */
export interface CookieChange {
  readonly value: Secret | 'clear';
  /** The session of the credential that was presented; `null` for none. */
  readonly session: SessionId | null;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether the method only reads (RFC 9110 §9.2.1). */
export function isSafe(request: Pick<RequestHead, 'method'>): boolean {
  return SAFE.has(request.method);
}

/**
 * Whether a page in a browser makes the request: only browsers send these headers,
 * and no page can leave them out. An older one sends `Origin` alone with what is not safe.
 */
export function isFromBrowser({ headers }: RequestHead): boolean {
  return headers.has('sec-fetch-site') || headers.has('origin');
}

/**
 * Who asks.
 *
 * @throws `LK_UNAUTHENTICATED` for nobody, and for a session before login.
 */
export async function requirePrincipal(exchange: Exchange): Promise<UserPrincipal> {
  const principal = userIn(await exchange.presented());
  if (principal === null) throw failure('LK_UNAUTHENTICATED');
  return principal;
}

/**
 * Who asks, with all that is known of them.
 *
 * @throws as `requirePrincipal`.
 */
export async function requirePerson(exchange: Exchange): Promise<Person> {
  return personOf(exchange.rooms, await requirePrincipal(exchange));
}

/**
 * Who asks, with what a rotation of the cookie's secret replaces. Beside a token
 * the cookie is not what authenticates: it is rotated along where it is of the same session.
 *
 * @throws as `requirePrincipal`.
 */
export async function requireHolder(exchange: Exchange): Promise<SessionHolder> {
  const principal = await requirePrincipal(exchange);
  const credential = cookieCredential(exchange.request, exchange.rooms.cookie);
  const isOfSession = credential?.id === principal.session.id;
  return { principal, secretHash: isOfSession ? credential.secretHash : null };
}

/**
 * What the session's cookie says, whether it is good or not; `null` for none. One that
 * stands twice is none: beside a token, which alone counts, what that does must not fail
 * afterwards for what is not read.
 */
export function cookieCredential(request: RequestHead, cookie: SessionCookie): SessionCredential | null {
  try {
    const text = cookie.find(request.headers.get('cookie'));
    return text === null ? null : parseSessionCredential(text);
  } catch {
    return null;
  }
}

/** Who looks at a page: a credential that is no longer good is none. */
export async function viewer(exchange: Exchange): Promise<Person | null> {
  try {
    const principal = userIn(await exchange.presented());
    return principal === null ? null : await personOf(exchange.rooms, principal);
  } catch (error) {
    if (isFailure(error) && CODES[error.code].status === 401) return null;
    throw error;
  }
}

/**
 * Whether a session's cookie was sent and is good for nothing: it has ended, or never was. Which
 * of the two nobody learns, and that it is not good its bearer is told by every page.
 */
export async function holdsDeadCookie({ request, rooms, presented }: Exchange): Promise<boolean> {
  const { headers } = request;
  if (headers.has('authorization') || rooms.cookie.find(headers.get('cookie')) === null) return false;
  try {
    return (await presented()) === null;
  } catch (error) {
    if (isFailure(error) && CODES[error.code].status === 401) return true;
    throw error;
  }
}

/** The cookie that a login hands over, if its client's mode has one. */
export function cookieOf({ cookie }: SignedIn, { before }: Visitor): CookieChange | null {
  return cookie === null ? null : { value: cookie, session: before?.id ?? null };
}

/**
 * Who signs in from where. A token in `Authorization` alone counts, so beside one
 * no cookie is set but where the cookie's session is the token's.
 *
 * @throws `LK_REQUEST_INVALID` for a client that is not configured, and for one that a
 *   browser may not use; `LK_CREDENTIAL_UNSUPPORTED`; `LK_CREDENTIALS_AMBIGUOUS`; as `Authenticator.holder`.
 */
export async function visitor(exchange: Exchange, name: string | undefined): Promise<Visitor> {
  const { request, authenticator, rooms, ip } = exchange;
  const { defaultClient, pageClient, clients } = rooms.config;
  // A form leads on to a page, which nothing but a cookie can follow.
  const unnamed = isForm(request) ? (pageClient ?? defaultClient) : defaultClient;
  const client = name === undefined ? unnamed : clients.get(name);
  if (client === undefined) throw invalid('client', 'is not configured here');
  if (client.mode === 'jwt' && !client.inBrowser && isFromBrowser(request)) {
    throw invalid(
      'client',
      'hands out refresh tokens, which no page in a browser can keep: use one with a cookie',
    );
  }
  const before = await authenticator.holder(request.headers);
  if (request.headers.has('authorization') && client.mode !== 'jwt') {
    const credential = cookieCredential(request, rooms.cookie);
    if (before === null || credential?.id !== before.id) throw failure('LK_CREDENTIAL_UNSUPPORTED');
  }
  return { client, origin: { ip, userAgent: request.headers.get('user-agent') }, before };
}
