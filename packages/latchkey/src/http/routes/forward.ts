import type { Principal } from '@latchkey/verify';
import { z } from 'zod';
import { CODES, failure, isFailure } from '../../errors.ts';
import type { ServiceClient } from '../../flows/authenticate-client.ts';
import type { Forwarded } from '../../flows/forward.ts';
import type { HeaderSource } from '../../foundation/header-source.ts';
import { type Exchange, isSafe } from '../exchange.ts';
import { refuseCrossSite } from '../origin-rule.ts';
import { problemResponse, shownFailure } from '../problem.ts';
import { safeReturnTo } from '../return-to.ts';
import { parse, queryOf, type Route } from '../route.ts';

/** In which a gateway shows its key: `Authorization` is of whoever asks the gateway. */
export const GATEWAY_HEADER = 'X-Latchkey-Gateway';

/** Where gateways say which method the original request has, and which address. */
const METHOD_HEADERS = ['x-forwarded-method', 'x-original-method'];
const ADDRESS_HEADERS = ['x-forwarded-uri', 'x-original-uri'];

/** What a gateway may ask to be told beside the token, and in which header. */
const IDENTITY: Readonly<
  Record<string, { readonly header: string; readonly of: (principal: Principal) => string | null }>
> = {
  user: { header: 'X-Latchkey-User', of: ({ kind, id }) => (kind === 'user' ? id : null) },
  session: { header: 'X-Latchkey-Session', of: ({ session }) => session?.id ?? null },
  client: {
    header: 'X-Latchkey-Client',
    of: (principal) => (principal.kind === 'client' ? principal.client : principal.session.client),
  },
  acr: { header: 'X-Latchkey-Acr', of: ({ acr }) => acr },
};

const query = z.strictObject({
  audience: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible characters')
    .describe('whom the token is for: fixed in the gateway, one of its client'),
  headers: z
    .string()
    .refine((text) => text.split(',').every((name) => Object.hasOwn(IDENTITY, name)), {
      error: `must be of ${Object.keys(IDENTITY).join(', ')}, with commas between`,
    })
    .optional()
    .describe(
      `which of ${Object.entries(IDENTITY)
        .map(([name, { header }]) => `\`${name}\` (${header})`)
        .join(', ')} to answer as well`,
    ),
});

/**
 * `/auth/forward`: a gateway asks about each request, and gets what it hands on instead of
 * the credential. By whatever method the gateway asks, which some take over from the original
 * request: an answer to a preflight, say, would let the request pass that it stands for.
 */
export const forwardRoute: Route = {
  method: 'GET',
  path: '/auth/forward',
  anyMethod: true,
  ignoresCookie: true,
  document: {
    summary: 'Ask, as a gateway, whether a request may pass, and with which token in `Authorization`',
    tag: 'Tokens',
    body: z.object({}),
    query,
    media: ['application/json'],
    askers: ['gateway'],
    status: 200,
    answer: null,
    errors: [
      'LK_REQUEST_INVALID',
      'LK_UNAUTHENTICATED',
      'LK_GATEWAY_REFUSED',
      'LK_ORIGIN_REFUSED',
      'LK_STORE_UNAVAILABLE',
      'LK_NOT_FRESH',
    ],
  },
  run: async (exchange) => {
    const gateway = await requireGateway(exchange);
    const { audience, headers: wanted } = parse(query, queryOf(exchange.url, false));
    if (!gateway.audiences.has(audience)) throw refused(exchange, gateway);
    try {
      return answerOf(await forward(exchange, audience), wanted?.split(',') ?? []);
    } catch (error) {
      return refusal(exchange, error);
    }
  },
};

/** Nobody learns what the gateway knows but the gateway, so this is asked first of all. */
async function requireGateway({ services, request }: Exchange): Promise<ServiceClient> {
  const key = request.headers.get(GATEWAY_HEADER);
  try {
    return await services.authenticate(key === null ? null : `Bearer ${key}`);
  } catch (error) {
    if (!isFailure(error, 'LK_KEY_REFUSED') && !isFailure(error, 'LK_CREDENTIALS_AMBIGUOUS')) throw error;
    throw failure('LK_GATEWAY_REFUSED', undefined, { cause: error });
  }
}

function refused({ rooms }: Exchange, { name: client }: ServiceClient): Error {
  rooms.emit({ type: 'client_refused', client, code: 'LK_GATEWAY_REFUSED' });
  return failure('LK_GATEWAY_REFUSED');
}

async function forward({ request, forwarder, allowed }: Exchange, audience: string): Promise<Forwarded> {
  const { headers } = request;
  const safe = isSafe(request) && isOriginalSafe(headers);
  // Where the cookie is what counts, whose page asks matters as much as it does here.
  if (!safe && !headers.has('authorization')) refuseCrossSite(request, allowed);
  return await forwarder.forward({ headers, audience, safe });
}

/**
 * Whether the original request only reads. Whatever gateways say counts, so that one which
 * passes on what was sent to it can make a request no safer; and one that says nothing makes
 * none safe. A WebSocket is opened by GET, by pages of any site, and then writes: browsers
 * leave none of the headers out by which that is seen.
 */
function isOriginalSafe(headers: HeaderSource): boolean {
  const methods = METHOD_HEADERS.flatMap((name) => headers.get(name) ?? []);
  const opensSocket = headers.has('sec-websocket-key') || headers.get('sec-fetch-mode') === 'websocket';
  return methods.length > 0 && methods.every((method) => isSafe({ method })) && !opensSocket;
}

function answerOf({ token, principal }: Forwarded, wanted: readonly string[]): Response {
  const headers = new Headers({
    Authorization: `Bearer ${token.reveal()}`,
    'Cache-Control': 'no-store',
  });
  for (const name of wanted) {
    const identity = IDENTITY[name];
    // Empty where there is none: a gateway that copies what it is answered then overwrites what
    // came with the request.
    if (identity !== undefined) headers.set(identity.header, identity.of(principal) ?? '');
  }
  return new Response(null, { headers });
}

/**
 * 401 or 403 for whatever is wrong with the original request: nginx makes 500 of every other
 * status. Never a page, which would be some other site's. `Location` says where a person signs
 * in and comes back from: spelled here, because not every gateway can encode an address.
 */
function refusal(exchange: Exchange, error: unknown): Response {
  const { request, requestId, allowed } = exchange;
  const known = isFailure(error, 'LK_CREDENTIALS_AMBIGUOUS')
    ? failure('LK_UNAUTHENTICATED', undefined, { cause: error })
    : error;
  const { status } = CODES[shownFailure(known).code];
  if (status !== 401 && status !== 403) throw error;
  const response = problemResponse(known, request, requestId);
  if (status === 401) {
    const address = ADDRESS_HEADERS.flatMap((name) => request.headers.get(name) ?? [])[0] ?? null;
    const returnTo = safeReturnTo(address, allowed, '');
    const search = returnTo === '' ? '' : `?return_to=${encodeURIComponent(returnTo)}`;
    response.headers.set('Location', `/auth/sign-in${search}`);
  }
  return response;
}
