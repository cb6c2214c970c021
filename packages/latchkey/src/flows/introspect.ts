import type { Position, Seconds, Values } from '@latchkey/verify';
import type { ServiceClient } from './authenticate-client.ts';
import { inspectToken, isForClient } from './inspect-token.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'claims' | 'signingKeys'>;

/** What a good token says now, in the names of RFC 7662 §2.2. */
export interface Introspection {
  readonly active: true;
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  readonly client_id: string;
  readonly sid?: string;
  readonly exp: Seconds;
  readonly iat: Seconds;
  readonly jti: string;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly auth_time?: Seconds;
  readonly token_type: 'Bearer';
  /** The log's head in the reading that this answer rests on, not the one in the token. */
  readonly rs: Position;
}

/**
 * Says what a token that is addressed to the service is worth now (RFC 7662), by a reading of
 * the store; `null` for everything else.
 *
 * @throws as `inspectToken`.
 */
export async function introspect(
  rooms: Uses,
  client: ServiceClient,
  text: string,
): Promise<(Introspection & Values) | null> {
  const inspected = await inspectToken(rooms, text, (token) => isForClient(token, client));
  if (inspected === null) return null;
  const { token, checked } = inspected;
  const { principal, facts } = checked;
  const [audience, ...more] = token.audience;
  return {
    ...principal.claims,
    active: true,
    iss: token.issuer,
    sub: token.subject,
    aud: audience === undefined || more.length > 0 ? token.audience : audience,
    client_id: token.client,
    ...(token.session === null ? {} : { sid: token.session }),
    exp: token.expiresAt,
    iat: token.issuedAt,
    jti: token.id,
    ...(principal.kind === 'user'
      ? {
          acr: principal.acr,
          amr: principal.amr,
          auth_time: Math.floor(principal.authTime / 1_000),
        }
      : {}),
    token_type: 'Bearer',
    rs: facts.rs,
  };
}
