import type { Door } from './door.ts';
import { disableClient, enableClient, listClients, type ManagedClient } from './flows/clients.ts';
import {
  createServiceClient,
  type IssuedKey,
  type RotatedKey,
  rotateClientKey,
} from './flows/service-clients.ts';
import { type Duration, parseDuration } from './foundation/durations.ts';
import type { Receipt } from './revocation/receipts.ts';

/** Clients, as the application manages them. */
export interface Clients {
  /**
   * In the order of the configuration, the default first; after them services by their names,
   * and the disabled that the configuration no longer names.
   */
  list(): Promise<readonly ManagedClient[]>;
  /**
   * Creates a client with a key: a service that answers for audiences. The key is shown once.
   *
   * @throws `LK_REQUEST_INVALID` for a name or an audience that is none; `LK_CLIENT_EXISTS`.
   */
  create(client: { readonly name: string; readonly audiences: readonly string[] }): Promise<IssuedKey>;
  /**
   * Gives a service another key, which is good at once. The one before is good for `grace`
   * more (7 days at most); left out it ends at once, and with it all that was given out for it.
   *
   * @throws `LK_NOT_FOUND` where no service has the name; `LK_REQUEST_INVALID` for a longer grace.
   * @throws {TypeError} for a grace that is no duration.
   */
  rotate(name: string, options?: { readonly grace?: Duration }): Promise<RotatedKey>;
  /**
   * Disables a client: all that was given out through it ends at once, and nothing new is; a
   * service's key is refused.
   *
   * @throws `LK_NOT_FOUND` where there is none.
   */
  disable(name: string): Promise<Receipt>;
  /**
   * Lets a client be used again. A service's key is good again; nothing else that ended comes back.
   *
   * @throws `LK_NOT_FOUND` where there is none.
   */
  enable(name: string): Promise<void>;
}

/** Opens the door to clients. */
export function clientsOf(door: Door): Clients {
  return {
    list: () => door(({ rooms }) => listClients(rooms)),
    create: (client) => door(({ rooms }) => createServiceClient(rooms, client, null)),
    rotate: (name, { grace } = {}) =>
      door(({ rooms }) =>
        rotateClientKey(rooms, { name, grace: grace === undefined ? 0 : parseDuration(grace) }, null),
      ),
    disable: (name) => door(({ rooms }) => disableClient(rooms, name, null)),
    enable: (name) => door(({ rooms }) => enableClient(rooms, name, null)),
  };
}
