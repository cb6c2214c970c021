import type { UserId, Values } from '@latchkey/verify';
import { failure, invalid } from '../errors.ts';
import { newId } from '../foundation/ids.ts';
import { parseEmail } from '../identity/email.ts';
import { writeFields } from '../identity/fields.ts';
import { networkOf } from '../identity/throttle.ts';
import type { Tables } from '../stores/store.ts';
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

/** What a new user says of themselves. */
export interface NewUser {
  readonly email: string;
  readonly password: string;
  readonly name: string | null;
  /** What the application's schema adds; the users themselves cannot say it. */
  readonly fields?: Values;
}

/** A user whose password has been hashed, ready to be written in one transaction. */
export interface PreparedUser {
  readonly id: UserId;
  readonly write: (tables: Tables) => Promise<void>;
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/**
 * Creates a user with a password and signs them in.
 *
 * @throws `LK_EMAIL_TAKEN`, which tells that the address is known (the page says so),
 *   `LK_PASSWORD_REFUSED`, `LK_REQUEST_INVALID`, `LK_THROTTLED`, `LK_BUSY`, `LK_STORE_UNAVAILABLE`, `LK_NOT_FRESH`.
 */
export async function signUp(rooms: LoginRooms, input: NewUser, visitor: Visitor): Promise<SignedIn> {
  const network = networkOf(visitor.origin.ip);
  await requireRightClock(rooms);
  await rooms.throttle.network(network);
  const { seq: rs } = await rooms.store.log.head();
  const user = await prepareUser(rooms, input, network);
  const { result } = await rooms.log.change(async (tables, trust) => {
    await user.write(tables);
    return beginSession(rooms, tables, trust, byPassword(user.id, rs, rooms.clock.now()), visitor);
  });
  const { ip } = visitor.origin;
  rooms.emit({
    type: 'signed_up',
    user: user.id,
    session: result.session.id,
    client: visitor.client.name,
    ip,
  });
  return await completeLogin(rooms, result);
}

/**
 * Checks what a new user says of themselves and hashes the password: all that
 * takes time, so that the transaction that writes them takes none.
 *
 * @throws as `signUp`.
 */
export async function prepareUser(
  rooms: Pick<Rooms, 'config' | 'store' | 'clock' | 'hasher' | 'hashQueue' | 'passwordRules'>,
  input: NewUser,
  network: string,
): Promise<PreparedUser> {
  const { email, key } = parseEmail(input.email);
  const name = parseName(input.name);
  rooms.passwordRules.check(input.password, { email, name });
  const fields = await writeFields(rooms.config.userSchema, input.fields ?? {});
  const hashed = await rooms.hashQueue.run(network, async () => {
    if ((await rooms.store.users.findByEmail(key)) !== null) throw failure('LK_EMAIL_TAKEN');
    return rooms.hasher.hash(rooms.passwordRules.normalise(input.password));
  });
  const now = rooms.clock.now();
  const id = newId<'user'>(now);
  const write = async (tables: Tables): Promise<void> => {
    const created = await tables.users.create({
      id,
      email,
      emailKey: key,
      name,
      emailVerifiedAt: null,
      createdAt: now,
      disabledAt: null,
      fields,
    });
    if (!created) throw failure('LK_EMAIL_TAKEN');
    await tables.passwords.put({ userId: id, ...hashed, changedAt: now });
  };
  return { id, write };
}

function parseName(text: string | null): string | null {
  const name = text?.normalize('NFC').trim() ?? '';
  if (name === '') return null;
  if (CONTROL.test(name)) throw invalid('name', 'must not hold control characters');
  if ([...name].length > 200) throw invalid('name', 'may have 200 characters at most');
  return name;
}
