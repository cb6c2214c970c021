import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto';
import { publicJwk, type SigningAlgorithm } from '@latchkey/verify';
import { ConfigError } from '../config.ts';
import type { RootSecret } from '../foundation/root-secret.ts';
import type { SigningKeyRecord } from '../stores/records.ts';
import { type Sealed, seal, unseal } from './seal.ts';

/** A key that signs. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** The first segment of every token that it signs. */
  readonly header: string;
  /** Signs as RFC 7518 §3.4 and RFC 8037 §3.1 say: 64 bytes. */
  sign(input: string): Buffer;
}

/** What is stored of a key whatever becomes of it. */
export type KeyPair = Pick<SigningKeyRecord, 'kid' | 'algorithm' | 'publicKey' | 'sealed' | 'sealedBy'>;

/** How each algorithm's keys are made and used. */
const ROWS: Record<
  SigningAlgorithm,
  { readonly generate: () => KeyObject; readonly sign: (key: KeyObject, input: Buffer) => Buffer }
> = {
  EdDSA: {
    generate: () => generateKeyPairSync('ed25519').privateKey,
    sign: (key, input) => signBytes(null, input, key),
  },
  ES256: {
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    sign: (key, input) => rawSignature(signBytes('sha256', input, key)),
  },
};

/**
 * r and s side by side, of their DER form (X.690 §8.3). Written here because
 * `dsaEncoding: 'ieee-p1363'` costs as much again as the signature.
 */
function rawSignature(der: Buffer): Buffer {
  const raw = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der.readUInt8(at + 1);
    const digits = der.subarray(at + 2, at + 2 + length);
    // A leading zero says that the number is positive; short ones are padded in front.
    const start = Math.max(0, length - 32);
    digits.copy(raw, end - (length - start), start);
    at += 2 + length;
  }
  return raw;
}

/** Makes a key: its public half for everyone, its private one sealed with the current root key. */
export function newKeyPair(rootSecret: RootSecret, algorithm: SigningAlgorithm): KeyPair {
  const privateKey = ROWS[algorithm].generate();
  const jwk = publicJwk(createPublicKey(privateKey));
  const plain = privateKey.export({ format: 'der', type: 'pkcs8' });
  const { bytes, by } = seal(rootSecret, labelOf(jwk.kid), plain);
  return { kid: jwk.kid, algorithm, publicKey: JSON.stringify(jwk), sealed: bytes, sealedBy: by };
}

/**
 * Seals the private half anew; `null` where the current root key has sealed it.
 *
 * @throws {ConfigError} where it is sealed with a root secret that is not there.
 */
export function sealedAnew(rootSecret: RootSecret, key: KeyPair): Sealed | null {
  if (key.sealedBy === rootSecret.current.id) return null;
  return seal(rootSecret, labelOf(key.kid), unsealed(rootSecret, key));
}

/**
 * Opens the private half.
 *
 * @throws {ConfigError} where it is sealed with a root secret that is not there.
 */
export function signingKey(rootSecret: RootSecret, pair: KeyPair): SigningKey {
  const { kid, algorithm } = pair;
  const key = createPrivateKey({ key: unsealed(rootSecret, pair), format: 'der', type: 'pkcs8' });
  if (publicJwk(createPublicKey(key)).kid !== kid)
    throw new TypeError(`the signing key ${kid} is not the private half of its public one`);
  const header = Buffer.from(JSON.stringify({ alg: algorithm, typ: 'at+jwt', kid })).toString('base64url');
  return {
    kid,
    algorithm,
    header,
    sign: (input) => ROWS[algorithm].sign(key, Buffer.from(input, 'latin1')),
  };
}

function unsealed(rootSecret: RootSecret, { kid, sealed, sealedBy }: KeyPair): Buffer {
  const plain = unseal(rootSecret, labelOf(kid), { bytes: sealed, by: sealedBy });
  if (plain !== null) return plain;
  throw new ConfigError(
    `the signing key ${kid} needs the root secret ${sealedBy}; put it behind the new one: LATCHKEY_SECRET=new,old`,
  );
}

function labelOf(kid: string): string {
  return `signing key ${kid}`;
}
