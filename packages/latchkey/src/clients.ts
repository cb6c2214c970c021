import type { Door } from './door.ts';
import { disableClient, enableClient, listClients, type ManagedClient } from './flows/clients.ts';
import type { Receipt } from './revocation/receipts.ts';

/** Clients, as the application manages them. */
export interface Clients {
  /** In the order of the configuration, the default first; after them the disabled that it no longer names. */
  list(): Promise<readonly ManagedClient[]>;
  /**
   * Disables a client: all that was given out through it ends at once, and nothing new is.
   *
   * @throws `LK_NOT_FOUND` where it is not configured.
   */
  disable(name: string): Promise<Receipt>;
  /**
   * Lets a client be used again. Nothing that ended comes back.
   *
   * @throws `LK_NOT_FOUND` where it is neither configured nor disabled.
   */
  enable(name: string): Promise<void>;
}

/** Opens the door to clients. */
export function clientsOf(door: Door): Clients {
  return {
    list: () => door(({ rooms }) => listClients(rooms)),
    disable: (name) => door(({ rooms }) => disableClient(rooms, name, null)),
    enable: (name) => door(({ rooms }) => enableClient(rooms, name, null)),
  };
}
