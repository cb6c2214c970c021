import { z } from 'zod';
import { introspect } from '../../flows/introspect.ts';
import { oauthRoute, oauthText } from '../oauth.ts';
import type { Route } from '../route.ts';
import { requireServiceClient } from '../service-client.ts';

const answer = z.looseObject({
  active: z
    .boolean()
    .describe('false, and nothing else, for anything not good or not for an audience of the caller'),
  iss: z.string().optional(),
  sub: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  client_id: z.string().optional(),
  sid: z.string().optional(),
  exp: z.int().optional(),
  iat: z.int().optional(),
  jti: z.string().optional(),
  acr: z.string().optional(),
  amr: z.array(z.string()).optional(),
  auth_time: z.int().optional(),
  token_type: z.string().optional(),
  rs: z.int().optional().describe("the log's position before this was read"),
});

/** `POST /auth/introspect` (RFC 7662): what an access token is worth now, for the service that it is addressed to. */
export const introspectRoute: Route = oauthRoute({
  path: '/auth/introspect',
  summary: 'Ask what an access token is worth now (RFC 7662), as the service that it is for',
  body: {
    token: oauthText,
    token_type_hint: z.unknown().optional().describe('never read (RFC 7662 §2.1)'),
  },
  answer,
  errors: [],
  askers: ['service'],
  act: async (exchange, { token }) =>
    (await introspect(exchange.rooms, await requireServiceClient(exchange), token)) ?? { active: false },
});
