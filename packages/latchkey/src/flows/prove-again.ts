import type { CookiePrincipal, UserId, UserPrincipal } from '@latchkey/verify';
import { failure, isFailure } from '../errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { networkOf } from '../identity/throttle.ts';
import type { Receipt } from '../revocation/receipts.ts';
import { newSessionSecret } from '../sessions/cookie.ts';
import type { SessionRecord } from '../stores/records.ts';
import type { Tables } from '../stores/store.ts';
import { principalOf } from './check-cookie.ts';
import { type CheckedPassword, checkPassword } from './check-password.ts';
import { heldByUser, livingSession, receiptOf } from './end-sessions.ts';
import { requireRightClock } from './issue.ts';
import type { Rooms } from './rooms.ts';
import { PASSWORD_ACR, PASSWORD_AMR } from './sign-in.ts';

type Uses = Pick<
  Rooms,
  | 'config'
  | 'store'
  | 'clock'
  | 'log'
  | 'tail'
  | 'receipts'
  | 'hasher'
  | 'hashQueue'
  | 'passwordRules'
  | 'throttle'
  | 'claims'
  | 'emit'
>;

/** Who proves again, and what a rotation replaces. */
export interface SessionHolder {
  readonly principal: UserPrincipal;
  /** SHA-256 of the secret of the session's cookie; `null` where a token alone was presented. */
  readonly secretHash: Uint8Array | null;
}

/** A session whose owner has just proved again who they are. */
export interface Proved {
  readonly principal: CookiePrincipal;
  /** Its new secret; `null` where its cookie was not presented. */
  readonly cookie: Secret | null;
}

/**
 * Proves again who is there: `auth_time` is now, and the session has a new
 * secret (ASVS 7.2.4, NIST SP 800-63B-4 §5.1).
 *
 * @throws `LK_CREDENTIALS_REFUSED` (as shown), `LK_THROTTLED`, `LK_BUSY`, `LK_UNAUTHENTICATED`, `LK_NOT_FRESH`;
 *   `LK_CLIENT_REFUSED` for a login that cannot be renewed.
 */
export async function reauthenticate(
  rooms: Uses,
  holder: SessionHolder,
  password: string,
  ip: string | null,
): Promise<Proved> {
  const { principal } = holder;
  // Said before a password is hashed for nothing: such a login has no row that could rise.
  if (rooms.config.clients.get(principal.session.client)?.refresh === false)
    throw failure('LK_CLIENT_REFUSED');
  const checked = await check(rooms, principal, password, ip);
  const { result } = await refusing(rooms, principal, ip, () =>
    rooms.log.change(async (tables, trust) => {
      await holdUser(tables, principal.id);
      await requireSamePassword(tables, checked);
      const session = await livingSession(rooms, tables, principal);
      if (session === null) throw failure('LK_UNAUTHENTICATED');
      const rotated = await rotate(rooms, tables, holder, session);
      trust.apply('secret_rotated', session.id);
      return rotated;
    }),
  );
  await rooms.throttle.succeeded(principal.id);
  rooms.emit({ type: 'reauthenticated', user: principal.id, session: principal.session.id, ip });
  return result;
}

/**
 * Changes the password, which proves who is there as well. All other sessions
 * end; this one gets a new secret.
 *
 * @throws as `reauthenticate`; `LK_PASSWORD_REFUSED`; `LK_CONFLICT` where it was changed meanwhile.
 */
export async function changePassword(
  rooms: Uses,
  holder: SessionHolder,
  input: { readonly currentPassword: string; readonly newPassword: string },
  ip: string | null,
): Promise<{ readonly cookie: Secret | null; readonly receipt: Receipt }> {
  const { principal } = holder;
  const user = await rooms.store.users.find(principal.id);
  if (user === null) throw failure('LK_UNAUTHENTICATED');
  const { email, name } = user;
  rooms.passwordRules.check(input.newPassword, { email, name });
  const next = rooms.passwordRules.normalise(input.newPassword);
  const checked = await check(rooms, principal, input.currentPassword, ip);
  if (next === rooms.passwordRules.normalise(input.currentPassword)) {
    throw failure('LK_PASSWORD_REFUSED', {
      reason: 'same',
      message: 'This is the password that you have now.',
    });
  }
  const hashed = await rooms.hashQueue.run(networkOf(ip), () => rooms.hasher.hash(next));
  const { result, cursor } = await rooms.log.change(async (tables, trust) => {
    await replacePassword(rooms, tables, checked, hashed);
    const session = await livingSession(rooms, tables, principal);
    // A login that leaves no row has nothing to rotate or to spare: its token ends with the others.
    const rotated = session === null ? null : await rotate(rooms, tables, holder, session);
    trust.apply('password_changed', principal.id, session);
    if (session !== null) trust.apply('secret_rotated', session.id);
    return rotated?.cookie ?? null;
  });
  await rooms.throttle.succeeded(principal.id);
  rooms.emit({ type: 'password_changed', user: principal.id, session: principal.session.id, ip });
  return { cookie: result, receipt: await receiptOf(rooms, cursor, heldByUser(principal)) };
}

async function check(
  rooms: Uses,
  principal: UserPrincipal,
  password: string,
  ip: string | null,
): Promise<CheckedPassword> {
  const network = networkOf(ip);
  await requireRightClock(rooms);
  await rooms.throttle.network(network);
  await rooms.throttle.account(principal.id);
  return await refusing(rooms, principal, ip, () =>
    rooms.hashQueue.run(network, () => checkPassword(rooms, { user: principal.id }, password)),
  );
}

/** Does what may be refused, and tells of it where it is. */
async function refusing<T>(
  rooms: Pick<Rooms, 'emit'>,
  principal: UserPrincipal,
  ip: string | null,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFailure(error)) {
      rooms.emit({
        type: 'reauthentication_refused',
        user: principal.id,
        session: principal.session.id,
        code: error.code,
        ip,
      });
    }
    throw error;
  }
}

/**
 * R1: a session that was spared when the password was changed must not rise by the old one,
 * which was being checked meanwhile. The same one with another hash is the same.
 *
 * @throws `LK_PASSWORD_WRONG`, shown as `LK_CREDENTIALS_REFUSED`.
 */
async function requireSamePassword(tables: Tables, { password }: CheckedPassword): Promise<void> {
  const now = await tables.passwords.hold(password.userId);
  if (now === null || (now.phc !== password.phc && now.changedAt !== password.changedAt))
    throw failure('LK_PASSWORD_WRONG');
}

/** Before any other row of theirs, as everybody who takes more than one; what failed before counts no more. */
async function holdUser(tables: Tables, id: UserId): Promise<void> {
  if ((await tables.users.hold(id)) === null) throw failure('LK_UNAUTHENTICATED');
  await tables.attempts.reset(id);
}

/** Only over the very hash that the current password was checked against: of two changes at once, one wins. */
async function replacePassword(
  rooms: Pick<Rooms, 'clock'>,
  tables: Tables,
  checked: CheckedPassword,
  hashed: { readonly phc: string; readonly pepper: string | null },
): Promise<void> {
  const { userId, phc } = checked.password;
  await holdUser(tables, userId);
  if (!(await tables.passwords.replace(userId, phc, hashed.phc, hashed.pepper))) throw failure('LK_CONFLICT');
  await tables.passwords.put({ userId, ...hashed, changedAt: rooms.clock.now() });
}

/**
 * R11: a new secret by compare-and-swap on the one that was presented: of many
 * requests at once with the same cookie, one rotates it, so that the browser
 * cannot end up with any but the current one. A session that a cookie holds rises
 * only with that cookie at hand: a copy of it must not rise along.
 *
 * @throws `LK_UNAUTHENTICATED` where the session has ended, its cookie is missing, or somebody else
 *   rotated it meanwhile.
 */
async function rotate(
  rooms: Pick<Rooms, 'config' | 'clock' | 'claims'>,
  tables: Tables,
  { secretHash: presented }: SessionHolder,
  session: SessionRecord,
): Promise<Proved> {
  if (presented === null && session.chain === null) throw failure('LK_UNAUTHENTICATED');
  const { id } = session;
  const now = rooms.clock.now();
  const next = newSessionSecret(id);
  // A refresh chain has no cookie out there: its secret is nobody's, and stays.
  const expected = presented ?? session.secretHash;
  const secretHash = presented === null ? expected : next.secretHash;
  const rotation = { secretHash, rotatedAt: now, authTime: now, acr: PASSWORD_ACR, amr: PASSWORD_AMR };
  if (!(await tables.sessions.rotate(id, expected, rotation))) throw failure('LK_UNAUTHENTICATED');
  const after = await tables.sessions.read(id);
  const rotated = after === null ? null : await principalOf(rooms, after, 'current');
  if (rotated === null) throw failure('LK_UNAUTHENTICATED');
  return { principal: rotated, cookie: presented === null ? null : next.value };
}
