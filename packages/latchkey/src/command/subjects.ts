import type { Latchkey, ManagedUser, SessionFilter } from '../latchkey.ts';
import { Refused } from './refused.ts';

/**
 * The user that somebody names by address or id.
 *
 * @throws {Refused} where there is none.
 */
export async function userNamed(auth: Latchkey, text: string): Promise<ManagedUser> {
  const user = text.includes('@') ? await auth.users.findByEmail(text) : await auth.users.find(text);
  if (user === null)
    throw new Refused(`no user has the ${text.includes('@') ? 'address' : 'id'} ${JSON.stringify(text)}`);
  return user;
}

/** How many sessions would end, as a sentence begins. */
export async function sessionsOf(auth: Latchkey, filter: SessionFilter): Promise<string> {
  const { items, next } = await auth.sessions.list({ ...filter, limit: 200 });
  if (items.length === 0) return 'No session';
  if (next !== null) return `${items.length} sessions or more`;
  return items.length === 1 ? '1 session' : `${items.length} sessions`;
}
