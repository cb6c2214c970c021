import {
  type AccessToken,
  type ClientAccessToken,
  type Facts,
  type Principal,
  principalOf,
  type Timestamp,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { Rooms } from './rooms.ts';

/** A good token: whom it speaks for, by what the log judges it, and until when it is good. */
export interface CheckedToken {
  readonly principal: Principal;
  readonly audience: readonly string[];
  readonly facts: Facts;
  readonly goodUntil: Timestamp;
}

/** What a client's own token answers: no more than the token says. */
export function clientAnswer(token: ClientAccessToken, facts: Facts): CheckedToken {
  const principal = principalOf(token, token);
  return { principal, audience: token.audience, facts, goodUntil: principal.expiresAt };
}

/**
 * The client's row decides, where facts have changed or the log cannot tell.
 *
 * @throws `LK_TOKEN_REVOKED`; `LK_STORE_UNAVAILABLE`.
 */
export async function askOfClient(
  { store }: Pick<Rooms, 'store'>,
  token: ClientAccessToken,
  facts: Facts,
): Promise<CheckedToken> {
  const reading = await store.services.read(facts.client);
  if (reading === null || reading.disabledAt !== null) throw failure('LK_TOKEN_REVOKED');
  refuseFloor(reading.floor, token);
  return clientAnswer(token, { ...facts, rs: reading.head });
}

/**
 * R2: a floor speaks of the thing in hand, and a spared session's older tokens are not spared.
 *
 * @throws `LK_TOKEN_REVOKED`.
 */
export function refuseFloor(floor: number | null, token: AccessToken): void {
  if (floor !== null && floor > (token.rs ?? -1)) throw failure('LK_TOKEN_REVOKED');
}
