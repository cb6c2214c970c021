import { type AccessToken, type TokenRefusal, TokenRefused, verifySignature } from '@latchkey/verify';
import { isFailure } from '../errors.ts';
import { findId, subjectOf } from '../foundation/ids.ts';
import type { ServiceClient } from './authenticate-client.ts';
import { askOfClient, type CheckedToken } from './check-client-token.ts';
import { askStore, type Claimed, claimedBy, factsOfToken, readTokenForAny } from './check-token.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'claims' | 'signingKeys'>;

/** A token that is good now, as the store says and not memory. */
export interface Inspected {
  readonly token: AccessToken;
  readonly checked: CheckedToken;
}

/** Whether a token is addressed to the service. */
export function isForClient({ audience }: AccessToken, { audiences }: ServiceClient): boolean {
  return audience.some((each) => audiences.has(each));
}

/**
 * Looks into a token for a service that `isTheirs` says may know of it: `null` for everything
 * else (RFC 7662 §2.2), which cannot be told apart by the work it takes either. Each costs one
 * signature, one reading of the key's row and one of the session's or the client's, as the
 * token claims: what is garbage gets stand-ins for what it does not name.
 *
 * @throws `LK_STORE_UNAVAILABLE`; `LK_CLAIM_REFUSED`.
 */
export async function inspectToken(
  rooms: Uses,
  text: string,
  isTheirs: (token: AccessToken) => boolean,
): Promise<Inspected | null> {
  const { store, tail } = rooms;
  const claimed = claimedBy(text);
  const token = await verified(rooms, text);
  if (!tail.isFresh()) await tail.catchUp();
  // Its row says whether a key is trusted, should this node's copy of the log not know.
  const key = await store.signingKeys.find(claimed.kid);
  if (token === null || key === null || !isTheirs(token)) return await nothing(rooms, claimed);
  const facts = factsOfToken(rooms, token);
  if (tail.check(facts) === 'revoked') return await nothing(rooms, claimed);
  try {
    const checked =
      token.kind === 'client' ? await askOfClient(rooms, token, facts) : await askStore(rooms, token, facts);
    return { token, checked };
  } catch (error) {
    if (isFailure(error, 'LK_TOKEN_REVOKED')) return null;
    throw error;
  }
}

/** Whether a signature had been verified when a token was refused: each reason is named, so that a new one must be. */
const VERIFIED_BEFORE: Readonly<Record<TokenRefusal, boolean>> = {
  'too long': false,
  'not a compact JWS': false,
  'not base64url': false,
  'a header that is not strict JSON': false,
  'a header member that is not allowed': false,
  'another algorithm': false,
  'another type': false,
  'no key id': false,
  'a payload that is not strict JSON': false,
  'unknown key': false,
  'a bad signature': true,
  'a missing or malformed claim': true,
  'another issuer': true,
  'another audience': true,
  'too long a life': true,
  'issued in the future': true,
  'not good yet': true,
  expired: true,
};

/** The token, or `null` where it is none of ours or has expired: after one signature in any case. */
async function verified(rooms: Uses, text: string): Promise<AccessToken | null> {
  try {
    const token = await readTokenForAny(rooms, text);
    return token.rs === null ? null : token;
  } catch (error) {
    if (!isFailure(error) || !(error.cause instanceof TokenRefused)) throw error;
    if (!VERIFIED_BEFORE[error.cause.reason]) verifyStandIn(rooms);
    return null;
  }
}

/** In the range of what both algorithms take for a signature, so that it is refused by its sum and not by its shape. */
const STAND_IN = Buffer.alloc(64, 1);

function verifyStandIn({ signingKeys }: Pick<Uses, 'signingKeys'>): void {
  const key = signingKeys.find(signingKeys.current.kid);
  if (key === null) return;
  try {
    verifySignature(key, STAND_IN, STAND_IN);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
  }
}

/** An id that no session has: it was made in 1970. */
const NO_SESSION = findId<'session'>('A'.repeat(22));

/** The reading that a good token takes, for one that is not. */
async function nothing({ store }: Pick<Uses, 'store'>, { client, session }: Claimed): Promise<null> {
  const id = session ?? NO_SESSION;
  if (client !== null) await store.services.read(subjectOf('client', client));
  else if (id !== null) await store.sessions.read(id);
  return null;
}
