import type { Millis, Timestamp } from '@latchkey/verify';
import { failure, invalid } from '../errors.ts';
import { subjectOf } from '../foundation/ids.ts';
import type { Secret } from '../foundation/secret.ts';
import type { Receipt } from '../revocation/receipts.ts';
import type { ServiceClientRecord } from '../stores/records.ts';
import { newClientKey } from '../tokens/client-key.ts';
import { type Administrator, doneBy, requireStillAdministrator } from './administrator.ts';
import { heldByUser, receiptOf } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'log' | 'tail' | 'receipts' | 'access' | 'emit'>;

/** A key for its owner: it is shown once, and nobody can read it again. */
export interface IssuedKey {
  readonly name: string;
  readonly key: Secret;
}

/** Another key of a client, and what becomes of the one before. */
export interface RotatedKey extends IssuedKey {
  /** Until when the key before stays good; `null` where it has ended. */
  readonly previousUntil: Timestamp | null;
  /** How far the end of what has ended has come: the key before, or with a grace any before that. */
  readonly receipt: Receipt;
}

/** As names of clients in the configuration. */
const NAME = /^[a-z][a-z0-9_-]{0,31}$/;
/** As `tokens.audiences`. */
const AUDIENCE = /^[\x21-\x7e]{1,200}$/;
const MOST_AUDIENCES = 20;
/** Long enough for any roll-out; a key that has leaked has no grace. */
const LONGEST_GRACE: Millis = 7 * 86_400_000;

/**
 * Creates a client with a key: a service that answers for audiences.
 *
 * @throws `LK_REQUEST_INVALID` for a name or an audience that is none; `LK_CLIENT_EXISTS` where a
 *   client has the name, a configured or a disabled one too; as `requireStillAdministrator`.
 */
export async function createServiceClient(
  rooms: Uses,
  { name, audiences }: { readonly name: string; readonly audiences: readonly string[] },
  by: Administrator,
): Promise<IssuedKey> {
  refuseName(name);
  refuseAudiences(rooms, audiences);
  if (rooms.config.clients.has(name)) throw failure('LK_CLIENT_EXISTS');
  const subject = subjectOf('client', name);
  const { key, hash } = newClientKey(subject);
  const client: ServiceClientRecord = {
    subject,
    name,
    audiences: [...new Set(audiences)],
    keyHash: hash,
    previousKeyHash: null,
    previousUntil: null,
    createdAt: rooms.clock.now(),
    rotatedAt: null,
  };
  await rooms.store.transaction(async (tables) => {
    await tables.lock('clients');
    await requireStillAdministrator(rooms, tables, by);
    // One that the configuration no longer names, and that somebody has disabled: what was its is not another's.
    if ((await tables.clients.disabledAt(subject)) !== null) throw failure('LK_CLIENT_EXISTS');
    if (!(await tables.services.create(client))) throw failure('LK_CLIENT_EXISTS');
  });
  rooms.emit({ type: 'client_created', client: name, ...doneBy(by) });
  return { name, key };
}

/**
 * Gives a client another key, which is good at once. The one before is good for `grace`
 * more; without a grace it has leaked, or may have: it ends at once, and with it all that was
 * given out for it, and so does any that had a grace.
 *
 * @throws `LK_NOT_FOUND` where no client with a key has the name; `LK_REQUEST_INVALID`; as
 *   `requireStillAdministrator`.
 */
export async function rotateClientKey(
  rooms: Uses,
  { name, grace }: { readonly name: string; readonly grace: Millis },
  by: Administrator,
): Promise<RotatedKey> {
  if (!Number.isSafeInteger(grace) || grace < 0 || grace > LONGEST_GRACE)
    throw invalid('grace', 'must be 7 days at most');
  const subject = subjectOf('client', name);
  const { key, hash } = newClientKey(subject);
  const { cursor, result: previousUntil } = await rooms.log.change(async (tables, trust) => {
    await tables.lock('clients');
    await requireStillAdministrator(rooms, tables, by);
    const client = await tables.services.hold(subject);
    if (client === null) throw failure('LK_NOT_FOUND');
    const now = rooms.clock.now();
    const previous =
      grace === 0
        ? { previousKeyHash: null, previousUntil: null }
        : { previousKeyHash: client.keyHash, previousUntil: now + grace };
    await tables.services.replaceKey(subject, { keyHash: hash, ...previous }, now);
    trust.apply(grace === 0 ? 'client_key_rotated' : 'client_key_replaced', subject);
    return previous.previousUntil;
  });
  rooms.emit({ type: 'client_key_rotated', client: name, ...doneBy(by) });
  return { name, key, previousUntil, receipt: await receiptOf(rooms, cursor, heldByUser(by)) };
}

function refuseName(name: string): void {
  if (!NAME.test(name))
    throw invalid('name', 'must be lower-case letters, digits, - and _, 32 at most, a letter first');
}

function refuseAudiences({ config }: Pick<Uses, 'config'>, audiences: readonly string[]): void {
  if (audiences.length === 0) throw invalid('audiences', 'must name one at least');
  if (audiences.length > MOST_AUDIENCES) throw invalid('audiences', `may be ${MOST_AUDIENCES} at most`);
  for (const audience of audiences) {
    if (!AUDIENCE.test(audience))
      throw invalid('audiences', 'has one that is not 1 to 200 visible characters');
    // Tokens for the issuer act on accounts: no service answers for that.
    if (audience === config.origin)
      throw invalid('audiences', 'has the issuer, for which no service answers');
  }
}
