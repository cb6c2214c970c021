import type { AccessToken } from './access-token.ts';
import type { Acr, Amr, ClientPrincipal, PrincipalSession, TokenPrincipal, Values } from './principal.ts';

/** Who asks a service: a user, or another service for itself. `kind` tells them apart. */
export type ServicePrincipal<Claims = Values> = TokenPrincipal<Claims> | ClientPrincipal;

/** What may be known better than the token says it. */
export interface KnownOfToken {
  readonly acr: Acr | null;
  readonly amr: readonly Amr[];
  /** In seconds. */
  readonly authTime: number | null;
  readonly claims: Values;
}

/** What the issuer alone knows of a token's session. */
export type KnownOfSession = Pick<PrincipalSession, 'mode' | 'expiresAt'>;

/** How the credential works, and no limit but its own: what a token does not say. */
const UNKNOWN_SESSION: KnownOfSession = { mode: 'jwt', expiresAt: null };

/** The principal that a token speaks for. */
export function principalOf(
  token: AccessToken,
  known: KnownOfToken,
  session: KnownOfSession = UNKNOWN_SESSION,
): ServicePrincipal {
  const expiresAt = token.expiresAt * 1_000;
  if (token.kind === 'client') {
    const { subject: id, client, acr, amr, authTime } = token;
    const { claims } = known;
    return Object.freeze({
      kind: 'client',
      id,
      client,
      via: 'token',
      user: null,
      session: null,
      claims,
      acr,
      amr,
      authTime,
      expiresAt,
    });
  }
  return Object.freeze({
    kind: 'user',
    id: token.subject,
    user: null,
    session: Object.freeze({
      id: token.session,
      client: token.client,
      mode: session.mode,
      // A UUIDv7 says it itself (RFC 9562 §5.7).
      createdAt: Buffer.from(token.session, 'base64url').readUIntBE(0, 6),
      expiresAt: session.expiresAt,
    }),
    claims: known.claims,
    via: 'token',
    acr: known.acr ?? token.acr,
    amr: Object.freeze([...known.amr]),
    authTime: (known.authTime ?? token.authTime) * 1_000,
    expiresAt,
  });
}
