import type { UserPrincipal } from '@latchkey/verify';
import { ADMIN_PERMISSION } from '../access/access.ts';
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
