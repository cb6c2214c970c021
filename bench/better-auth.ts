import { createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { PASSWORD, URL_OF_ALL } from './seed.ts';

/** better-auth as its documentation sets it up for SQLite, with its own defaults, quiet and at home. */
export function betterAuthOn(database: DatabaseSync, secret: string) {
  return betterAuth({
    baseURL: URL_OF_ALL,
    secret,
    database,
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
}

/** Makes one user with sessions in a database that is closed again, and returns `Cookie` headers, one a session. */
export async function seedBetterAuth(
  file: string,
  secret: string,
  sessions: number,
): Promise<readonly string[]> {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL');
  const auth = betterAuthOn(database, secret);
  await (await getMigrations(auth.options)).runMigrations();
  const { user } = await auth.api.signUpEmail({
    body: { email: 'ada@example.com', password: PASSWORD, name: 'Ada' },
  });
  const { internalAdapter, authCookies } = await auth.$context;
  const cookies: string[] = [];
  for (let index = 0; index < sessions; index += 1) {
    const { token } = await internalAdapter.createSession(user.id);
    const signature = createHmac('sha256', secret).update(token).digest('base64');
    cookies.push(`${authCookies.sessionToken.name}=${encodeURIComponent(`${token}.${signature}`)}`);
  }
  database.close();
  return cookies;
}
