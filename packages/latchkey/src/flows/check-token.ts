import {
  type AccessToken,
  clientSubject,
  type Facts,
  type KnownOfToken,
  parseCompactJws,
  principalOf,
  type SessionId,
  type Timestamp,
  TokenRefused,
  type UserAccessToken,
  type Verdict,
  verifyAccessToken,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import { findId, subjectOf } from '../foundation/ids.ts';
import { causeOfDeath } from '../sessions/session.ts';
import { askOfClient, type CheckedToken, clientAnswer, refuseFloor } from './check-client-token.ts';
import type { Rooms } from './rooms.ts';
import { whoIs } from './who.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'claims' | 'signingKeys'>;

/**
 * Verifies an access token of ours. Its signature and what it says are all that
 * is read: no store is asked.
 *
 * @throws `LK_TOKEN_EXPIRED` where all but its time is good, `LK_TOKEN_REFUSED`; both shown as `LK_UNAUTHENTICATED`.
 */
export async function readToken(rooms: Uses, text: string, audience: string): Promise<AccessToken> {
  try {
    return verify(rooms, text, audience);
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    if (error.reason !== 'unknown key') throw refusal(error);
  }
  // Another process may have made a key since this one read them.
  await rooms.signingKeys.refresh();
  try {
    return verify(rooms, text, audience);
  } catch (error) {
    throw error instanceof TokenRefused ? refusal(error) : error;
  }
}

/**
 * As `readToken`, whomever of our audiences it is for: to be asked afterwards, and never to be
 * left out.
 */
export async function readTokenForAny(rooms: Uses, text: string): Promise<AccessToken> {
  return await readToken(rooms, text, claimedBy(text).audience);
}

/** What a token says before anybody has verified it: good for knowing what to look for, and for nothing else. */
export interface Claimed {
  readonly kid: string;
  readonly audience: string;
  readonly session: SessionId | null;
  /** The name of the client whose own token it says it is; `null` for a token of a user. */
  readonly client: string | null;
}

const NOTHING: Claimed = { kid: '', audience: '', session: null, client: null };

/** Reads a token without believing it. */
export function claimedBy(text: string): Claimed {
  try {
    const { header, payload } = parseCompactJws(text);
    const of = (name: string): string => {
      const value: unknown = Object.hasOwn(payload, name) ? payload[name] : null;
      const first: unknown = Array.isArray(value) ? value[0] : value;
      return typeof first === 'string' ? first : '';
    };
    const isOfClient = !Object.hasOwn(payload, 'sid') && of('sub') === clientSubject(of('client_id'));
    return {
      kid: header.kid,
      audience: of('aud'),
      session: findId<'session'>(of('sid')),
      client: isOfClient ? of('client_id') : null,
    };
  } catch (error) {
    if (error instanceof TokenRefused) return NOTHING;
    throw error;
  }
}

function verify({ config, clock, signingKeys }: Uses, text: string, audience: string): AccessToken {
  return verifyAccessToken(text, {
    issuer: config.origin,
    audience,
    key: (kid) => signingKeys.find(kid),
    now: clock.now(),
  });
}

function refusal(error: TokenRefused): Error {
  const code = error.reason === 'expired' ? 'LK_TOKEN_EXPIRED' : 'LK_TOKEN_REFUSED';
  return failure(code, undefined, { cause: error });
}

/**
 * Whether the token is still good, and whom it speaks for. Where the log's copy is
 * fresh and says nothing of it, the token itself is the answer; where facts in it
 * have changed, or the copy cannot tell, the store decides (R2).
 *
 * @throws `LK_TOKEN_REVOKED`, shown as `LK_UNAUTHENTICATED`; `LK_STORE_UNAVAILABLE`.
 */
export async function checkToken(rooms: Uses, token: AccessToken): Promise<CheckedToken> {
  const facts = factsOfToken(rooms, token);
  const verdict = await judge(rooms, facts);
  if (verdict === 'revoked') throw failure('LK_TOKEN_REVOKED');
  if (verdict === 'ok') {
    if (token.kind === 'client') return clientAnswer(token, facts);
    return answer(rooms, token, facts, token, null);
  }
  // Of keys the session's row knows nothing, and a copy that cannot tell may not have heard: their own rows do.
  if (verdict === 'unknown' && (await rooms.store.signingKeys.find(token.kid)) === null)
    throw failure('LK_TOKEN_REVOKED');
  return token.kind === 'client' ? askOfClient(rooms, token, facts) : askStore(rooms, token, facts);
}

/**
 * What the log judges a token by.
 *
 * @throws `LK_TOKEN_REFUSED` where it has no position: none of ours.
 */
export function factsOfToken({ config }: Pick<Uses, 'config'>, token: AccessToken): Facts {
  if (token.rs === null) throw failure('LK_TOKEN_REFUSED');
  return {
    rs: token.rs,
    session: token.session,
    user: token.kind === 'user' ? token.subject : null,
    client: config.clients.get(token.client)?.subject ?? subjectOf('client', token.client),
    signingKey: subjectOf('signing_key', token.kid),
  };
}

/** What the log says: it alone knows which signing keys are trusted no more, so a copy that is too old pulls first. */
async function judge({ tail }: Pick<Uses, 'tail'>, facts: Facts): Promise<Verdict | 'unknown'> {
  if (!tail.isFresh()) await tail.catchUp();
  return tail.check(facts);
}

/**
 * The row decides, or where a login leaves none, the user's.
 *
 * @throws `LK_TOKEN_REVOKED`; `LK_STORE_UNAVAILABLE`.
 */
export async function askStore(rooms: Uses, token: UserAccessToken, facts: Facts): Promise<CheckedToken> {
  const { store, clock } = rooms;
  const reading = await store.sessions.read(token.session);
  if (reading === null) return askWithoutSession(rooms, token, facts);
  const { session, user, roles, floor, head } = reading;
  if (causeOfDeath(reading, clock.now()) !== null) throw failure('LK_TOKEN_REVOKED');
  if (user === null || session.acr === null || session.authTime === null) throw failure('LK_TOKEN_REVOKED');
  refuseFloor(floor, token);
  const { claims } = await whoIs(rooms, user, roles);
  // R11: a token never rises with its session, as a copied cookie does not; it may fall. To rise is to be renewed.
  const acr = session.acr < token.acr ? session.acr : token.acr;
  const authTime = Math.min(token.authTime, Math.floor(session.authTime / 1_000));
  const known = { acr, amr: token.amr, authTime, claims };
  return answer(rooms, token, { ...facts, rs: head }, known, session.expiresAt);
}

/** No row says whether the session was ended: the log does, for as long as its token could be good. */
async function askWithoutSession(rooms: Uses, token: UserAccessToken, facts: Facts): Promise<CheckedToken> {
  const { store, tail } = rooms;
  const client = rooms.config.clients.get(token.client);
  if (client === undefined || client.refresh) throw failure('LK_TOKEN_REVOKED');
  await tail.catchUp();
  const verdict = tail.check(facts);
  if (verdict === 'revoked') throw failure('LK_TOKEN_REVOKED');
  if (verdict === 'unknown') throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
  const reading = await store.users.read(token.subject);
  if (reading === null || reading.user.disabledAt !== null) throw failure('LK_TOKEN_REVOKED');
  refuseFloor(reading.floor, token);
  refuseFloor(await store.log.floor('client', client.subject), token);
  const { claims } = await whoIs(rooms, reading.user, reading.roles);
  return answer(rooms, token, { ...facts, rs: reading.head }, { ...token, claims }, null);
}

function answer(
  { config }: Uses,
  token: UserAccessToken,
  facts: Facts,
  known: KnownOfToken,
  endsAt: Timestamp | null,
): CheckedToken {
  const mode = config.clients.get(token.client)?.mode ?? 'jwt';
  const principal = principalOf(token, known, { mode, expiresAt: endsAt });
  return { principal, audience: token.audience, facts, goodUntil: principal.expiresAt };
}
