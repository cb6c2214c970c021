import type { UserPrincipal } from '@latchkey/verify';
import { ADMIN_PERMISSION } from '../access/access.ts';
import { failure } from '../errors.ts';
import type { Administrator } from '../flows/administrator.ts';
import { principalIn } from '../flows/authenticate.ts';
import { type Exchange, requirePrincipal } from './exchange.ts';

/**
 * Who asks, if they may administer.
 *
 * @throws `LK_UNAUTHENTICATED` for nobody; `LK_FORBIDDEN` for anybody else.
 */
export async function requireAdministrator(exchange: Exchange): Promise<UserPrincipal> {
  const principal = await requirePrincipal(exchange);
  await exchange.authorizer.authorize(principal, ADMIN_PERMISSION, undefined);
  return principal;
}

/**
 * Who asks, as they are when all of the request has come, for what they do.
 *
 * @throws as `requirePrincipal`.
 */
export async function actingAdministrator(exchange: Exchange): Promise<NonNullable<Administrator>> {
  const { rooms, checkAgain } = exchange;
  const principal = await requirePrincipal(exchange);
  if (rooms.config.clients.get(principal.session.client)?.refresh !== false)
    return { ...principal, judgedTo: null };
  // Position first (R1): by a copy of the log that has come so far nothing below it is overlooked.
  await rooms.tail.catchUp();
  const judgedTo = rooms.tail.cursor?.seq ?? 0;
  const now = principalIn(await checkAgain());
  if (now?.kind !== 'user') throw failure('LK_UNAUTHENTICATED');
  return { ...now, judgedTo };
}
