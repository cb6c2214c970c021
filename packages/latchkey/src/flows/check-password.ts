import type { Position, UserId } from '@latchkey/verify';
import { failure } from '../errors.ts';
import { newId, subjectOf } from '../foundation/ids.ts';
import type { PasswordRecord, UserRecord } from '../stores/records.ts';
import type { Rooms } from './rooms.ts';

/** NIST SP 800-63B-4 §3.2.2: after so many consecutive failures the password is no authenticator any more. */
export const MAX_CONSECUTIVE_FAILURES = 100;

type Uses = Pick<Rooms, 'store' | 'clock' | 'hasher' | 'passwordRules' | 'emit'>;

/** A password that was right, with what it was checked against. */
export interface CheckedPassword {
  /** The log's head before the user was read (R1). */
  readonly rs: Position;
  readonly user: UserRecord;
  readonly password: PasswordRecord;
}

/** Whose password: an address that somebody typed, or a user who is known. */
export type PasswordOwner = { readonly emailKey: string } | { readonly user: UserId };

/**
 * Checks a password. Everything that is refused costs the same work, whether
 * the user is unknown, disabled, locked or the password wrong, so that neither
 * the answer nor its time tells which.
 *
 * The attempt is counted before the password is looked at: many attempts at
 * once can't pass the limit together. Whoever succeeds resets the count.
 *
 * @throws codes shown as `LK_CREDENTIALS_REFUSED`.
 */
export async function checkPassword(
  rooms: Uses,
  owner: PasswordOwner,
  text: string,
): Promise<CheckedPassword> {
  const { store, clock, hasher, passwordRules, emit } = rooms;
  const now = clock.now();
  const { seq: rs } = await store.log.head();
  const user =
    'user' in owner ? await store.users.find(owner.user) : await store.users.findByEmail(owner.emailKey);
  // Who stands in where nobody is known, made in either case: all that follows is the same work.
  const nobody = newId<'user'>(now);
  const standIn = subjectOf('address', 'user' in owner ? owner.user : owner.emailKey);
  const stored = await store.passwords.find(user?.id ?? nobody);
  const subject = user?.id ?? standIn;
  const attempts = await store.attempts.count(subject, now);
  // Said once, with whose it is: refusals alone would not tell an operator whom to unlock.
  if (user !== null && attempts === MAX_CONSECUTIVE_FAILURES + 1)
    emit({ type: 'password_disabled', user: user.id });

  const password = passwordRules.normalise(text);
  const right = stored === null ? await hasher.dummy(password) : await hasher.verify(password, stored);
  if (user === null || stored === null) throw failure('LK_USER_UNKNOWN');
  if (attempts > MAX_CONSECUTIVE_FAILURES) throw failure('LK_PASSWORD_DISABLED');
  if (!right) throw failure('LK_PASSWORD_WRONG');
  if (user.disabledAt !== null) throw failure('LK_USER_DISABLED');
  return { rs, user, password: stored };
}
