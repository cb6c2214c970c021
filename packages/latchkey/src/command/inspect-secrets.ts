import { createHmac } from 'node:crypto';

/** What tutorials, samples and tired people sign with; attackers try these first (RFC 8725 §3.5). */
const WEAK_SECRETS = [
  '',
  'secret',
  'Secret',
  'SECRET',
  'secretkey',
  'secret-key',
  'secret_key',
  'secret123',
  'mysecret',
  'my-secret',
  'my_secret',
  'mysecretkey',
  'my-secret-key',
  'supersecret',
  'super-secret',
  'super_secret',
  'supersecretkey',
  'topsecret',
  'shhhhh',
  'shhhhhhared-secret',
  'your-256-bit-secret',
  'your-384-bit-secret',
  'your-512-bit-secret',
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  'your-secret',
  'your_secret',
  'your-secret-key',
  'your_jwt_secret',
  'jwt',
  'jwtsecret',
  'jwt-secret',
  'jwt_secret',
  'JWT_SECRET',
  'password',
  'password123',
  'changeme',
  'change-me',
  'changeit',
  'default',
  'example',
  'key',
  'private',
  'token',
  'test',
  'testing',
  'dev',
  'development',
  'admin',
  'root',
  'keyboard cat',
  'letmein',
  'qwerty',
  'hello',
  'foobar',
  '123456',
  '12345678',
  '1234567890',
  'null',
  'undefined',
] as const;

const HASHES: ReadonlyMap<string, string> = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

/**
 * Whether a token is signed with one of a few secrets that everybody tries.
 * Which one is not told, since the answer goes into logs.
 */
export function hasWeakSecret(alg: string, signed: string, signature: Uint8Array): boolean {
  const hash = HASHES.get(alg);
  if (hash === undefined) return false;
  return WEAK_SECRETS.some((secret) => createHmac(hash, secret).update(signed).digest().equals(signature));
}
