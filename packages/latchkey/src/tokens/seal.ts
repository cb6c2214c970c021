import { createCipheriv, createDecipheriv } from 'node:crypto';
import { randomBytes } from '../foundation/random.ts';
import { findRootKey, type RootSecret } from '../foundation/root-secret.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What is sealed, and with which root key. */
export interface Sealed {
  /** Nonce, tag and ciphertext of AES-256-GCM (NIST SP 800-38D). */
  readonly bytes: Uint8Array;
  readonly by: string;
}

/**
 * Seals bytes with the current root key.
 *
 * @param label what they are: bytes that were moved to another place do not open there.
 */
export function seal(rootSecret: RootSecret, label: string, plain: Uint8Array): Sealed {
  const { current } = rootSecret;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', current.derive('signing-key-seal/v1'), nonce);
  cipher.setAAD(Buffer.from(label));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { bytes: Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]), by: current.id };
}

/**
 * Opens what was sealed.
 *
 * @returns `null` where its root key is not in the ring.
 * @throws {TypeError} where the bytes are not what was sealed under that label.
 */
export function unseal(rootSecret: RootSecret, label: string, sealed: Sealed): Buffer | null {
  const key = findRootKey(rootSecret, sealed.by);
  if (key === null) return null;
  const bytes = Buffer.from(sealed.bytes);
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key.derive('signing-key-seal/v1'), nonce);
    decipher.setAAD(Buffer.from(label));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch (error) {
    throw new TypeError(`what was sealed as ${label} has been changed`, { cause: error });
  }
}
