import type { AccessToken } from './access-token.ts';
import type { Acr, Amr, ClientPrincipal, PrincipalSession, TokenPrincipal, Values } from './principal.ts';

/** For whom a token speaks: a user, or a service for itself. `kind` tells them apart. */
export type PrincipalOfToken<Claims = Values> = TokenPrincipal<Claims> | ClientPrincipal;

/** Who asks a service, as its verifier hands it out. */
export type ServicePrincipal<Claims = Values> = PrincipalOfToken<Claims> & {
  /**
   * Asks the log whether this principal is still good: for long work, before its result
   * counts (R9). No part of what is shown, copied or compared of a principal.
   *
   * @throws as `Verifier.authenticate`.
   */
  readonly recheck: () => Promise<void>;
};

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
): PrincipalOfToken {
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

/** The same with a way to ask again. */
export function rechecked(principal: PrincipalOfToken, recheck: () => Promise<void>): ServicePrincipal {
  const handed = { ...principal, recheck };
  // A principal is data: it is written as JSON, and sent to workers, which take no functions.
  Object.defineProperty(handed, 'recheck', { enumerable: false });
  return Object.freeze(handed);
}
