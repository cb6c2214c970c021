import {
  type Acr,
  type Amr,
  ageOf,
  type Moment,
  type Position,
  type Seconds,
  type SessionId,
  type Timestamp,
  type Values,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { issueAccessToken } from '../tokens/access-token.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import type { Rooms } from './rooms.ts';
import type { Who } from './who.ts';

/** An access token for its owner. */
export interface IssuedToken {
  readonly accessToken: Secret;
  readonly expiresIn: Seconds;
}

/** What an access token rests on: one reading of the store. */
export interface Grounds {
  readonly session: SessionId;
  readonly client: string;
  readonly who: Who;
  readonly acr: Acr;
  readonly amr: readonly Amr[];
  readonly authTime: Timestamp;
  /** The absolute limit of the session; `null` where a login leaves no row. */
  readonly endsAt: Timestamp | null;
  /** The log's head in that reading (R1). */
  readonly rs: Position;
  /** The time of the reading: the token's life counts from its proof (R5). */
  readonly at: Timestamp;
}

/**
 * Refuses to issue anything by a clock that is not the database's: it would be good for
 * too long, or be dead when it arrives. Asked anew first, since a machine that slept has
 * not looked since.
 *
 * @throws `LK_NOT_FRESH`.
 */
export async function requireRightClock({ tail }: Pick<Rooms, 'tail'>): Promise<void> {
  if (tail.isClockRight()) return;
  await tail.catchUp();
  if (!tail.isClockRight()) throw failure('LK_NOT_FRESH', { retryAfter: 1_000 });
}

/**
 * Refuses to hand out what rests on a reading of too long ago, which proves nothing any more (R5).
 *
 * @param readAt when the reading was sent.
 * @throws `LK_STORE_UNAVAILABLE`.
 */
export function requireRecent({ clock, tail }: Pick<Rooms, 'clock' | 'tail'>, readAt: Moment): void {
  if (ageOf(clock, readAt) > tail.maxStaleness) throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
}

/** How long a token on such grounds is good, from whole second to whole second: it never outlives its session. */
export function lifeOf(rooms: Pick<Rooms, 'config'>, grounds: Grounds): Seconds {
  return Math.floor(expiryOf(rooms, grounds) / 1_000) - Math.floor(grounds.at / 1_000);
}

function expiryOf({ config }: Pick<Rooms, 'config'>, { at, endsAt }: Grounds): Timestamp {
  return Math.min(at + config.accessLife, endsAt ?? Number.POSITIVE_INFINITY);
}

/**
 * Issues an access token.
 *
 * @throws as `signerAfter`.
 */
export async function issue(
  rooms: Pick<Rooms, 'config' | 'signingKeys' | 'tail'>,
  grounds: Grounds,
  audience: string,
): Promise<IssuedToken> {
  return signToken(rooms, await signerAfter(rooms, grounds.rs), grounds, audience);
}

/**
 * The key to sign with what was read at that position of the log. None that was revoked
 * before: where this node's copy of the log has not come so far, it is caught up first. So
 * it must not be called inside a transaction.
 *
 * @throws `LK_STORE_UNAVAILABLE` where another key must sign and cannot be read.
 */
export async function signerAfter(
  { signingKeys, tail }: Pick<Rooms, 'signingKeys' | 'tail'>,
  rs: Position,
): Promise<SigningKey> {
  if (rs > (tail.cursor?.seq ?? 0)) await tail.catchUp();
  return await signingKeys.signer();
}

/** Signs an access token with a key that may sign now. */
function signToken(
  rooms: Pick<Rooms, 'config'>,
  key: SigningKey,
  grounds: Grounds,
  audience: string,
): IssuedToken {
  const { config } = rooms;
  const accessToken = issueAccessToken(key, {
    issuer: config.origin,
    audience,
    subject: grounds.who.user.id,
    session: grounds.session,
    client: grounds.client,
    issuedAt: grounds.at,
    expiresAt: expiryOf(rooms, grounds),
    acr: grounds.acr,
    amr: grounds.amr,
    authTime: grounds.authTime,
    rs: grounds.rs,
    claims: grounds.who.claims satisfies Values,
  });
  return { accessToken, expiresIn: lifeOf(rooms, grounds) };
}
