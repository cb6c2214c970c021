import { subjectOf } from '../foundation/ids.ts';
import type { Receipt } from '../revocation/receipts.ts';
import { JWKS_MAX_AGE } from '../tokens/key-schedule.ts';
import type { KeyRotation } from '../tokens/key-turns.ts';
import { type Administrator, doneBy, requireStillAdministrator } from './administrator.ts';
import { heldByUser, receiptOf } from './end-sessions.ts';
import type { RevokedBy } from './revoke.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<
  Rooms,
  'config' | 'clock' | 'access' | 'store' | 'log' | 'tail' | 'receipts' | 'signingKeys' | 'emit'
>;

/**
 * Has the next signing key take over as soon as everybody has seen it.
 *
 * @throws `LK_CONFLICT` where the next key was deleted meanwhile; as `requireStillAdministrator`.
 */
export async function rotateSigningKey(rooms: Uses, by: Administrator): Promise<KeyRotation> {
  const { store, signingKeys, emit } = rooms;
  const rotation = await store.transaction(async (tables) => {
    await requireStillAdministrator(rooms, tables, by);
    return signingKeys.rotate(tables);
  });
  emit({ type: 'signing_key_rotated', key: rotation.kid, ...doneBy(by) });
  await readKeys(rooms);
  return rotation;
}

/**
 * Ends trust in a signing key: what it has signed, or will, is good nowhere. Where it was
 * the one that signs, the next one does at once. Nobody is signed out: sessions live, and
 * whoever holds one gets tokens of the other key.
 *
 * @throws `LK_NOT_FOUND`; as `requireStillAdministrator`.
 */
export async function revokeSigningKey(
  rooms: Uses,
  kid: string,
  { by, reason }: RevokedBy,
): Promise<Receipt> {
  const { log, signingKeys, emit } = rooms;
  const { cursor } = await log.change(async (tables, trust) => {
    await requireStillAdministrator(rooms, tables, by);
    await signingKeys.replace(tables, kid);
    trust.apply('signing_key_revoked', subjectOf('signing_key', kid));
  });
  emit({ type: 'signing_key_revoked', key: kid, ...doneBy(by), ...(reason === null ? {} : { reason }) });
  await readKeys(rooms);
  // Who only reads the published keys may go on with them for as long as they may be kept.
  return receiptOf(rooms, cursor, heldByUser(by), JWKS_MAX_AGE * 1_000);
}

/** What was decided is committed: whatever fails from here on must not look as if it were not. */
async function readKeys({ signingKeys, emit }: Uses): Promise<void> {
  await signingKeys.read().catch((error: unknown) => emit({ type: 'failed', error }));
}
