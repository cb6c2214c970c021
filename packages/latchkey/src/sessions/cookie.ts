import type { Millis, SessionId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { findId } from '../foundation/ids.ts';
import { randomBytes } from '../foundation/random.ts';
import { Secret, sha256 } from '../foundation/secret.ts';

/** By which scanners find a session's cookie that has leaked. */
const PREFIX = 'lkc_';
/** The prefix, 22 characters of id, a dot, and 43 characters that spell 256 bits. */
const FORM = /^lkc_([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

/** What a session's cookie says. */
export interface SessionCredential {
  readonly id: SessionId;
  /** SHA-256 of the secret: all that is ever compared or stored. */
  readonly secretHash: Buffer;
}

/** The session's cookie of one deployment. */
export interface SessionCookie {
  readonly name: string;
  /**
   * The cookie's text in a `Cookie` header, unparsed, or `null`.
   *
   * @throws `LK_CREDENTIALS_AMBIGUOUS` where it stands there twice: a sibling
   * domain can plant a second one, so neither the first nor the last may win.
   */
  find(header: string | null): string | null;
  /** `Set-Cookie` that hands the secret to its owner. */
  set(value: Secret): string;
  /** `Set-Cookie` that takes it away. */
  clear(): string;
}

/**
 * The cookie of a deployment (RFC 6265bis §4.1.3): `__Host-`, so that no other
 * host and no plain connection can set it. Over plain http on loopback, where
 * that prefix cannot be had, its name carries the port, since cookies do not
 * keep ports apart.
 */
export function sessionCookie(options: { url: URL; secure: boolean; absolute: Millis }): SessionCookie {
  const { url, secure, absolute } = options;
  const name = secure ? '__Host-latchkey' : `latchkey-${url.port === '' ? '80' : url.port}`;
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return {
    name,
    find: (header) => findCookie(header, name),
    set: (value) => `${name}=${value.reveal()}${attributes}; Max-Age=${Math.floor(absolute / 1000)}`,
    clear: () => `${name}=${attributes}; Max-Age=0`,
  };
}

/** A new secret of a session and what the store keeps of it. */
export function newSessionSecret(id: SessionId): { value: Secret; secretHash: Buffer } {
  const secret = randomBytes(32);
  return { value: new Secret(`${PREFIX}${id}.${secret.toString('base64url')}`), secretHash: sha256(secret) };
}

/**
 * Reads a cookie's text.
 *
 * @throws `LK_CREDENTIAL_MALFORMED` for anything but the one spelling that we issue.
 */
export function parseSessionCredential(text: string): SessionCredential {
  const match = FORM.exec(text);
  const id = findId<'session'>(match?.[1] ?? '');
  if (id === null) throw failure('LK_CREDENTIAL_MALFORMED');
  return { id, secretHash: sha256(Buffer.from(match?.[2] ?? '', 'base64url')) };
}

/** Scans by hand, since this runs on every request: a fifth of the time that a parser of all cookies takes. */
function findCookie(header: string | null, name: string): string | null {
  if (header === null) return null;
  let found: string | null = null;
  let start = 0;
  while (start < header.length) {
    let end = header.indexOf(';', start);
    if (end === -1) end = header.length;
    while (header.charCodeAt(start) === 0x20 || header.charCodeAt(start) === 0x09) start += 1;
    if (header.startsWith(name, start) && header.charCodeAt(start + name.length) === 0x3d) {
      if (found !== null) throw failure('LK_CREDENTIALS_AMBIGUOUS');
      let last = end;
      while (header.charCodeAt(last - 1) === 0x20 || header.charCodeAt(last - 1) === 0x09) last -= 1;
      found = header.slice(start + name.length + 1, last);
    }
    start = end + 1;
  }
  return found;
}
