import { z } from 'zod';
import { failure, isFailure } from '../../errors.ts';
import { exchangeSession } from '../../flows/exchange-session.ts';
import { refresh } from '../../flows/refresh.ts';
import { type Exchange, isFromBrowser } from '../exchange.ts';
import { type OAuthFields, oauthRoute } from '../oauth.ts';
import { refuseCrossSite } from '../origin-rule.ts';
import type { Route } from '../route.ts';
import { tokenShape, writeToken } from '../wire.ts';

type Grant = (exchange: Exchange, fields: OAuthFields) => Promise<z.infer<typeof tokenShape>>;

/** RFC 6749 §6. The refresh token is the proof, so the cookie is not read. */
const refreshGrant: Grant = async ({ rooms, request, ip }, fields) => {
  const { refreshToken, ...token } = await refresh(rooms, fields.get('refresh_token'), {
    client: fields.find('client_id'),
    audience: fields.find('audience'),
    origin: { ip, userAgent: request.headers.get('user-agent') },
    inBrowser: isFromBrowser(request),
  });
  return { ...writeToken(token), refresh_token: refreshToken.reveal() };
};

/** The cookie is the proof here, so whose page asks matters. */
const sessionGrant: Grant = async (exchange, fields) => {
  const { rooms, request, allowed } = exchange;
  refuseCrossSite(request, allowed);
  const audience = fields.find('audience');
  try {
    const presented = await exchange.presented();
    if (presented?.cookie == null) throw failure('LK_GRANT_REFUSED');
    const { secretHash } = presented.cookie;
    return writeToken(await exchangeSession(rooms, { id: presented.session, secretHash }, audience));
  } catch (error) {
    // At this endpoint what is not good is a grant (RFC 6749 §5.2).
    if (isFailure(error, 'LK_CREDENTIALS_AMBIGUOUS') || !isFailure(error)) throw error;
    throw isRefusal(error.code) ? failure('LK_GRANT_REFUSED', undefined, { cause: error }) : error;
  }
};

function isRefusal(code: string): boolean {
  return (
    code.startsWith('LK_SESSION_') ||
    code.startsWith('LK_TOKEN_') ||
    code.startsWith('LK_CREDENTIAL_') ||
    code === 'LK_USER_DISABLED' ||
    code === 'LK_UNAUTHENTICATED'
  );
}

const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ['refresh_token', refreshGrant],
  ['urn:latchkey:grant:session', sessionGrant],
]);

/** The grants that there are, as the metadata names them (RFC 8414 §2). */
export const GRANT_TYPES: readonly string[] = [...GRANTS.keys()];

/** `POST /auth/token`: a refresh token, or the cookie of a hybrid client, for an access token. */
export const tokenRoute: Route = oauthRoute({
  path: '/auth/token',
  summary: 'Get an access token for a refresh token, or for the session of a hybrid client',
  body: z.object({
    grant_type: z.enum(['refresh_token', 'urn:latchkey:grant:session']),
    refresh_token: z.string().optional().describe('for the grant refresh_token'),
    audience: z.string().optional().describe('a configured audience; left out, the issuer'),
    client_id: z.string().optional().describe('refused where it is not the client of the token'),
  }),
  answer: tokenShape,
  errors: ['LK_GRANT_REFUSED', 'LK_GRANT_UNSUPPORTED', 'LK_CLIENT_REFUSED', 'LK_AUDIENCE_REFUSED'],
  act: async (exchange, fields) => {
    const grant = GRANTS.get(fields.get('grant_type'));
    if (grant === undefined) throw failure('LK_GRANT_UNSUPPORTED');
    return await grant(exchange, fields);
  },
});
