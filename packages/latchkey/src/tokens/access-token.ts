import {
  type Acr,
  type Amr,
  clientSubject,
  type Position,
  type SessionId,
  type Timestamp,
  type UserId,
  type Values,
} from '@latchkey/verify';
import { randomBytes } from '../foundation/random.ts';
import { Secret } from '../foundation/secret.ts';
import type { SigningKey } from './signing-key.ts';

/** What an access token says. Times are milliseconds here and whole seconds in the token. */
export interface AccessTokenContent {
  readonly issuer: string;
  readonly audience: string;
  readonly subject: UserId;
  readonly session: SessionId;
  /** The name of the configured client. */
  readonly client: string;
  readonly issuedAt: Timestamp;
  /** Cannot be left out. */
  readonly expiresAt: Timestamp;
  readonly acr: Acr;
  readonly amr: readonly Amr[];
  readonly authTime: Timestamp;
  /** The log's head before the first fact in it was read (R1). */
  readonly rs: Position;
  readonly claims: Values;
}

/**
 * Signs an access token (RFC 9068 §2). Its id has 64 random bits: enough to tell
 * tokens apart for as long as they live, and half the length of other ids.
 */
export function issueAccessToken(key: SigningKey, content: AccessTokenContent): Secret {
  const { claims, issuedAt, expiresAt, authTime } = content;
  const payload = {
    ...claims,
    iss: content.issuer,
    aud: content.audience,
    sub: content.subject,
    sid: content.session,
    client_id: content.client,
    iat: Math.floor(issuedAt / 1_000),
    exp: Math.floor(expiresAt / 1_000),
    jti: newTokenId(),
    acr: content.acr,
    amr: content.amr,
    auth_time: Math.floor(authTime / 1_000),
    rs: content.rs,
  };
  return signed(key, payload);
}

/** What a token says that a client got for itself. Times as in `AccessTokenContent`. */
export type ClientTokenContent = Pick<
  AccessTokenContent,
  'issuer' | 'audience' | 'client' | 'issuedAt' | 'expiresAt' | 'rs'
>;

/** Signs an access token of a client itself (RFC 6749 §4.4): no user, no session, no claims of users. */
export function issueClientToken(key: SigningKey, content: ClientTokenContent): Secret {
  return signed(key, {
    iss: content.issuer,
    aud: content.audience,
    sub: clientSubject(content.client),
    client_id: content.client,
    iat: Math.floor(content.issuedAt / 1_000),
    exp: Math.floor(content.expiresAt / 1_000),
    jti: newTokenId(),
    rs: content.rs,
  });
}

function signed(key: SigningKey, payload: object): Secret {
  const input = `${key.header}.${encoded(payload)}`;
  return new Secret(`${input}.${key.sign(input).toString('base64url')}`);
}

function newTokenId(): string {
  return randomBytes(8).toString('base64url');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
