import type { SessionId } from '@latchkey/verify';
import { type LatchkeyOptions, latchkey, sqlite } from 'latchkey';
import { randomBytes } from '../packages/latchkey/src/foundation/random.ts';
import { sessionCookie } from '../packages/latchkey/src/sessions/cookie.ts';
import { newSession } from '../packages/latchkey/src/sessions/session.ts';

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

/** The options of every Latchkey here. */
export function optionsFor(database: string, secret: string): LatchkeyOptions {
  return { url: URL_OF_ALL, secret, store: sqlite(database), throttle: UNTHROTTLED };
}

/** A root secret for one run. */
export function newRootSecret(): string {
  return randomBytes(32).toString('base64');
}

/**
 * Makes a user, and sessions of that user as its sign-ins would have left them.
 * They are written straight into the store: a thousand sign-ins would hash for a
 * quarter of a minute and come to the same rows.
 */
export async function seedSessions(database: string, secret: string, sessions: number): Promise<Seed> {
  const options = optionsFor(database, secret);
  const auth = latchkey(options);
  const email = 'ada@example.com';
  const { id } = await auth.users.create({ email, password: PASSWORD });
  const { store } = options;
  const user = await store.users.findByEmail(email);
  if (user === null) throw new TypeError('the user that was just created cannot be found');
  const { name } = sessionCookie(auth.config);
  const { seq: rs } = await store.log.head();
  const made = await store.transaction(async (tables) => {
    const seeds: { readonly id: SessionId; readonly cookie: string }[] = [];
    for (let index = 0; index < sessions; index += 1) {
      const now = Date.now();
      const { record, cookie } = newSession({
        now,
        rs,
        client: auth.config.defaultClient,
        idle: auth.config.idle,
        absolute: auth.config.absolute,
        authentication: { userId: user.id, authTime: now, acr: 'aal1', amr: ['pwd'] },
        origin: { ip: '127.0.0.1', userAgent: null },
      });
      await tables.sessions.create(record);
      seeds.push({ id: record.id, cookie: `${name}=${cookie.reveal()}` });
    }
    return seeds;
  });
  await auth.close();
  return {
    user: { id, email },
    cookies: made.map(({ cookie }) => cookie),
    sessions: made.map((session) => session.id),
  };
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
