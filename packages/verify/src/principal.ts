import type { Timestamp } from './clock.ts';

declare const brand: unique symbol;

/** A UUIDv7 written as 22 characters of base64url: the one form of every id outside the store. */
export type Id<Kind extends string> = string & { readonly [brand]: Kind };

export type UserId = Id<'user'>;
export type SessionId = Id<'session'>;

/** How a client's credentials work. */
export type Mode = 'session';

/** NIST SP 800-63B-4 §2: the assurance of the authentication that a session rests on. */
export type Acr = 'aal1' | 'aal2' | 'aal3';

/** RFC 8176 §2: how the user authenticated. */
export type Amr = 'pwd';

/** What is known of a signed-in user. Carries no credential. */
export interface PrincipalUser {
  readonly id: UserId;
  /** The address as its owner wrote it, to be shown and mailed, never compared. */
  readonly email: string;
  readonly name: string | null;
  readonly emailVerified: boolean;
  /** Names of the roles that the store assigns, in alphabetical order. */
  readonly roles: readonly string[];
}

/** The session that is the root of the credential in hand. */
export interface PrincipalSession {
  readonly id: SessionId;
  /** The name of the configured client through which it was created. */
  readonly client: string;
  readonly mode: Mode;
  readonly createdAt: Timestamp;
  /** The absolute limit; the idle limit may end it earlier. */
  readonly expiresAt: Timestamp;
}

/**
 * Who is asking. Frozen, and shared between requests of the same credential.
 *
 * `kind` discriminates; further kinds come with their credentials.
 */
export interface Principal {
  readonly kind: 'user';
  readonly id: UserId;
  readonly user: PrincipalUser;
  readonly session: PrincipalSession;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What was presented. */
  readonly via: 'cookie';
  readonly acr: Acr;
  readonly amr: readonly Amr[];
  /** When the user last proved who they are (OpenID Connect Core §2, `auth_time`). */
  readonly authTime: Timestamp;
  /** From when on the credential is no longer good, if nothing else ends it first. */
  readonly expiresAt: Timestamp;
}
