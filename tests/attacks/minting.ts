import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type AccessTokenRules,
  publicJwk,
  type TokenRefusal,
  TokenRefused,
  type VerificationKey,
  verificationKey,
  verifyAccessToken,
} from '@latchkey/verify';

/** Of all tokens here that do not say otherwise, and their audience as well. */
export const ISSUER = 'https://app.example.com';
/** The time by which they are judged, in seconds. */
export const NOW = 1_800_000_000;

/** Who signs: a key of ours, or a thief's. */
export interface Signer {
  readonly published: VerificationKey;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function signerOf({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Signer {
  return { published: verificationKey(publicJwk(publicKey)), privateKey, publicKey };
}
/** A new signer with Ed25519. */
export const edwards = (): Signer => signerOf(generateKeyPairSync('ed25519'));
/** The issuer's key for EdDSA. */
export const ED = edwards();
/** The issuer's key for ES256. */
export const EC = signerOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
/** Both of them. */
export const SIGNERS: readonly Signer[] = [ED, EC];

/** An id of sixteen equal bytes. */
export const idOf = (byte: number): string => Buffer.alloc(16, byte).toString('base64url');
/** What a good token says. */
export const CLAIMS: Readonly<Record<string, unknown>> = {
  iss: ISSUER,
  aud: ISSUER,
  sub: idOf(1),
  sid: idOf(2),
  client_id: 'mobile',
  iat: NOW,
  exp: NOW + 300,
  jti: idOf(3),
  acr: 'aal1',
  amr: ['pwd'],
  auth_time: NOW,
  rs: 1,
};

/** A segment of a token. */
export const spell = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** The signature in the form of RFC 7518 §3.4, with the signer's own algorithm. */
export function signatureOf({ published, privateKey }: Signer, input: string): Buffer {
  return published.algorithm === 'EdDSA'
    ? sign(null, Buffer.from(input), privateKey)
    : sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

/** The header of a good token. */
export const headerOf = ({ published }: Signer): Record<string, unknown> => ({
  alg: published.algorithm,
  typ: 'at+jwt',
  kid: published.kid,
});

/** Signed by the signer's own key, whatever the header says: only what it says can be wrong. */
export function mint(
  signer: Signer,
  header: Record<string, unknown> = {},
  claims: Record<string, unknown> = {},
): string {
  const head = spell(JSON.stringify({ ...headerOf(signer), ...header }));
  const input = `${head}.${spell(JSON.stringify({ ...CLAIMS, ...claims }))}`;
  return `${input}.${spell(signatureOf(signer, input))}`;
}

/** Rules that hold the signers' keys, and the ids of the keys that were asked for. */
export function desk(signers: readonly Signer[] = SIGNERS) {
  const asked: string[] = [];
  const rules: AccessTokenRules = {
    issuer: ISSUER,
    audience: ISSUER,
    key: (kid) => {
      asked.push(kid);
      return signers.find(({ published }) => published.kid === kid)?.published ?? null;
    },
    now: NOW * 1_000,
  };
  return { rules, asked };
}

/** Asserts that the token is refused, for this reason; `null` where more than one reason would do. */
export function assertRefused(
  text: string,
  reason: TokenRefusal | null,
  rules: AccessTokenRules = desk().rules,
): void {
  assert.throws(
    () => verifyAccessToken(text, rules),
    (error: unknown) => error instanceof TokenRefused && (reason === null || error.reason === reason),
    text.slice(0, 200),
  );
}

/** Asserts that it is refused by its shape: no key was looked up, so nothing was computed with one. */
export function assertRefusedUnseen(text: string, reason: TokenRefusal): void {
  const { rules, asked } = desk();
  assertRefused(text, reason, rules);
  assert.deepEqual(asked, []);
}
