import type {
  Acr,
  Amr,
  Position,
  PrincipalSession,
  PrincipalUser,
  SessionId,
  Timestamp,
  UserId,
} from '@latchkey/verify';
import type { Client } from '../config.ts';
import { failure, isFailure } from '../errors.ts';
import { newId } from '../foundation/ids.ts';
import type { Secret } from '../foundation/secret.ts';
import { parseEmail } from '../identity/email.ts';
import { networkOf } from '../identity/throttle.ts';
import type { Trust } from '../revocation/revocation-log.ts';
import {
  type Authentication,
  causeOfDeath,
  newSession,
  type Origin,
  principalSession,
} from '../sessions/session.ts';
import { carryOver } from '../sessions/session-data.ts';
import type { PasswordRecord } from '../stores/records.ts';
import type { Tables } from '../stores/store.ts';
import { newChain } from '../tokens/refresh-chain.ts';
import { refreshToken } from '../tokens/refresh-token.ts';
import type { HeldSession } from './authenticate.ts';
import { type CheckedPassword, checkPassword } from './check-password.ts';
import { requireEnabledClient } from './enabled-client.ts';
import { type Grounds, type IssuedToken, issue, lifeOf, requireRightClock } from './issue.ts';
import { groundsOf } from './refresh.ts';
import type { Rooms } from './rooms.ts';
import { whoIs } from './who.ts';

/** A login that has just happened, and the credentials for its owner. */
export interface SignedIn {
  readonly user: PrincipalUser;
  readonly session: PrincipalSession;
  /** For clients of modes `session` and `hybrid`. */
  readonly cookie: Secret | null;
  /** For clients of modes `jwt` and `hybrid`. */
  readonly token: IssuedToken | null;
  /** For clients of mode `jwt`, unless they are configured without. */
  readonly refreshToken: Secret | null;
}

/** A login that has been written, and whose access token is still to be made. */
export interface Begun extends Omit<SignedIn, 'token'> {
  /** What the token rests on; `null` for a client of mode `session`. */
  readonly grounds: Grounds | null;
}

/** Who signs in from where. */
export interface Visitor {
  readonly client: Client;
  readonly origin: Origin;
  /** The living session that the request holds: its data are carried over if it has no user, and it ends. */
  readonly before: HeldSession | null;
}

export const PASSWORD_ACR: Acr = 'aal1';
export const PASSWORD_AMR: readonly Amr[] = ['pwd'];

/** Who has proved who they are, and how. */
export type Proven = Authentication & {
  /** The log's head before the first fact that the proof rests on was read (R1). */
  readonly rs: Position;
};

/** What a password proves. */
export function byPassword(userId: UserId, rs: Position, now: Timestamp): Proven {
  return { userId, rs, authTime: now, acr: PASSWORD_ACR, amr: PASSWORD_AMR };
}

/** What a login works with, whichever flow it ends. */
export type LoginRooms = Pick<
  Rooms,
  | 'config'
  | 'store'
  | 'clock'
  | 'log'
  | 'tail'
  | 'hasher'
  | 'hashQueue'
  | 'passwordRules'
  | 'throttle'
  | 'claims'
  | 'signingKeys'
  | 'emit'
>;

/**
 * Signs in by address and password. Throttled by network and account, then
 * queued, all before the user is looked up.
 *
 * @throws `LK_CREDENTIALS_REFUSED` (as shown), `LK_THROTTLED`, `LK_BUSY`, `LK_REQUEST_INVALID`, `LK_STORE_UNAVAILABLE`, `LK_NOT_FRESH`.
 */
export async function signIn(
  rooms: LoginRooms,
  input: { readonly email: string; readonly password: string },
  visitor: Visitor,
): Promise<SignedIn> {
  const { ip } = visitor.origin;
  const { key } = parseEmail(input.email);
  const network = networkOf(ip);
  try {
    await requireRightClock(rooms);
    await rooms.throttle.network(network);
    await rooms.throttle.account(key);
    const checked = await rooms.hashQueue.run(network, () =>
      checkPassword(rooms, { emailKey: key }, input.password),
    );
    const { result } = await rooms.log.change(async (tables, trust) => {
      await requireMayBegin(tables, checked.user.id, visitor.client);
      await tables.attempts.reset(checked.user.id);
      const proven = byPassword(checked.user.id, checked.rs, rooms.clock.now());
      return writeLogin(rooms, tables, trust, proven, visitor);
    });
    await rooms.throttle.succeeded(key);
    rooms.emit({
      type: 'signed_in',
      user: checked.user.id,
      session: result.session.id,
      client: visitor.client.name,
      ip,
    });
    rehashLater(rooms, checked, input.password);
    return await completeLogin(rooms, result);
  } catch (error) {
    if (isFailure(error))
      rooms.emit({ type: 'sign_in_refused', code: error.code, client: visitor.client.name, ip });
    throw error;
  }
}

/**
 * Writes the session of a login, in the transaction of the flow that proved who it
 * is; `completeLogin` makes of it what the owner gets. The session that the request
 * held before ends: no id and no secret survives a login (ASVS 7.2.4).
 *
 * @throws `LK_SESSION_REVOKED`, shown as a general refusal, where trust in the user
 *   ended after `rs`: while a password was being checked, another was set (R1);
 *   `LK_USER_DISABLED` and `LK_USER_UNKNOWN`, shown like it; `LK_CLIENT_REFUSED` for a
 *   client that is disabled.
 */
export async function beginSession(
  rooms: Pick<Rooms, 'config' | 'clock' | 'claims'>,
  tables: Tables,
  trust: Trust,
  proven: Proven,
  visitor: Visitor,
): Promise<Begun> {
  await requireMayBegin(tables, proven.userId, visitor.client);
  return await writeLogin(rooms, tables, trust, proven, visitor);
}

/** As `beginSession`, where it is known already that they may. */
async function writeLogin(
  rooms: Pick<Rooms, 'config' | 'clock' | 'claims'>,
  tables: Tables,
  trust: Trust,
  proven: Proven,
  visitor: Visitor,
): Promise<Begun> {
  const { client } = visitor;
  if (!client.refresh) return await beginWithoutRow(rooms, tables, trust, proven, visitor);
  const { config, clock } = rooms;
  const now = clock.now();
  const { record, cookie } = newSession({
    now,
    rs: proven.rs,
    client,
    idle: config.idle,
    absolute: config.absolute,
    authentication: proven,
    origin: visitor.origin,
    chain: client.mode === 'jwt' ? newChain(config.rootSecret, now, visitor.origin) : null,
  });
  if (!(await tables.sessions.create(record))) throw failure('LK_SESSION_REVOKED');
  await endBefore(tables, trust, visitor, record.id);
  const reading = await tables.sessions.read(record.id);
  if (reading === null) throw new TypeError('the session that was just written cannot be read');
  // A floor may have risen since it was written: its head must not go into a token.
  if (causeOfDeath(reading, now) !== null) throw failure('LK_SESSION_REVOKED');
  const grounds = await groundsOf(rooms, reading, now);
  const { chain } = record;
  return {
    user: grounds.who.user,
    session: principalSession(record, client.mode),
    cookie: client.mode === 'jwt' ? null : cookie,
    grounds: client.mode === 'session' ? null : grounds,
    refreshToken: chain === null ? null : refreshToken(config.rootSecret, record.id, chain),
  };
}

/**
 * Asked in the transaction that begins something: whoever is disabled or deleted since the
 * proof was begun gets nothing, and neither does anyone through a client that is disabled.
 */
async function requireMayBegin(tables: Tables, userId: UserId, client: Client): Promise<void> {
  const user = await tables.users.hold(userId);
  if (user === null) throw failure('LK_USER_UNKNOWN');
  if (user.disabledAt !== null) throw failure('LK_USER_DISABLED');
  await requireEnabledClient(tables, client.subject);
}

/**
 * Makes the access token of a login, where its client's mode has one. After the
 * transaction: a key may have to be read, and the log to be caught up with.
 *
 * @throws `LK_STORE_UNAVAILABLE`
 */
export async function completeLogin(
  rooms: Pick<Rooms, 'config' | 'signingKeys' | 'tail'>,
  { grounds, ...login }: Begun,
): Promise<SignedIn> {
  return { ...login, token: grounds === null ? null : await issue(rooms, grounds, rooms.config.origin) };
}

/** A login that leaves no row: an access token, and nothing that renews it. */
async function beginWithoutRow(
  rooms: Pick<Rooms, 'config' | 'clock' | 'claims'>,
  tables: Tables,
  trust: Trust,
  proven: Proven,
  visitor: Visitor,
): Promise<Begun> {
  const { client } = visitor;
  const now = rooms.clock.now();
  await endBefore(tables, trust, visitor, null);
  const reading = await tables.users.read(proven.userId);
  const floors = [reading?.floor ?? null, await tables.log.floor('client', client.subject)];
  if (reading === null || floors.some((floor) => floor !== null && floor > proven.rs))
    throw failure('LK_SESSION_REVOKED');
  const who = await whoIs(rooms, reading.user, reading.roles);
  const id = newId<'session'>(now);
  const grounds: Grounds = {
    session: id,
    client: client.name,
    who,
    acr: proven.acr,
    amr: proven.amr,
    authTime: proven.authTime,
    endsAt: null,
    rs: reading.head,
    at: now,
  };
  const expiresAt = now + lifeOf(rooms, grounds) * 1_000;
  const session = Object.freeze({ id, client: client.name, mode: client.mode, createdAt: now, expiresAt });
  return { user: who.user, session, cookie: null, grounds, refreshToken: null };
}

async function endBefore(
  tables: Tables,
  trust: Trust,
  { before }: Visitor,
  next: SessionId | null,
): Promise<void> {
  if (before === null) return;
  // Only what nobody owned yet: a user's data never become another's.
  if (before.userId === null && next !== null) await carryOver(tables, before.id, next);
  trust.apply('session_replaced', before.id);
}

/** After the answer, and only where nobody has changed the password meanwhile. */
function rehashLater(rooms: LoginRooms, { user, password }: CheckedPassword, text: string): void {
  if (!rooms.hasher.needsRehash(password)) return;
  const rehash = async (): Promise<void> => {
    await rehashNow(rooms, password, rooms.passwordRules.normalise(text));
    rooms.emit({ type: 'password_rehashed', user: user.id });
  };
  setImmediate(() => {
    rehash().catch((error: unknown) => rooms.emit({ type: 'failed', error }));
  });
}

async function rehashNow(rooms: LoginRooms, password: PasswordRecord, text: string): Promise<void> {
  const { phc, pepper } = await rooms.hashQueue.run('rehash', () => rooms.hasher.hash(text));
  await rooms.store.passwords.replace(password.userId, password.phc, phc, pepper);
}
