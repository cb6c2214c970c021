import { ConfigError } from '../config.ts';
import type { RootSecret } from '../foundation/root-secret.ts';
import { ROOT_KEY } from '../stores/records.ts';
import type { Store } from '../stores/store.ts';

/**
 * Refuses to go on with a root secret that is not the database's: what was made
 * with the other one could never be checked again.
 *
 * @throws {ConfigError} with one line that names the remedy.
 */
export async function checkRootSecret(store: Store, { current, ring }: RootSecret): Promise<void> {
  const stored = await store.meta.putOnce(ROOT_KEY, current.id);
  const known = new Set(ring.map(({ id }) => id));
  if (!known.has(stored)) {
    throw new ConfigError(
      `the root secret is not the one this database was made with (that one is ${stored}, this one ${current.id}); ` +
        'bring the old one back from its backup, or put it behind the new one: LATCHKEY_SECRET=new,old',
    );
  }
  const missing = (await store.passwords.peppers()).filter((pepper) => !known.has(pepper));
  if (missing.length > 0) {
    throw new ConfigError(
      `some passwords still need the root secret ${missing.join(' and ')}; ` +
        'put it behind the new one until their owners have signed in: LATCHKEY_SECRET=new,old',
    );
  }
  if (stored !== current.id) await store.meta.put(ROOT_KEY, current.id);
}
