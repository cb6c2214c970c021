import type { Principal } from '@latchkey/verify';
import { CODES, failure, isFailure } from '../errors.ts';
import type { Authenticator, Presented } from '../flows/authenticate.ts';
import type { SessionHolder } from '../flows/prove-again.ts';
import type { Rooms } from '../flows/rooms.ts';
import type { Visitor } from '../flows/sign-in.ts';
import type { RequestHead } from '../foundation/header-source.ts';
import type { Secret } from '../foundation/secret.ts';
import type { AllowedOrigins } from './origin-rule.ts';

/** What the host of the handler knows and a request does not say. */
export interface Connection {
  /** The address of the connection's other end; `null` where the host does not tell. */
  readonly peer: string | null;
  /** The id under which the host logs this request; made where it has none. */
  readonly requestId?: string;
}

/** What every route works with. */
export interface Services {
  readonly rooms: Rooms;
  readonly authenticator: Authenticator;
  readonly allowed: AllowedOrigins;
}

/** One request on its way through a route. */
export interface Exchange extends Services {
  readonly request: Request;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  readonly ip: string | null;
  readonly requestId: string;
  /** What the request presents, checked once however often it is asked for; throws as `Authenticator.authenticate`. */
  readonly presented: () => Promise<Presented | null>;
}

/** What a route answers, before it becomes JSON for a program or a redirect for a form. */
export interface Answer {
  readonly status: 200 | 201 | 202;
  readonly body: unknown;
  /** A new cookie, `clear`, or `null` for neither. */
  readonly cookie: Secret | 'clear' | null;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether the method only reads (RFC 9110 §9.2.1). */
export function isSafe(request: Pick<RequestHead, 'method'>): boolean {
  return SAFE.has(request.method);
}

/**
 * Who asks.
 *
 * @throws `LK_UNAUTHENTICATED` for nobody, and for a session before login.
 */
export async function requirePrincipal(exchange: Exchange): Promise<Principal> {
  return (await requireHolder(exchange)).principal;
}

/**
 * Who asks, with what a rotation of the secret replaces.
 *
 * @throws as `requirePrincipal`.
 */
export async function requireHolder(exchange: Exchange): Promise<SessionHolder> {
  const presented = await exchange.presented();
  if (presented?.principal == null) throw failure('LK_UNAUTHENTICATED');
  return { principal: presented.principal, secretHash: presented.secretHash };
}

/** Who looks at a page: a credential that is no longer good is none. */
export async function viewer(exchange: Exchange): Promise<Principal | null> {
  try {
    return (await exchange.presented())?.principal ?? null;
  } catch (error) {
    if (isFailure(error) && CODES[error.code].status === 401) return null;
    throw error;
  }
}

/**
 * Who signs in from where. `Authorization` is refused here too: it alone would
 * count, so the cookie could be neither read nor set.
 *
 * @throws `LK_REQUEST_INVALID` for a client that is not configured; `LK_CREDENTIAL_UNSUPPORTED`;
 *   `LK_CREDENTIALS_AMBIGUOUS`.
 */
export async function visitor(exchange: Exchange, client: string | undefined): Promise<Visitor> {
  const { request, authenticator, rooms, ip } = exchange;
  const name = client ?? rooms.config.defaultClient;
  if (!rooms.config.clients.has(name)) {
    throw failure('LK_REQUEST_INVALID', { errors: [{ field: 'client', reason: 'is not configured here' }] });
  }
  const before = await authenticator.holder(request.headers);
  return { client: name, origin: { ip, userAgent: request.headers.get('user-agent') }, before };
}
