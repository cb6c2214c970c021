import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { base64urlBytes } from './base64url.ts';

/** The algorithms of signatures: Ed25519 by its name of RFC 8037 §3.1, and ECDSA with P-256 and SHA-256 (RFC 7518 §3.4). */
export type SigningAlgorithm = 'EdDSA' | 'ES256';

/**
 * A public key and the one algorithm it is for: whoever holds the key has no
 * algorithm to choose, and a token has none to offer (RFC 8725 §3.1).
 */
export interface VerificationKey {
  /** The key's RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly key: KeyObject;
}

interface PublishedKey {
  /** The key's RFC 7638 thumbprint. */
  readonly kid: string;
  readonly use: 'sig';
  readonly x: string;
}

/** The members of a JWK as they are published, and no others (RFC 7517 §4, RFC 7518 §6.2.1, RFC 8037 §2). */
export type PublicJwk =
  | (PublishedKey & { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly alg: 'EdDSA' })
  | (PublishedKey & {
      readonly kty: 'EC';
      readonly crv: 'P-256';
      readonly alg: 'ES256';
      readonly y: string;
    });

interface Row {
  readonly algorithm: SigningAlgorithm;
  readonly kty: PublicJwk['kty'];
  readonly crv: PublicJwk['crv'];
  /** Members that hold 32 bytes each. */
  readonly coordinates: readonly string[];
}

const ROWS: readonly Row[] = [
  { algorithm: 'EdDSA', kty: 'OKP', crv: 'Ed25519', coordinates: ['x'] },
  { algorithm: 'ES256', kty: 'EC', crv: 'P-256', coordinates: ['x', 'y'] },
];

const COORDINATE_BYTES = 32;

/**
 * Points of Ed25519 that sign whatever one likes (RFC 8032 §5.1.7), in all their spellings but
 * for the sign, which is the highest bit of the last byte. Node 24 verifies nothing by them,
 * Node 22 does.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** RFC 7518 §6.2.2, §6.3.2 and §6.4, RFC 8037 §2. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** What a thumbprint is made of, in the order in which it is written (RFC 7638 §3.2, RFC 8037 §2). */
const THUMBPRINT_MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
]);

/** The algorithm of this name, or `null`. The names are compared as they are, with their case. */
export function findSigningAlgorithm(name: unknown): SigningAlgorithm | null {
  return ROWS.find((row) => row.algorithm === name)?.algorithm ?? null;
}

/**
 * Reads a published key (RFC 7517 §4). `alg` must be there and fit the type and
 * the curve, so that no token decides what a key is for; `kid` must be the
 * key's own thumbprint, so that no two keys share one; the point must be on its
 * curve (RFC 8725 §3.4). Members that are not understood are ignored.
 *
 * @throws {TypeError} for anything else, a key with a private member among it.
 */
export function verificationKey(jwk: unknown): VerificationKey {
  const members = membersOf(jwk);
  const row = ROWS.find(({ algorithm }) => algorithm === members.get('alg'));
  if (row === undefined) throw new TypeError('a key names its algorithm, EdDSA or ES256');
  if (members.get('kty') !== row.kty || members.get('crv') !== row.crv) {
    throw new TypeError(`a key for ${row.algorithm} is of type ${row.kty} on the curve ${row.crv}`);
  }
  refuseOtherUse(members);
  const point: Record<string, string> = { kty: row.kty, crv: row.crv };
  for (const name of row.coordinates) {
    const value = members.get(name);
    if (typeof value !== 'string' || base64urlBytes(value)?.length !== COORDINATE_BYTES) {
      throw new TypeError(`the member ${name} of a key is 32 bytes in base64url`);
    }
    point[name] = value;
  }
  if (row.algorithm === 'EdDSA' && isOfSmallOrder(point['x'] ?? '')) {
    throw new TypeError('the point of a key is of small order');
  }
  const kid = jwkThumbprint(point);
  if (members.get('kid') !== kid) throw new TypeError('the kid of a key is its thumbprint');
  return { kid, algorithm: row.algorithm, key: keyOnCurve(point) };
}

/**
 * Writes a public key as it is published: what `verificationKey` reads.
 *
 * @throws {TypeError} for a private key, and for one that is for no algorithm of ours.
 */
export function publicJwk(key: KeyObject): PublicJwk {
  if (key.type !== 'public') throw new TypeError('only a public key is published');
  const { kty, crv, x, y } = key.export({ format: 'jwk' });
  const kid = jwkThumbprint({ kty, crv, x, y });
  if (kty === 'OKP' && crv === 'Ed25519' && x !== undefined) {
    return { kty, crv, x, kid, alg: 'EdDSA', use: 'sig' };
  }
  if (kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined) {
    return { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' };
  }
  throw new TypeError('a key is on the curve Ed25519 or P-256');
}

/**
 * The SHA-256 thumbprint of a public key in base64url (RFC 7638 §3). It depends
 * on nothing but the key, so that equal keys have one name everywhere.
 *
 * @throws {TypeError} where a member that it needs is missing or no string.
 */
export function jwkThumbprint(jwk: unknown): string {
  const members = membersOf(jwk);
  const names = THUMBPRINT_MEMBERS.get(members.get('kty'));
  if (names === undefined) throw new TypeError('a thumbprint is of a key of type EC, OKP or RSA');
  const pairs = names.map((name) => {
    const value = members.get(name);
    if (typeof value !== 'string') throw new TypeError(`a thumbprint needs the member ${name}`);
    return [name, value] as const;
  });
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(pairs)))
    .digest('base64url');
}

/** A map, because an object also answers for names that it was not given. */
function membersOf(jwk: unknown): ReadonlyMap<string, unknown> {
  if (typeof jwk !== 'object' || jwk === null) throw new TypeError('a JWK is an object');
  return new Map<string, unknown>(Object.entries(jwk));
}

function refuseOtherUse(members: ReadonlyMap<string, unknown>): void {
  if (PRIVATE_MEMBERS.some((name) => members.has(name))) {
    throw new TypeError('a key that verifies has no private member');
  }
  // RFC 7517 §4.2 and §4.3: both are optional, and a key for something else is not for this.
  if (members.has('use') && members.get('use') !== 'sig') throw new TypeError('the use of a key is sig');
  const operations = members.get('key_ops');
  if (members.has('key_ops') && !(Array.isArray(operations) && operations.includes('verify'))) {
    throw new TypeError('the operations of a key include verify');
  }
}

function isOfSmallOrder(x: string): boolean {
  const bytes = Buffer.from(x, 'base64url');
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(bytes.toString('hex'));
}

function keyOnCurve(point: Record<string, string>): KeyObject {
  try {
    return createPublicKey({ format: 'jwk', key: point });
  } catch (error) {
    throw new TypeError('the point of a key is on its curve', { cause: error });
  }
}
