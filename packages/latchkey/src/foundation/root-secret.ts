import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { sha256 } from './secret.ts';

/** What the root secret is stretched into; one label a purpose, so that no key serves two. */
export type KeyPurpose = 'check/v1' | 'password-pepper/v1' | 'refresh-chain/v1' | 'signing-key-seal/v1';

/** A key of the ring: `id` names it in the store and tells nothing about it. */
export interface RootKey {
  readonly id: string;
  /**
   * 32 bytes for one purpose (RFC 5869, SHA-256), the same object each time: to derive
   * them and to hand them to OpenSSL costs ten times the MAC that they are for.
   */
  derive(purpose: KeyPurpose): KeyObject;
}

/** Root secrets, the current one first; the others only serve what was made with them. */
export interface RootSecret {
  readonly current: RootKey;
  readonly ring: readonly RootKey[];
}

/** The key of that id, or `null` where it is not in the ring. */
export function findRootKey({ ring }: RootSecret, id: string): RootKey | null {
  return ring.find((key) => key.id === id) ?? null;
}

const REMEDY = 'make one with: openssl rand -base64 32';

/**
 * Reads root secrets: each at least 32 random bytes as base64, base64url or hex;
 * several separated by commas, the current one first.
 *
 * @throws {TypeError} for one that is short, repeats itself or is no encoding of bytes; the message never shows it.
 */
export function parseRootSecret(text: string): RootSecret {
  const ring = text.split(',').map((part) => rootKey(decode(part.trim())));
  const [current] = ring;
  if (current === undefined) throw new TypeError(`the root secret is empty; ${REMEDY}`);
  if (new Set(ring.map((key) => key.id)).size < ring.length) {
    throw new TypeError('the ring of root secrets names one of them twice');
  }
  return { current, ring };
}

function decode(text: string): Buffer {
  if (text === '') throw new TypeError(`the root secret is empty; ${REMEDY}`);
  let bytes: Buffer;
  if (/^([0-9a-f]{2})+$/i.test(text)) bytes = Buffer.from(text, 'hex');
  else if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) bytes = Buffer.from(text, 'base64');
  else throw new TypeError(`the root secret is neither base64 nor hex; ${REMEDY}`);
  if (bytes.length < 32) {
    throw new TypeError(`the root secret has ${bytes.length} bytes, and 32 is the least; ${REMEDY}`);
  }
  // 32 random bytes have some 30 different values; fewer than 16 is one in 10^17.
  if (new Set(bytes).size < 16 || repeats(bytes)) {
    throw new TypeError(`the root secret repeats itself, so it was not made at random; ${REMEDY}`);
  }
  return bytes;
}

function repeats(bytes: Buffer): boolean {
  for (let period = 1; period <= bytes.length / 2; period += 1) {
    if (bytes.subarray(period).equals(bytes.subarray(0, -period))) return true;
  }
  return false;
}

function rootKey(bytes: Buffer): RootKey {
  const stretch = (label: string): Buffer =>
    Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `latchkey/${label}`, 32));
  const keys = new Map<KeyPurpose, KeyObject>();
  return {
    id: sha256(stretch('id/v1')).toString('base64url').slice(0, 12),
    derive: (purpose) => {
      const key = keys.get(purpose) ?? createSecretKey(stretch(purpose));
      keys.set(purpose, key);
      return key;
    },
  };
}
