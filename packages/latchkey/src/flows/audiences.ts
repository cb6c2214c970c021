import { failure } from '../errors.ts';
import type { ServiceClient } from './authenticate-client.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'store'>;

/**
 * The audience of a user's token: whoever is asked for, or the issuer itself. There are those
 * of the configuration and those of services that are not disabled, as the store says now.
 *
 * @throws `LK_AUDIENCE_REFUSED`.
 */
export async function audienceOf(rooms: Uses, wanted: string | null): Promise<string> {
  const { origin, audiences } = rooms.config;
  if (wanted === null || wanted === origin) return origin;
  if (!audiences.has(wanted) && !(await audiencesOfServices(rooms)).has(wanted))
    throw failure('LK_AUDIENCE_REFUSED');
  return wanted;
}

/**
 * The audience of a token that a service gets for itself: whoever is asked for but the issuer,
 * for a service has no account there; left out, the only one there is besides its own.
 *
 * @throws `LK_AUDIENCE_REFUSED`.
 */
export async function audienceForClient(
  rooms: Uses,
  client: ServiceClient,
  wanted: string | null,
): Promise<string> {
  const all = new Set([...rooms.config.audiences, ...(await audiencesOfServices(rooms))]);
  const others = [...all].filter((audience) => !client.audiences.has(audience));
  const [only, ...more] = wanted === null ? others : [wanted];
  if (only === undefined || more.length > 0 || !all.has(only) || only === rooms.config.origin)
    throw failure('LK_AUDIENCE_REFUSED');
  return only;
}

async function audiencesOfServices({ store }: Uses): Promise<Set<string>> {
  return new Set((await store.services.listEnabled()).flatMap(({ audiences }) => audiences));
}
