import { type KeyObject, verify } from 'node:crypto';
import { base64urlBytes } from './base64url.ts';
import type { Values } from './principal.ts';
import { JsonRefused, parseStrictJson } from './strict-json.ts';
import { findSigningAlgorithm, type SigningAlgorithm, type VerificationKey } from './verification-key.ts';

/** Why a token was not accepted. */
export type TokenRefusal =
  | 'too long'
  | 'not a compact JWS'
  | 'not base64url'
  | 'a header that is not strict JSON'
  | 'a header member that is not allowed'
  | 'another algorithm'
  | 'another type'
  | 'no key id'
  | 'a payload that is not strict JSON'
  | 'unknown key'
  | 'a bad signature'
  | 'a missing or malformed claim'
  | 'another issuer'
  | 'another audience'
  | 'too long a life'
  | 'issued in the future'
  | 'not good yet'
  | 'expired';

/**
 * The token is not accepted. Neither it nor any part of it is shown: what is
 * refused here may be good elsewhere.
 */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
  readonly reason: TokenRefusal;
  /** The name of the claim that is missing or malformed, where it is a reserved one. */
  readonly claim: string | null;

  constructor(reason: TokenRefusal, claim: string | null = null) {
    super(claim === null ? reason : `${reason}: ${claim}`);
    this.reason = reason;
    this.claim = claim;
  }
}

/** The header of a token, whole: no other member is accepted. */
export interface JoseHeader {
  readonly alg: SigningAlgorithm;
  readonly typ: string;
  /** 1 to 128 characters, and nothing else is known of them. */
  readonly kid: string;
}

/** A token that has been read, and in which nothing may be believed yet. */
export interface CompactJws {
  readonly header: JoseHeader;
  readonly payload: Values;
  /** The bytes that are signed (RFC 7515 §5.1 step 8). */
  readonly signingInput: Uint8Array;
  /** 64 bytes: R and S for EdDSA, r and s for ES256. */
  readonly signature: Uint8Array;
}

/** In characters. */
const MAX_TOKEN = 4_096;
const MAX_KEY_ID = 128;
const SIGNATURE_BYTES = 64;

/**
 * Reads the compact serialisation (RFC 7515 §7.1) more strictly than RFC 7515
 * §5.2 asks, and before any cryptography: at most 4,096 characters, three
 * segments of canonical base64url, strict JSON, a signature of 64 bytes.
 *
 * The header may hold `alg`, `typ` and `kid` alone. Everything else that JOSE
 * allows there is a way for the sender to choose what the receiver does: where
 * keys come from (`jku`, `x5u`, `jwk`, `x5c`), what must be understood (`crit`,
 * `b64`), how much work it is (`zip`, `p2c`). So nothing is ever followed.
 *
 * @throws {TokenRefused} with the reason.
 */
export function parseCompactJws(text: string): CompactJws {
  if (text.length > MAX_TOKEN) throw new TokenRefused('too long');
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  // An encrypted token has five segments, an unsigned one an empty third.
  if (first < 1 || second <= first + 1 || second === text.length - 1 || text.includes('.', second + 1)) {
    throw new TokenRefused('not a compact JWS');
  }
  const header = parseHeader(segment(text, 0, first));
  const signature = segment(text, second + 1);
  if (signature.length !== SIGNATURE_BYTES) throw new TokenRefused('a bad signature');
  const payload = parseObject(segment(text, first + 1, second), 'a payload that is not strict JSON');
  // The segments are ASCII, so a character is a byte.
  return { header, payload, signingInput: Buffer.from(text.slice(0, second), 'latin1'), signature };
}

function segment(text: string, start: number, end?: number): Uint8Array {
  const bytes = base64urlBytes(text.slice(start, end));
  if (bytes === null) throw new TokenRefused('not base64url');
  return bytes;
}

function parseObject(bytes: Uint8Array, reason: TokenRefusal): Values {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (error) {
    // Not kept as the cause: a parser's message quotes what it could not read.
    if (error instanceof JsonRefused) throw new TokenRefused(reason);
    throw error;
  }
  if (!isObject(value)) throw new TokenRefused(reason);
  return value;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseHeader(bytes: Uint8Array): JoseHeader {
  let alg: unknown;
  let typ: unknown;
  let kid: unknown;
  for (const [name, value] of Object.entries(parseObject(bytes, 'a header that is not strict JSON'))) {
    if (name === 'alg') alg = value;
    else if (name === 'typ') typ = value;
    else if (name === 'kid') kid = value;
    else throw new TokenRefused('a header member that is not allowed');
  }
  const algorithm = findSigningAlgorithm(alg);
  if (algorithm === null) throw new TokenRefused('another algorithm');
  if (typeof typ !== 'string') throw new TokenRefused('another type');
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > MAX_KEY_ID) {
    throw new TokenRefused('no key id');
  }
  return { alg: algorithm, typ, kid };
}

/**
 * Verifies a signature of 64 bytes with the algorithm of the key (RFC 8037
 * §3.1, RFC 7518 §3.4). It returns nothing and throws, so that an answer cannot
 * be overlooked.
 *
 * @throws {TokenRefused} `a bad signature`.
 */
export function verifySignature(
  { algorithm, key }: VerificationKey,
  signingInput: Uint8Array,
  signature: Uint8Array,
): void {
  if (signature.length !== SIGNATURE_BYTES || !CHECKS[algorithm](key, signingInput, signature)) {
    throw new TokenRefused('a bad signature');
  }
}

type Check = (key: KeyObject, signingInput: Uint8Array, signature: Uint8Array) => boolean;

const CHECKS: Readonly<Record<SigningAlgorithm, Check>> = {
  EdDSA: (key, signingInput, signature) => verify(null, signingInput, key, signature),
  ES256: (key, signingInput, signature) => {
    const der = derSignature(signature);
    return der !== null && verify('sha256', signingInput, key, der);
  },
};

const SCALAR_BYTES = 32;

/**
 * The DER form of r and s, or `null` where one of them is zero, which some
 * implementations accepted for any message (FIPS 186-5 §6.4.2 step 1; the other
 * end of the range is left to node:crypto). Written here because
 * `dsaEncoding: 'ieee-p1363'` costs up to the time of the verification once more.
 */
function derSignature(signature: Uint8Array): Uint8Array | null {
  const r = derInteger(signature.subarray(0, SCALAR_BYTES));
  const s = derInteger(signature.subarray(SCALAR_BYTES));
  if (r === null || s === null) return null;
  return Buffer.concat([Uint8Array.of(0x30, r.length + s.length), r, s]);
}

/** Tag, length and the shortest form of a positive number (X.690 §8.3). */
function derInteger(scalar: Uint8Array): Uint8Array | null {
  const start = scalar.findIndex((byte) => byte !== 0);
  if (start === -1) return null;
  const digits = scalar.subarray(start);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return Uint8Array.of(0x02, sign.length + digits.length, ...sign, ...digits);
}
