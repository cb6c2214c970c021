import { type Mode, type PublicJwk, type SessionId, systemClock, type UserId } from '@latchkey/verify';
import { type LatchkeyOptions, latchkey, type Store, sqlite } from 'latchkey';
import { postgres } from 'latchkey/postgres';
import { type Grounds, issue } from '../packages/latchkey/src/flows/issue.ts';
import { groundsOf } from '../packages/latchkey/src/flows/refresh.ts';
import type { Rooms } from '../packages/latchkey/src/flows/rooms.ts';
import { createUser } from '../packages/latchkey/src/flows/users.ts';
import { randomBytes } from '../packages/latchkey/src/foundation/random.ts';
import { newSession } from '../packages/latchkey/src/sessions/session.ts';
import type { SessionRecord } from '../packages/latchkey/src/stores/records.ts';
import { compose, type System } from '../packages/latchkey/src/system.ts';
import { newChain } from '../packages/latchkey/src/tokens/refresh-chain.ts';
import { refreshToken } from '../packages/latchkey/src/tokens/refresh-token.ts';

/** The origin in the configuration of every variant, whatever port it listens on: it names the cookie. */
export const URL_OF_ALL = 'http://localhost:3000';
export const PASSWORD = 'lantern orchid gravel seven';

/** Rates that no benchmark reaches. */
const UNTHROTTLED: NonNullable<LatchkeyOptions['throttle']> = {
  network: { attempts: 1_000_000_000, within: '1m' },
  account: { attempts: 1_000_000_000, within: '10m' },
};

/** A user with sessions, in a database that is closed again. */
export interface Seed {
  readonly user: { readonly id: string; readonly email: string };
  /** `Cookie` headers, one a session. */
  readonly cookies: readonly string[];
  readonly sessions: readonly SessionId[];
}

/** The same with what its sessions' owners hold in mode `jwt`. */
export interface TokenSeed extends Seed {
  readonly accessTokens: readonly string[];
  readonly refreshTokens: readonly string[];
  /** The key that the access tokens are verified with. */
  readonly publicKey: PublicJwk;
}

/** The store in a file of SQLite, or in the PostgreSQL that a URL names. */
export function storeOf(database: string): Store {
  return database.startsWith('postgres://') ? postgres(database) : sqlite(database);
}

/** The options of every Latchkey here. Tokens live as long as they may, so that none expires within a run. */
export function optionsFor(database: string, secret: string, mode: Mode = 'session'): LatchkeyOptions {
  return {
    url: URL_OF_ALL,
    secret,
    store: storeOf(database),
    throttle: UNTHROTTLED,
    clients: { web: mode },
    tokens: { life: '15m' },
  };
}

/** A root secret for one run. */
export function newRootSecret(): string {
  return randomBytes(32).toString('base64');
}

/** Makes a user, and sessions of that user as its sign-ins would have left them. */
export async function seedSessions(database: string, secret: string, sessions: number): Promise<Seed> {
  const system = compose(optionsFor(database, secret), systemClock);
  await system.ready();
  const user = await createAda(system);
  const made = await createSessions(system, user.id, sessions);
  await system.close();
  return seedOf(user, made);
}

/** The same for a client of mode `jwt`, with the tokens of each session. */
export async function seedTokens(database: string, secret: string, sessions: number): Promise<TokenSeed> {
  const system = compose(optionsFor(database, secret, 'jwt'), systemClock);
  await system.ready();
  const { rooms } = system;
  const user = await createAda(system);
  const made = await createSessions(system, user.id, sessions);
  const accessTokens: string[] = [];
  const refreshTokens: string[] = [];
  for (const { record } of made) {
    const grounds = await groundsFor(rooms, record.id);
    const { accessToken } = await issue(rooms, grounds, rooms.config.origin);
    accessTokens.push(accessToken.reveal());
    if (record.chain === null) throw new TypeError('a session in mode jwt has a chain');
    refreshTokens.push(refreshToken(rooms.config.rootSecret, record.id, record.chain).reveal());
  }
  const [publicKey] = rooms.signingKeys.published;
  if (publicKey === undefined) throw new TypeError('there is no key that verifies');
  await system.close();
  return { ...seedOf(user, made), accessTokens, refreshTokens, publicKey };
}

/** What an access token of a session rests on, read from the store. */
export async function groundsFor(rooms: Rooms, session: SessionId): Promise<Grounds> {
  const reading = await rooms.store.sessions.read(session);
  if (reading === null) throw new TypeError('the session that was just created cannot be found');
  return groundsOf(rooms, reading, rooms.clock.now());
}

type Ada = Awaited<ReturnType<typeof createAda>>;

async function createAda({ rooms }: System): Promise<{ readonly id: UserId; readonly email: string }> {
  const email = 'ada@example.com';
  const user = { email, password: PASSWORD, name: null, roles: [], fields: {} };
  const { id } = await createUser(rooms, user, null);
  return { id, email };
}

function seedOf({ id, email }: Ada, made: readonly SeededSession[]): Seed {
  return {
    user: { id, email },
    cookies: made.map(({ cookie }) => cookie),
    sessions: made.map(({ record }) => record.id),
  };
}

interface SeededSession {
  readonly record: SessionRecord;
  readonly cookie: string;
}

/**
 * Writes sessions straight into the store: a thousand sign-ins would hash for a
 * quarter of a minute and come to the same rows. They began a minute ago, so that
 * a refresh rotates them.
 */
async function createSessions(
  { rooms }: System,
  userId: UserId,
  count: number,
): Promise<readonly SeededSession[]> {
  const { store, config, clock, cookie } = rooms;
  const { seq: rs } = await store.log.head();
  const { defaultClient: client, idle, absolute, rootSecret } = config;
  const origin = { ip: '127.0.0.1', userAgent: null };
  return store.transaction(async (tables) => {
    const made: SeededSession[] = [];
    for (let index = 0; index < count; index += 1) {
      const now = clock.now() - 60_000;
      const session = newSession({
        now,
        rs,
        client,
        idle,
        absolute,
        authentication: { userId, authTime: now, acr: 'aal1', amr: ['pwd'] },
        chain: client.mode === 'jwt' ? newChain(rootSecret, now, origin) : null,
        origin,
      });
      await tables.sessions.create(session.record);
      made.push({ record: session.record, cookie: `${cookie.name}=${session.cookie.reveal()}` });
    }
    return made;
  });
}

/** Makes users who can sign in with `PASSWORD`, and returns their addresses. */
export async function seedUsers(database: string, secret: string, users: number): Promise<readonly string[]> {
  const auth = latchkey(optionsFor(database, secret));
  const emails = Array.from({ length: users }, (_, index) => `user-${index}@example.com`);
  for (const email of emails) await auth.users.create({ email, password: PASSWORD });
  await auth.close();
  return emails;
}

/** Revokes sessions in a database that nobody has open. */
export async function revokeSessions(
  database: string,
  secret: string,
  sessions: readonly SessionId[],
): Promise<void> {
  const auth = latchkey(optionsFor(database, secret));
  for (const session of sessions) await auth.revoke({ session });
  await auth.close();
}

/** Strings that nobody has hashed or flattened before, as the parser of HTTP makes them. */
export function fresh(texts: readonly string[], passes: number): () => string[] {
  const bytes = texts.map((text) => Buffer.from(text));
  return () => Array.from({ length: passes }, () => bytes.map((text) => text.toString('latin1'))).flat();
}
