import type { Acr, Amr, Position, Seconds, SessionId, Timestamp, Values } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { issueAccessToken } from '../tokens/access-token.ts';
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

/** The audience of a token: whoever is asked for, or the issuer itself. */
export function audienceOf({ config }: Pick<Rooms, 'config'>, wanted: string | null): string {
  if (wanted === null || wanted === config.origin) return config.origin;
  if (!config.audiences.has(wanted)) throw failure('LK_AUDIENCE_REFUSED');
  return wanted;
}

/** Issues an access token; it never outlives its session. */
export function issue(
  { config, signingKeys }: Pick<Rooms, 'config' | 'signingKeys'>,
  grounds: Grounds,
  audience: string,
): IssuedToken {
  const expiresAt = Math.min(grounds.at + config.accessLife, grounds.endsAt ?? Number.POSITIVE_INFINITY);
  const accessToken = issueAccessToken(signingKeys.current, {
    issuer: config.origin,
    audience,
    subject: grounds.who.user.id,
    session: grounds.session,
    client: grounds.client,
    issuedAt: grounds.at,
    expiresAt,
    acr: grounds.acr,
    amr: grounds.amr,
    authTime: grounds.authTime,
    rs: grounds.rs,
    claims: grounds.who.claims satisfies Values,
  });
  return { accessToken, expiresIn: Math.floor(expiresAt / 1_000) - Math.floor(grounds.at / 1_000) };
}
