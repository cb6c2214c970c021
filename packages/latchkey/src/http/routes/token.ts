import type { z } from 'zod';
import { CODES, failure, invalid, isFailure } from '../../errors.ts';
import { grantToClient } from '../../flows/client-credentials.ts';
import { exchangeSession } from '../../flows/exchange-session.ts';
import { refresh } from '../../flows/refresh.ts';
import { cookieCredential, type Exchange, isFromBrowser } from '../exchange.ts';
import { oauthRoute, oauthText } from '../oauth.ts';
import { refuseCrossSite } from '../origin-rule.ts';
import type { Route } from '../route.ts';
import { tokenShape, writeToken } from '../wire.ts';

const body = {
  grant_type: oauthText.describe(
    '`refresh_token`, `urn:latchkey:grant:session` with the cookie of a hybrid client, or `client_credentials` with the key of a service',
  ),
  refresh_token: oauthText.optional().describe('for the grant refresh_token'),
  audience: oauthText
    .optional()
    .describe(
      'one of the configuration or of a service; left out, the issuer, and for a service the only other one',
    ),
  client_id: oauthText.optional().describe('refused where it is not the client of the token'),
};

type Fields = z.infer<z.ZodObject<typeof body>>;
type Grant = (exchange: Exchange, fields: Fields) => Promise<z.infer<typeof tokenShape>>;

/** RFC 6749 §6. The refresh token is the proof, so the cookie is not read. */
const refreshGrant: Grant = async ({ rooms, request, ip }, fields) => {
  if (fields.refresh_token === undefined) throw invalid('refresh_token', 'is required');
  const { refreshToken, ...token } = await refresh(rooms, fields.refresh_token, {
    client: fields.client_id ?? null,
    audience: fields.audience ?? null,
    origin: { ip, userAgent: request.headers.get('user-agent') },
    inBrowser: isFromBrowser(request),
  });
  return { ...writeToken(token), refresh_token: refreshToken.reveal() };
};

/** The cookie is the proof here, so whose page asks matters. */
const sessionGrant: Grant = async (exchange, { audience = null }) => {
  const { rooms, request, allowed } = exchange;
  refuseCrossSite(request, allowed);
  try {
    const presented = await exchange.presented();
    const credential = cookieCredential(request, rooms.cookie);
    if (presented?.via !== 'cookie' || credential === null) throw failure('LK_GRANT_REFUSED');
    return writeToken(await exchangeSession(rooms, credential, audience));
  } catch (error) {
    // At this endpoint what is not good is a grant (RFC 6749 §5.2).
    if (!isFailure(error) || CODES[error.code].status !== 401) throw error;
    throw failure('LK_GRANT_REFUSED', undefined, { cause: error });
  }
};

/** RFC 6749 §4.4: the key is the proof. */
const clientGrant: Grant = async (
  { rooms, services, request },
  { client_id: name = null, audience = null },
) => {
  const authorization = request.headers.get('authorization');
  return writeToken(await grantToClient(rooms, services, { authorization, name, audience }));
};

const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ['refresh_token', refreshGrant],
  ['urn:latchkey:grant:session', sessionGrant],
  ['client_credentials', clientGrant],
]);

/** The grants that there are, as the metadata names them (RFC 8414 §2). */
export const GRANT_TYPES: readonly string[] = [...GRANTS.keys()];

/** `POST /auth/token`: a refresh token, the cookie of a hybrid client, or a service's key, for an access token. */
export const tokenRoute: Route = oauthRoute({
  path: '/auth/token',
  summary:
    'Get an access token for a refresh token, for the session of a hybrid client, or as a service for itself',
  // By the grant: the refresh token, the cookie, or the key.
  askers: ['anybody', 'browser', 'service'],
  body,
  answer: tokenShape,
  errors: [
    'LK_UNAUTHENTICATED',
    'LK_GRANT_REFUSED',
    'LK_GRANT_UNSUPPORTED',
    'LK_CLIENT_REFUSED',
    'LK_AUDIENCE_REFUSED',
    'LK_NOT_FRESH',
  ],
  act: async (exchange, fields) => {
    const grant = GRANTS.get(fields.grant_type);
    if (grant === undefined) throw failure('LK_GRANT_UNSUPPORTED');
    return await grant(exchange, fields);
  },
});
