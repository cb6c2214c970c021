import { idBytes } from '../foundation/ids.ts';
import { randomBytes } from '../foundation/random.ts';
import { Secret, sha256 } from '../foundation/secret.ts';

/** By which scanners find a client's key that has leaked. */
const PREFIX = 'lks_';
/** The prefix, 22 characters of the client's subject, a dot, and 43 characters that spell 256 bits. */
const FORM = /^lks_([A-Za-z0-9_-]{21}[AQgw])\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

/** What a client's key says. */
export interface PresentedKey {
  /** The subject of the client that it says it is of, by which its row is found. */
  readonly subject: string;
  /** SHA-256 of the secret: all that is ever compared or stored. */
  readonly hash: Uint8Array;
}

/**
 * A new key of the client of that subject, and what the store keeps of it.
 *
 * @throws {TypeError} for a subject that has not sixteen bytes.
 */
export function newClientKey(subject: string): { readonly key: Secret; readonly hash: Uint8Array } {
  if (idBytes(subject).byteLength !== 16) throw new TypeError('a subject has sixteen bytes');
  const secret = randomBytes(32);
  return { key: new Secret(`${PREFIX}${subject}.${secret.toString('base64url')}`), hash: sha256(secret) };
}

/** Reads a key's text; `null` for anything but the one spelling that we issue. */
export function parseClientKey(text: string): PresentedKey | null {
  const [, subject, secret] = FORM.exec(text) ?? [];
  if (subject === undefined || secret === undefined) return null;
  return { subject, hash: sha256(Buffer.from(secret, 'base64url')) };
}
