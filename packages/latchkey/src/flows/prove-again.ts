import type { Principal } from '@latchkey/verify';
import { failure, isFailure } from '../errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { networkOf } from '../identity/throttle.ts';
import type { Receipt } from '../revocation/receipts.ts';
import type { Trust } from '../revocation/revocation-log.ts';
import { newSessionSecret } from '../sessions/cookie.ts';
import { principalOf } from '../sessions/session.ts';
import type { Tables } from '../stores/store.ts';
import { type CheckedPassword, checkPassword } from './check-password.ts';
import { receiptOf } from './end-sessions.ts';
import type { Rooms } from './rooms.ts';
import { PASSWORD_ACR, PASSWORD_AMR, type SignedIn } from './sign-in.ts';

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
  | 'emit'
>;

/** Who proves again, and what a rotation replaces. */
export interface SessionHolder {
  readonly principal: Principal;
  /** SHA-256 of the secret that was presented. */
  readonly secretHash: Uint8Array;
}

/**
 * Proves again who is there: `auth_time` is now, and the session has a new
 * secret (ASVS 7.2.4, NIST SP 800-63B-4 §5.1).
 *
 * @throws `LK_CREDENTIALS_REFUSED` (as shown), `LK_THROTTLED`, `LK_BUSY`, `LK_UNAUTHENTICATED`.
 */
export async function reauthenticate(
  rooms: Uses,
  holder: SessionHolder,
  password: string,
  ip: string | null,
): Promise<SignedIn> {
  const { principal } = holder;
  await check(rooms, principal, password, ip);
  const { result } = await rooms.log.change(async (tables, trust) => {
    await tables.attempts.reset(principal.id);
    const rotated = await rotate(rooms, tables, holder);
    await trust.sessionChanged(principal.session.id);
    return rotated;
  });
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
): Promise<SignedIn & { readonly receipt: Receipt }> {
  const { principal } = holder;
  const { email, name } = principal.user;
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
    const rotated = await rotate(rooms, tables, holder);
    await endOthers(trust, principal);
    return rotated;
  });
  await rooms.throttle.succeeded(principal.id);
  rooms.emit({ type: 'password_changed', user: principal.id, session: principal.session.id, ip });
  return { ...result, receipt: await receiptOf(rooms, cursor, principal.id) };
}

async function endOthers(trust: Trust, principal: Principal): Promise<void> {
  await trust.revokeOthers(principal.id, principal.session.id);
  await trust.sessionChanged(principal.session.id);
}

async function check(
  rooms: Uses,
  principal: Principal,
  password: string,
  ip: string | null,
): Promise<CheckedPassword> {
  const network = networkOf(ip);
  await rooms.throttle.network(network);
  await rooms.throttle.account(principal.id);
  try {
    return await rooms.hashQueue.run(network, () => checkPassword(rooms, { user: principal.id }, password));
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

/** Only over the very hash that the current password was checked against: of two changes at once, one wins. */
async function replacePassword(
  rooms: Pick<Rooms, 'clock'>,
  tables: Tables,
  checked: CheckedPassword,
  hashed: { readonly phc: string; readonly pepper: string | null },
): Promise<void> {
  const { userId, phc } = checked.password;
  if (!(await tables.passwords.replace(userId, phc, hashed.phc, hashed.pepper))) throw failure('LK_CONFLICT');
  await tables.passwords.put({ userId, ...hashed, changedAt: rooms.clock.now() });
  await tables.attempts.reset(userId);
}

/**
 * R11: a new secret by compare-and-swap on the one that was presented: of many
 * requests at once with the same cookie, one rotates it, so that the browser
 * cannot end up with any but the current one.
 *
 * @throws `LK_UNAUTHENTICATED` where the session has ended or somebody else rotated it meanwhile.
 */
async function rotate(
  rooms: Pick<Rooms, 'clock'>,
  tables: Tables,
  holder: SessionHolder,
): Promise<{ principal: Principal; cookie: Secret }> {
  const { id } = holder.principal.session;
  const before = await tables.sessions.read(id);
  const now = rooms.clock.now();
  if (before === null) throw failure('LK_UNAUTHENTICATED');
  const { value, secretHash } = newSessionSecret(id);
  const rotation = { secretHash, rotatedAt: now, authTime: now, acr: PASSWORD_ACR, amr: PASSWORD_AMR };
  const floored = before.floor !== null && before.floor > before.session.rs;
  if (floored || !(await tables.sessions.rotate(id, holder.secretHash, rotation)))
    throw failure('LK_UNAUTHENTICATED');
  const after = await tables.sessions.read(id);
  const rotated = after === null ? null : principalOf(after, 'current');
  if (rotated === null) throw failure('LK_UNAUTHENTICATED');
  return { principal: rotated, cookie: value };
}
