import type { Acr, Timestamp, UserId, Values } from '@latchkey/verify';
import type { Client, Config } from '../config.ts';
import { failure } from '../errors.ts';
import { audienceOf } from '../flows/audiences.ts';
import { issue } from '../flows/issue.ts';
import { groundsOf } from '../flows/refresh.ts';
import { setFields, writeRoles } from '../flows/roles.ts';
import type { Rooms } from '../flows/rooms.ts';
import {
  beginSession as beginByFlow,
  completeLogin,
  PASSWORD_ACR,
  PASSWORD_AMR,
  type Proven,
  type SignedIn,
} from '../flows/sign-in.ts';
import { newId } from '../foundation/ids.ts';
import type { Secret } from '../foundation/secret.ts';
import { parseEmail } from '../identity/email.ts';
import { writeFields } from '../identity/fields.ts';
import { causeOfDeath } from '../sessions/session.ts';

/** Who is to be signed in, and how. */
export interface Wanted {
  readonly email: string;
  readonly name?: string | null;
  readonly roles?: readonly string[];
  readonly fields?: Values;
  readonly client?: string;
  readonly acr?: Acr;
  readonly authTime?: Timestamp;
}

/** A session that has just begun, and what its owner may ask of it. */
export interface BegunSession {
  readonly client: Client;
  /** `null` for a client of mode `jwt`. */
  readonly cookie: Secret | null;
  /**
   * An access token that rests on what the store says now.
   *
   * @throws `LK_GRANT_REFUSED` where the session has ended; `LK_AUDIENCE_REFUSED`.
   */
  readonly token: (audience: string | null) => Promise<Secret>;
}

type Uses = Pick<
  Rooms,
  'config' | 'clock' | 'store' | 'log' | 'tail' | 'access' | 'claims' | 'signingKeys' | 'emit'
>;

/** Nobody's address and no browser: a test is neither. */
const ORIGIN = { ip: null, userAgent: null };

/**
 * Signs in without a proof, for tests alone. Rows and credentials are those that
 * the flows of sign-up and sign-in make; what is left out is the password, because
 * hashing it is most of the time that they take. The user has none.
 *
 * @throws {TypeError} for a client or a role that is not configured, and for a proof that is yet to come.
 * @throws `LK_REQUEST_INVALID` for an address that is none, and for fields that do not fit the schema.
 */
export async function beginSession(rooms: Uses, wanted: Wanted): Promise<BegunSession> {
  const { clock, store, emit } = rooms;
  const client = clientOf(rooms.config, wanted.client);
  const { acr = PASSWORD_ACR, authTime = clock.now() } = wanted;
  const ahead = authTime - clock.now();
  if (ahead > 0) throw new TypeError(`authTime is ${ahead} ms from now: nobody has proved that yet`);
  const user = await userOf(rooms, wanted);
  const { seq: rs } = await store.log.head();
  const proven: Proven = { userId: user.id, authTime, acr, amr: PASSWORD_AMR, rs };
  const visitor = { client, origin: ORIGIN, before: null };
  const { result } = await rooms.log.change(async (tables, trust) =>
    beginByFlow(rooms, tables, trust, proven, visitor),
  );
  emit({
    type: user.isNew ? 'signed_up' : 'signed_in',
    user: user.id,
    session: result.session.id,
    client: client.name,
    ip: ORIGIN.ip,
  });
  const signedIn = await completeLogin(rooms, result);
  return { client, cookie: result.cookie, token: (audience) => tokenOf(rooms, client, signedIn, audience) };
}

/** Of a session the store is asked anew; a login that leaves none has the one token that it was given. */
async function tokenOf(
  rooms: Uses,
  client: Client,
  { session, token }: SignedIn,
  audience: string | null,
): Promise<Secret> {
  if (token === null) throw new TypeError(`the client ${client.name} is of mode session and has no tokens`);
  if (!client.refresh) {
    if (audience === null) return token.accessToken;
    throw new TypeError(`the client ${client.name} cannot renew, so it has no token for another audience`);
  }
  const reading = await rooms.store.sessions.read(session.id);
  const at = rooms.clock.now();
  if (reading === null || causeOfDeath(reading, at) !== null) throw failure('LK_GRANT_REFUSED');
  const grounds = await groundsOf(rooms, reading, at);
  return (await issue(rooms, grounds, await audienceOf(rooms, audience))).accessToken;
}

function clientOf({ clients, defaultClient }: Config, name: string | undefined): Client {
  const client = name === undefined ? defaultClient : clients.get(name);
  if (client !== undefined) return client;
  throw new TypeError(
    `no client ${JSON.stringify(name)} is configured; there are ${[...clients.keys()].join(', ')}`,
  );
}

/** The user of that address as they are wanted, made where there is none. */
async function userOf(
  rooms: Uses,
  wanted: Wanted,
): Promise<{ readonly id: UserId; readonly isNew: boolean }> {
  const { store, access, emit } = rooms;
  const { email, key } = parseEmail(wanted.email);
  const { roles, fields } = wanted;
  for (const role of roles ?? []) {
    if (!access.roles.has(role)) throw new TypeError(`no role ${JSON.stringify(role)} is configured`);
  }
  const found = await store.users.findByEmail(key);
  if (found === null) {
    const id = await createUser(rooms, { email, key }, wanted);
    // Somebody else was faster with the same address: then there is one.
    return id === null ? userOf(rooms, wanted) : { id, isNew: true };
  }
  const { id } = found;
  if (roles !== undefined) {
    const remove = (await store.users.roles(id)).filter((role) => !roles.includes(role));
    // Also from the last administrator: a test signs in whom it likes.
    await rooms.log.change(async (tables, trust) => writeRoles(tables, trust, id, { add: roles, remove }));
    emit({ type: 'roles_changed', user: id });
  }
  if (fields !== undefined) await setFields(rooms, id, fields);
  return { id, isNew: false };
}

/** `null`, with nothing written, where the address is taken. */
async function createUser(
  { config, clock, store }: Uses,
  { email, key }: ReturnType<typeof parseEmail>,
  { name, roles = [], fields = {} }: Wanted,
): Promise<UserId | null> {
  const text = await writeFields(config.userSchema, fields);
  const called = name?.normalize('NFC').trim() ?? '';
  const now = clock.now();
  const id = newId<'user'>(now);
  const created = await store.transaction(async (tables) => {
    const written = await tables.users.create({
      id,
      email,
      emailKey: key,
      name: called === '' ? null : called,
      emailVerifiedAt: null,
      createdAt: now,
      disabledAt: null,
      fields: text,
    });
    if (!written) return false;
    for (const role of roles) await tables.users.assignRole(id, role);
    return true;
  });
  return created ? id : null;
}
