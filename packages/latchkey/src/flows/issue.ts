import type { Acr, Amr, Position, Seconds, SessionId, Timestamp, Values } from '@latchkey/verify';
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

/** How long a token on such grounds is good, from whole second to whole second: it never outlives its session. */
export function lifeOf(rooms: Pick<Rooms, 'config'>, grounds: Grounds): Seconds {
  return Math.floor(expiryOf(rooms, grounds) / 1_000) - Math.floor(grounds.at / 1_000);
}

function expiryOf({ config }: Pick<Rooms, 'config'>, { at, endsAt }: Grounds): Timestamp {
  return Math.min(at + config.accessLife, endsAt ?? Number.POSITIVE_INFINITY);
}

/**
 * Issues an access token. No key signs it that was revoked before its grounds were read:
 * where they rest on a position that this node's copy of the log has not reached, that is
 * caught up first. So it must not be called inside a transaction.
 *
 * @throws `LK_STORE_UNAVAILABLE` where another key must sign and cannot be read.
 */
export async function issue(
  rooms: Pick<Rooms, 'config' | 'signingKeys' | 'tail'>,
  grounds: Grounds,
  audience: string,
): Promise<IssuedToken> {
  const { tail, signingKeys } = rooms;
  if (grounds.rs > (tail.cursor?.seq ?? 0)) await tail.catchUp();
  return signToken(rooms, await signingKeys.signer(), grounds, audience);
}

/** Signs an access token with a key that may sign now. */
export function signToken(
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
