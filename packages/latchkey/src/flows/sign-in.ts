import type { Acr, Amr, Position, Principal, UserId } from '@latchkey/verify';
import { failure, isFailure } from '../errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { parseEmail } from '../identity/email.ts';
import { networkOf } from '../identity/throttle.ts';
import type { Trust } from '../revocation/revocation-log.ts';
import { newSession, type Origin, principalOf } from '../sessions/session.ts';
import { carryOver } from '../sessions/session-data.ts';
import type { PasswordRecord, SessionReading, Tables } from '../stores/store.ts';
import { type CheckedPassword, checkPassword } from './check-password.ts';
import type { Rooms } from './rooms.ts';

/** A session that has just begun, and the cookie for its owner. */
export interface SignedIn {
  readonly principal: Principal;
  readonly cookie: Secret;
}

/** Who signs in from where. */
export interface Visitor {
  /** The name of a configured client. */
  readonly client: string;
  readonly origin: Origin;
  /** The living session that the request holds: its data are carried over if it has no user, and it ends. */
  readonly before: SessionReading | null;
}

export const PASSWORD_ACR: Acr = 'aal1';
export const PASSWORD_AMR: readonly Amr[] = ['pwd'];

type Uses = Pick<
  Rooms,
  'config' | 'store' | 'clock' | 'log' | 'hasher' | 'hashQueue' | 'passwordRules' | 'throttle' | 'emit'
>;

/**
 * Signs in by address and password. Throttled by network and account, then
 * queued, all before the user is looked up.
 *
 * @throws `LK_CREDENTIALS_REFUSED` (as shown), `LK_THROTTLED`, `LK_BUSY`, `LK_REQUEST_INVALID`, `LK_STORE_UNAVAILABLE`.
 */
export async function signIn(
  rooms: Uses,
  input: { readonly email: string; readonly password: string },
  visitor: Visitor,
): Promise<SignedIn> {
  const { ip } = visitor.origin;
  const { key } = parseEmail(input.email);
  const network = networkOf(ip);
  try {
    await rooms.throttle.network(network);
    await rooms.throttle.account(key);
    const checked = await rooms.hashQueue.run(network, () =>
      checkPassword(rooms, { emailKey: key }, input.password),
    );
    const { result } = await rooms.log.change(async (tables, trust) => {
      await tables.attempts.reset(checked.user.id);
      return beginSession(rooms, tables, trust, { userId: checked.user.id, rs: checked.rs }, visitor);
    });
    await rooms.throttle.succeeded(key);
    rooms.emit({
      type: 'signed_in',
      user: checked.user.id,
      session: result.principal.session.id,
      client: visitor.client,
      ip,
    });
    rehashLater(rooms, checked, input.password);
    return result;
  } catch (error) {
    if (isFailure(error))
      rooms.emit({ type: 'sign_in_refused', code: error.code, client: visitor.client, ip });
    throw error;
  }
}

/**
 * Writes the session of a login, in the transaction of the flow that proved who
 * it is. The session that the request held before ends: no id and no secret
 * survives a login (ASVS 7.2.4).
 *
 * @throws `LK_SESSION_REVOKED`, shown as a general refusal, where trust in the user
 *   ended after `rs`: while a password was being checked, another was set (R1).
 */
export async function beginSession(
  rooms: Pick<Rooms, 'config' | 'clock'>,
  tables: Tables,
  trust: Trust,
  proven: { readonly userId: UserId; readonly rs: Position },
  visitor: Visitor,
): Promise<SignedIn> {
  const now = rooms.clock.now();
  const { record, cookie } = newSession({
    now,
    rs: proven.rs,
    client: visitor.client,
    idle: rooms.config.idle,
    absolute: rooms.config.absolute,
    authentication: { userId: proven.userId, authTime: now, acr: PASSWORD_ACR, amr: PASSWORD_AMR },
    origin: visitor.origin,
  });
  if (!(await tables.sessions.create(record))) throw failure('LK_SESSION_REVOKED');
  if (visitor.before !== null) {
    const before = visitor.before.session;
    // Only what nobody owned yet: a user's data never become another's.
    if (before.userId === null) await carryOver(tables, before.id, record.id);
    await trust.revoke({ session: before.id });
  }
  const reading = await tables.sessions.read(record.id);
  const principal = reading === null ? null : principalOf(reading, 'current');
  if (principal === null) throw new TypeError('the session that was just written cannot be read');
  return { principal, cookie };
}

/** After the answer, and only where nobody has changed the password meanwhile. */
function rehashLater(rooms: Uses, { user, password }: CheckedPassword, text: string): void {
  if (!rooms.hasher.needsRehash(password)) return;
  const rehash = async (): Promise<void> => {
    await rehashNow(rooms, password, rooms.passwordRules.normalise(text));
    rooms.emit({ type: 'password_rehashed', user: user.id });
  };
  setImmediate(() => {
    rehash().catch((error: unknown) => rooms.emit({ type: 'failed', error }));
  });
}

async function rehashNow(rooms: Uses, password: PasswordRecord, text: string): Promise<void> {
  const { phc, pepper } = await rooms.hashQueue.run('rehash', () => rooms.hasher.hash(text));
  await rooms.store.passwords.replace(password.userId, password.phc, phc, pepper);
}
