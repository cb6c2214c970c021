import { failure } from '../errors.ts';
import { issueClientToken } from '../tokens/access-token.ts';
import { audienceForClient } from './audiences.ts';
import type { ClientAuthenticator } from './authenticate-client.ts';
import { type IssuedToken, requireRecent, requireRightClock, signerAfter } from './issue.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'bounds' | 'signingKeys'>;

/**
 * Issues an access token to a service for itself (RFC 6749 §4.4). Its key is compared with the
 * row, whatever is remembered: a token outlives what was remembered, and its position is of
 * that reading, so that none is newer than the rotation that has ended its key (R1).
 *
 * @throws `LK_KEY_REFUSED`, shown as `LK_UNAUTHENTICATED`; `LK_CLIENT_REFUSED` where `name` is of
 *   somebody else; `LK_AUDIENCE_REFUSED`; `LK_STORE_UNAVAILABLE`, `LK_NOT_FRESH`.
 */
export async function grantToClient(
  rooms: Uses,
  services: ClientAuthenticator,
  { authorization, name, audience: wanted }: ClientGrantRequest,
): Promise<IssuedToken> {
  const { config, store, bounds } = rooms;
  // Nobody who holds no key raises anything.
  await services.authenticate(authorization);
  await bounds.issueTokens(store, config.accessLife);
  await requireRightClock(rooms);
  const { client, rs, readAt, at } = await services.prove(authorization);
  if (name !== null && name !== client.name) throw failure('LK_CLIENT_REFUSED');
  const audience = await audienceForClient(rooms, client, wanted);
  const expiresAt = at + config.accessLife;
  const content = { issuer: config.origin, audience, client: client.name, issuedAt: at, expiresAt, rs };
  const accessToken = issueClientToken(await signerAfter(rooms, rs), content);
  requireRecent(rooms, readAt);
  return { accessToken, expiresIn: Math.floor(expiresAt / 1_000) - Math.floor(at / 1_000) };
}

/** Who asks for a token of its own. */
export interface ClientGrantRequest {
  /** As `ClientAuthenticator.authenticate` takes it. */
  readonly authorization: string | null;
  /** The client that it says it is besides, or `null`. */
  readonly name: string | null;
  readonly audience: string | null;
}
