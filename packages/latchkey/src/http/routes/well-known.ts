import { z } from 'zod';
import { JWKS_MAX_AGE } from '../../tokens/key-schedule.ts';
import type { Exchange } from '../exchange.ts';
import type { Route } from '../route.ts';
import { GRANT_TYPES } from './token.ts';

/** A document for everyone, which no credential changes. */
function published(
  path: string,
  summary: string,
  answer: z.ZodType,
  write: (exchange: Exchange) => unknown,
): Route {
  return {
    method: 'GET',
    path,
    document: {
      summary,
      tag: 'Tokens',
      body: z.object({}),
      query: z.object({}),
      media: [],
      askers: [],
      status: 200,
      answer,
      errors: [],
    },
    run: async (exchange) =>
      Response.json(await write(exchange), {
        headers: { 'Cache-Control': `public, max-age=${JWKS_MAX_AGE}` },
      }),
  };
}

/** `GET /.well-known/jwks.json` (RFC 7517 §5) */
export const jwksRoute: Route = published(
  '/.well-known/jwks.json',
  'The public keys of access tokens',
  z.object({ keys: z.array(z.looseObject({ kid: z.string(), alg: z.string() })) }),
  async ({ rooms }) => {
    // Another process may have made one, which its tokens need to be verified by. Where
    // the store is away, those that were known last are still right.
    await rooms.signingKeys.refresh().catch((error: unknown) => rooms.emit({ type: 'failed', error }));
    return { keys: rooms.signingKeys.published };
  },
);

/** `GET /.well-known/oauth-authorization-server` (RFC 8414 §3) */
export const metadataRoute: Route = published(
  '/.well-known/oauth-authorization-server',
  'What the token endpoint can do (RFC 8414)',
  z.looseObject({ issuer: z.string() }),
  ({ rooms: { config } }) => ({
    issuer: config.origin,
    token_endpoint: `${config.origin}/auth/token`,
    revocation_endpoint: `${config.origin}/auth/revoke`,
    introspection_endpoint: `${config.origin}/auth/introspect`,
    jwks_uri: `${config.origin}/.well-known/jwks.json`,
    // No authorization endpoint, so nothing that it could answer.
    response_types_supported: [],
    grant_types_supported: GRANT_TYPES,
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    revocation_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
  }),
);
