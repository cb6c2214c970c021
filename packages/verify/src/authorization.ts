import { verifierFailure } from './failures.ts';

/** Where one header is read: `Headers` is one. */
export interface HeaderReader {
  get(name: string): string | null;
}

/** What a credential is found in: a `Request`, its `Headers`, or a request of Node's own server. */
export type Presenting =
  | HeaderReader
  | { readonly headers: HeaderReader }
  | { readonly rawHeaders: readonly string[] };

/**
 * The text after `Bearer` (RFC 6750 §2.1), or `null` where no credential was presented.
 *
 * @throws `LK_CREDENTIALS_AMBIGUOUS` for two, `LK_CREDENTIAL_UNSUPPORTED` for another scheme.
 */
export function findBearer(presenting: Presenting): string | null {
  const authorization = authorizationIn(presenting);
  if (authorization === null) return null;
  // Two headers arrive joined by a comma, which no token of ours contains.
  if (authorization.includes(',')) throw verifierFailure('LK_CREDENTIALS_AMBIGUOUS');
  if (authorization.slice(0, 7).toLowerCase() !== 'bearer ')
    throw verifierFailure('LK_CREDENTIAL_UNSUPPORTED');
  return authorization.slice(7).trimStart();
}

/** Whether any credential was presented, however bad. */
export function presentsCredential(presenting: Presenting): boolean {
  return authorizationIn(presenting) !== null;
}

function authorizationIn(presenting: Presenting): string | null {
  // First: Node's own `headers` keeps the first of two, and nobody would notice.
  if ('rawHeaders' in presenting) return authorizationInRaw(presenting.rawHeaders);
  return ('headers' in presenting ? presenting.headers : presenting).get('authorization');
}

function authorizationInRaw(raw: readonly string[]): string | null {
  let found: string | null = null;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index];
    if (name?.length !== 13 || name.toLowerCase() !== 'authorization') continue;
    const value = raw[index + 1] ?? '';
    found = found === null ? value : `${found}, ${value}`;
  }
  return found;
}
