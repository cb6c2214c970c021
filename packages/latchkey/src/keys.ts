import type { Door } from './door.ts';
import { revokeSigningKey, rotateSigningKey } from './flows/signing-keys.ts';
import type { Receipt } from './revocation/receipts.ts';
import type { KeyRotation } from './tokens/key-turns.ts';
import type { ListedKey } from './tokens/signing-keys.ts';

/** The keys that sign access tokens, as the application manages them. */
export interface Keys {
  /** Oldest first. */
  list(): Promise<readonly ListedKey[]>;
  /**
   * Has the next key take over as soon as everybody has seen it, six and a half minutes
   * after it was published; where it has been said already which one takes over, answers that.
   *
   * @returns the key that takes over, and when: a moment that has passed means at once.
   */
  rotate(): Promise<KeyRotation>;
  /**
   * Ends trust in a key at once, for an emergency. Where it was the one that signs, the next
   * one does, whether everybody has seen it or not. Nobody is signed out.
   *
   * @throws `LK_NOT_FOUND`
   */
  revoke(kid: string): Promise<Receipt>;
}

/** Opens the door to signing keys. */
export function keysOf(door: Door): Keys {
  return {
    list: () => door(({ rooms }) => rooms.signingKeys.list()),
    rotate: () => door(({ rooms }) => rotateSigningKey(rooms, null)),
    revoke: (kid) => door(({ rooms }) => revokeSigningKey(rooms, kid, { by: null, reason: null })),
  };
}
