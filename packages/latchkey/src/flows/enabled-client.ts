import { failure } from '../errors.ts';
import type { Tables } from '../stores/store.ts';

/**
 * Refuses to begin anything through a client that is disabled, in the transaction that
 * would: whoever disables it later ends what was begun, and whoever did so before is seen.
 *
 * @throws `LK_CLIENT_REFUSED`.
 */
export async function requireEnabledClient(tables: Pick<Tables, 'clients'>, subject: string): Promise<void> {
  if ((await tables.clients.disabledAt(subject)) !== null) throw failure('LK_CLIENT_REFUSED');
}
