import { ageOf, type LatchkeyError, momentOf, type Timestamp } from '@latchkey/verify';
import type { Client } from '../config.ts';
import { type Code, failure } from '../errors.ts';
import { findRootKey } from '../foundation/root-secret.ts';
import { equalDigests, type Secret } from '../foundation/secret.ts';
import { causeOfDeath, type Origin } from '../sessions/session.ts';
import type { RefreshChain, SessionReading, SessionRecord } from '../stores/records.ts';
import { judgeGeneration, originDigest } from '../tokens/refresh-chain.ts';
import { isGenuine, parseRefreshToken, type RefreshToken, refreshToken } from '../tokens/refresh-token.ts';
import { audienceOf } from './audiences.ts';
import { type Grounds, type IssuedToken, issue, requireRightClock } from './issue.ts';
import type { Rooms } from './rooms.ts';
import { whoIs } from './who.ts';

/** R10: so many generations in a row, each used by two networks or devices, end the session. */
export const SHARED_LIMIT = 3;
/** How often a refresh that somebody overtook looks again. */
const MAX_TRIES = 8;

/** Who asks for a refresh, besides the token. */
export interface RefreshRequest {
  /** The client that it says it is, or `null`. */
  readonly client: string | null;
  readonly audience: string | null;
  readonly origin: Origin;
  /** Whether a page in a browser asks. */
  readonly inBrowser: boolean;
}

export interface Refreshed extends IssuedToken {
  readonly refreshToken: Secret;
}

type Uses = Pick<
  Rooms,
  'config' | 'store' | 'clock' | 'log' | 'tail' | 'claims' | 'signingKeys' | 'activity' | 'emit'
>;

/** A living session whose chain the token is of, as it was read. */
interface Proven {
  readonly reading: SessionReading;
  readonly session: SessionRecord;
  readonly chain: RefreshChain;
  readonly at: Timestamp;
}

/** The chain whose current token is the answer, and what the access token beside it rests on. */
interface Exchanged {
  readonly chain: RefreshChain;
  readonly grounds: Grounds;
}

/**
 * Exchanges a refresh token. The order is R10's: the row is read, the MAC is
 * compared, then life and client are looked at, and only then is anything
 * written: a forged token changes nothing. The claims of the application are asked
 * for once the generation has been judged, so that none can keep a copied token from
 * ending its session, and before the chain moves on.
 *
 * Rotation is one compare-and-swap on the generation. Everyone who presents the
 * same generation at once gets the same successor, and so does who asks again
 * because an answer was lost. Whatever is older has been copied: its session ends.
 *
 * @throws `LK_REFRESH_REFUSED`, `LK_REFRESH_REUSED`, both shown as `LK_GRANT_REFUSED`;
 *   `LK_CLIENT_REFUSED`, `LK_AUDIENCE_REFUSED`; `LK_CLAIM_REFUSED`; `LK_STORE_UNAVAILABLE`, `LK_NOT_FRESH`.
 */
export async function refresh(rooms: Uses, text: string, request: RefreshRequest): Promise<Refreshed> {
  const token = parseRefreshToken(text);
  // Nothing of ours, so nothing to note: anyone can send as much of it as they like.
  if (token === null) throw failure('LK_REFRESH_REFUSED');
  const audience = await audienceOf(rooms, request.audience);
  await requireRightClock(rooms);
  const { clock, tail } = rooms;
  /** The generation that this request itself has made, should it have to look again. */
  let made: RefreshChain | null = null;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const readAt = momentOf(clock);
    const proven = await prove(rooms, token, request);
    const isOurs: boolean =
      made !== null && made.generation === proven.chain.generation && made.key === proven.chain.key;
    const exchanged: Exchanged | null = isOurs
      ? { chain: proven.chain, grounds: await groundsOf(rooms, proven.reading, proven.at) }
      : await exchange(rooms, proven, token, request);
    made = exchanged?.chain ?? made;
    if (exchanged === null) continue;
    const { chain, grounds } = exchanged;
    const issued = await issue(rooms, grounds, audience);
    // R5: what was read too long ago proves nothing; the next reading finds what this one has made.
    if (ageOf(clock, readAt) > tail.maxStaleness) continue;
    const { session } = proven;
    rooms.activity.note(session.id, session.idleUntil, session.expiresAt);
    return {
      ...issued,
      refreshToken: refreshToken(rooms.config.rootSecret, session.id, chain),
    };
  }
  throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
}

/**
 * The session of a refresh token of whatever generation, for whoever wants to end
 * it; `null` where the token is not one of ours or the session has ended.
 */
export async function sessionOfRefreshToken(
  rooms: Pick<Rooms, 'config' | 'store' | 'clock'>,
  text: string,
): Promise<SessionRecord | null> {
  const token = parseRefreshToken(text);
  const reading = token === null ? null : await rooms.store.sessions.read(token.session);
  if (token === null || reading === null || reading.session.chain === null) return null;
  if (!isGenuine(rooms.config.rootSecret, token, reading.session.chain)) return null;
  return causeOfDeath(reading, rooms.clock.now()) === null ? reading.session : null;
}

async function prove(rooms: Uses, token: RefreshToken, request: RefreshRequest): Promise<Proven> {
  const reading = await rooms.store.sessions.read(token.session);
  const now = rooms.clock.now();
  const chain = reading?.session.chain ?? null;
  if (reading === null || chain === null) throw refused(rooms, request, 'LK_SESSION_UNKNOWN');
  if (!isGenuine(rooms.config.rootSecret, token, chain)) throw refused(rooms, request, 'LK_TOKEN_REFUSED');
  const cause = causeOfDeath(reading, now);
  if (cause !== null) {
    // Whatever a disabled client was given is dead: that it may not begin anew is told to who holds a token of it.
    const disabledAt = await rooms.store.clients.disabledAt(reading.session.clientSubject);
    if (disabledAt === null) throw refused(rooms, request, cause, reading.session);
    refused(rooms, request, 'LK_CLIENT_REFUSED', reading.session);
    throw failure('LK_CLIENT_REFUSED');
  }
  refuseClient(rooms, request, reading.session);
  // Another node has the newer root secret already: the grant is good, and this node cannot serve it.
  if (findRootKey(rooms.config.rootSecret, chain.key) === null)
    throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
  return { reading, session: reading.session, chain, at: now };
}

/**
 * What an access token of a session rests on, as it was read.
 *
 * @throws {TypeError} for a session before login; `LK_CLAIM_REFUSED`.
 */
export async function groundsOf(
  rooms: Pick<Rooms, 'config' | 'claims'>,
  { session, user, roles, head }: SessionReading,
  at: Timestamp,
): Promise<Grounds> {
  const { acr, amr, authTime } = session;
  if (user === null || acr === null || authTime === null)
    throw new TypeError('a session before login has no tokens');
  const who = await whoIs(rooms, user, roles);
  const { id, client, expiresAt: endsAt } = session;
  return { session: id, client, who, acr, amr, authTime, endsAt, rs: head, at };
}

function refuseClient(rooms: Uses, request: RefreshRequest, session: SessionRecord): void {
  const client: Client | undefined = rooms.config.clients.get(session.client);
  if (client === undefined || !client.refresh) throw refused(rooms, request, 'LK_CLIENT_REFUSED', session);
  if (request.client !== null && request.client !== client.name)
    throw refused(rooms, request, 'LK_CLIENT_REFUSED', session);
  if (request.inBrowser && !client.inBrowser) throw failure('LK_CLIENT_REFUSED');
}

/** What the token is exchanged for, or `null` where somebody was faster and all must be read again. */
async function exchange(
  rooms: Uses,
  { reading, session, chain, at }: Proven,
  token: RefreshToken,
  request: RefreshRequest,
): Promise<Exchanged | null> {
  switch (judgeGeneration(chain, token.generation, rooms.clock.now())) {
    case 'ahead':
      throw refused(rooms, request, 'LK_REFRESH_REFUSED', session);
    case 'reused':
      throw await endFamily(rooms, session);
    case 'same': {
      const shared = await shareOrEnd(rooms, session, chain, request);
      return shared === null ? null : { chain: shared, grounds: await groundsOf(rooms, reading, at) };
    }
    case 'rotate': {
      // First, for claims that cannot be made must leave the chain as it was.
      const grounds = await groundsOf(rooms, reading, at);
      const next = await advance(rooms, session, chain, request);
      return next === null ? null : { chain: next, grounds };
    }
  }
}

async function advance(
  { store, config, clock, emit }: Uses,
  { id, userId, client, expiresAt }: SessionRecord,
  chain: RefreshChain,
  { origin }: RefreshRequest,
): Promise<RefreshChain | null> {
  const now = clock.now();
  const next = { key: config.rootSecret.current.id, origin: originDigest(origin) };
  const idleUntil = Math.min(now + config.idle, expiresAt);
  if (!(await store.sessions.advance(id, chain.generation, { ...next, at: now, idleUntil }))) return null;
  emit({
    type: 'refreshed',
    session: id,
    client,
    ip: origin.ip,
    ...(userId === null ? {} : { user: userId }),
  });
  return { ...chain, ...next, generation: chain.generation + 1, generationAt: now };
}

/**
 * The chain as it is, unless two networks or devices use it generation after
 * generation: a thief who always asks within the owner's grace would otherwise
 * never be found. `null` where it has moved on meanwhile: what is handed out must
 * be the current one.
 */
async function shareOrEnd(
  rooms: Uses,
  session: SessionRecord,
  chain: RefreshChain,
  { origin }: RefreshRequest,
): Promise<RefreshChain | null> {
  if (equalDigests(chain.origin, originDigest(origin))) return chain;
  const run = await rooms.store.sessions.share(session.id, chain.generation);
  if (run >= SHARED_LIMIT) throw await endFamily(rooms, session);
  return run === 0 ? null : chain;
}

/** Ends the session once, however many present old tokens at once; answers what to throw. */
async function endFamily(rooms: Uses, { id, userId, client }: SessionRecord): Promise<LatchkeyError> {
  await rooms.log.change(async (tables, trust) => {
    const reading = await tables.sessions.hold(id);
    if (reading === null || causeOfDeath(reading, rooms.clock.now()) !== null) return;
    trust.apply('refresh_reused', id);
  });
  const code = 'LK_REFRESH_REUSED';
  rooms.emit({
    type: 'refresh_reused',
    session: id,
    client,
    code,
    ...(userId === null ? {} : { user: userId }),
  });
  return failure(code);
}

/** Notes the real reason for whoever reads the log, and answers what to throw: from outside all are one. */
function refused(
  { config, emit }: Uses,
  { origin, client }: RefreshRequest,
  code: Code,
  session?: SessionRecord,
): LatchkeyError {
  emit({
    type: 'refresh_refused',
    code,
    ip: origin.ip,
    // As anyone may write what they like there, only a name that is configured.
    ...(client !== null && config.clients.has(client) ? { client } : {}),
    ...(session === undefined ? {} : { session: session.id, client: session.client }),
  });
  return failure('LK_REFRESH_REFUSED');
}
