import type { Timestamp } from './clock.ts';

declare const brand: unique symbol;

/** A UUIDv7 written as 22 characters of base64url: the one form of every id outside the store. */
export type Id<Kind extends string> = string & { readonly [brand]: Kind };

export type UserId = Id<'user'>;
export type SessionId = Id<'session'>;

/**
 * How a client's credentials work: an opaque cookie, an access token with a
 * refresh token, or a cookie from which access tokens are made.
 */
export type Mode = 'session' | 'jwt' | 'hybrid';

/** NIST SP 800-63B-4 §2: the assurance of the authentication that a session rests on. */
export type Acr = 'aal1' | 'aal2' | 'aal3';

/** RFC 8176 §2: how the user authenticated. */
export type Amr = 'pwd';

/** What an application's own schema adds to a user, or its configuration to a token. */
export type Values = Readonly<Record<string, unknown>>;

/** What is known of a signed-in user. Carries no credential. */
export interface PrincipalUser<Fields = Values> {
  readonly id: UserId;
  /** The address as its owner wrote it, to be shown and mailed, never compared. */
  readonly email: string;
  readonly name: string | null;
  readonly emailVerified: boolean;
  /** Names of the roles that the store assigns, in alphabetical order. */
  readonly roles: readonly string[];
  /** What the application's own schema describes. */
  readonly fields: Readonly<Fields>;
}

/** The session that is the root of the credential in hand. */
export interface PrincipalSession {
  readonly id: SessionId;
  /** The name of the configured client through which it was created. */
  readonly client: string;
  readonly mode: Mode;
  readonly createdAt: Timestamp;
  /** The absolute limit; the idle limit may end it earlier. `null` where a token does not say it. */
  readonly expiresAt: Timestamp | null;
}

/** What every user has who asks, whatever they presented. */
interface Authenticated<Claims> {
  readonly kind: 'user';
  readonly id: UserId;
  readonly session: PrincipalSession;
  /** What the configuration's `claims` say of the user. */
  readonly claims: Readonly<Claims>;
  readonly acr: Acr;
  readonly amr: readonly Amr[];
  /** When the user last proved who they are (OpenID Connect Core §2, `auth_time`). */
  readonly authTime: Timestamp;
  /** From when on the credential is no longer good, if nothing else ends it first. */
  readonly expiresAt: Timestamp;
}

/** Who asks with a session's cookie: the store was read, so the user is known whole. */
export type CookiePrincipal<Claims = Values, Fields = Values> = Authenticated<Claims> & {
  readonly via: 'cookie';
  readonly user: PrincipalUser<Fields>;
};

/** Who asks with an access token: no store was read, so nothing is known but what the token says. */
export type TokenPrincipal<Claims = Values> = Authenticated<Claims> & {
  readonly via: 'token';
  readonly user: null;
};

/** A user who asks. */
export type UserPrincipal<Claims = Values, Fields = Values> =
  | CookiePrincipal<Claims, Fields>
  | TokenPrincipal<Claims>;

/**
 * A service that asks for itself, with a token that it got for its key. Nobody has signed in:
 * there is no user, no session, no role and no assurance.
 */
export interface ClientPrincipal {
  readonly kind: 'client';
  /** `client_` and the name. */
  readonly id: string;
  /** Its name. */
  readonly client: string;
  readonly via: 'token';
  readonly user: null;
  readonly session: null;
  readonly claims: Values;
  readonly acr: null;
  readonly amr: readonly [];
  readonly authTime: null;
  /** As of a user. */
  readonly expiresAt: Timestamp;
}

/** Who is asking: `kind` tells them apart. Frozen, and shared between requests of the same credential. */
export type Principal<Claims = Values, Fields = Values> = UserPrincipal<Claims, Fields> | ClientPrincipal;
