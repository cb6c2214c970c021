import type { Millis } from '@latchkey/verify';
import { ADMINISTRATOR } from '../access/access.ts';
import { failure } from '../errors.ts';
import { randomBytes } from '../foundation/random.ts';
import { Secret, sha256 } from '../foundation/secret.ts';
import { networkOf } from '../identity/throttle.ts';
import { requireRightClock } from './issue.ts';
import type { Rooms } from './rooms.ts';
import {
  beginSession,
  byPassword,
  completeLogin,
  type LoginRooms,
  type SignedIn,
  type Visitor,
} from './sign-in.ts';
import { type NewUser, prepareUser } from './sign-up.ts';

const SETUP_LIFE: Millis = 3_600_000;
/** By which scanners find it; 22 characters spell 128 bits. */
const FORM = /^lku_[A-Za-z0-9_-]{21}[AQgw]$/;

/**
 * A new one-time token that makes the first administrator, good for an hour; the
 * one before is void. `null` where an administrator exists.
 */
export async function issueSetupToken(rooms: Pick<Rooms, 'store' | 'clock'>): Promise<Secret | null> {
  const token = `lku_${randomBytes(16).toString('base64url')}`;
  return rooms.store.transaction(async (tables) => {
    await tables.lock('administrators');
    if ((await tables.users.countWithRole(ADMINISTRATOR)) > 0) return null;
    await tables.proofs.replace('setup', sha256(token), rooms.clock.now() + SETUP_LIFE);
    return new Secret(token);
  });
}

/** Whether a token could still be spent. */
export async function isSetupToken(rooms: Pick<Rooms, 'store' | 'clock'>, token: string): Promise<boolean> {
  return FORM.test(token) && rooms.store.proofs.find('setup', sha256(token), rooms.clock.now());
}

/**
 * Spends the token: creates the first administrator and signs them in.
 *
 * @throws `LK_CREDENTIALS_REFUSED` for a token that is spent, expired or unknown; otherwise as `signUp`.
 */
export async function setUp(
  rooms: LoginRooms,
  token: string,
  input: NewUser,
  visitor: Visitor,
): Promise<SignedIn> {
  const network = networkOf(visitor.origin.ip);
  await requireRightClock(rooms);
  await rooms.throttle.network(network);
  if (!(await isSetupToken(rooms, token))) throw failure('LK_CREDENTIALS_REFUSED');
  const { seq: rs } = await rooms.store.log.head();
  const user = await prepareUser(rooms, input, network);
  const { result } = await rooms.log.change(async (tables, trust) => {
    await tables.lock('administrators');
    if (!(await tables.proofs.spend('setup', sha256(token), rooms.clock.now())))
      throw failure('LK_CREDENTIALS_REFUSED');
    await user.write(tables);
    await tables.users.assignRole(user.id, ADMINISTRATOR);
    return beginSession(rooms, tables, trust, byPassword(user.id, rs, rooms.clock.now()), visitor);
  });
  const { ip } = visitor.origin;
  rooms.emit({ type: 'administrator_created', user: user.id, session: result.session.id, ip });
  return await completeLogin(rooms, result);
}
