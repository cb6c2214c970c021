import { createHash } from 'node:crypto';
import { ROOT_KEY } from '../records.ts';
import type { RestoreOptions, Store } from '../store.ts';
import {
  createSession,
  createUser,
  DAY,
  NOW,
  sampleEntry,
  sampleHash,
  sampleId,
  samplePassword,
  sampleServiceClient,
} from './samples.ts';

/** How a backup is restored, unless a test says otherwise. */
export const OPTIONS: RestoreOptions = {
  now: NOW + DAY,
  replace: true,
  rootKeys: ['root', 'older'],
  seen: 0,
};

/** Something of everything that a backup keeps. */
export async function fill(store: Store) {
  await store.meta.put(ROOT_KEY, 'root');
  await store.meta.put('text', 'a\n"b"\u2028\u{1f511}');
  const disabled = { name: 'Ada', emailVerifiedAt: NOW, disabledAt: NOW + 1, fields: '{"plan":"free"}' };
  const user = await createUser(store, disabled);
  const session = await createSession(store, {
    userId: user.id,
    previousSecretHash: sampleHash(),
    rotatedAt: NOW,
    previousAuthTime: NOW,
    authTime: NOW + 1,
    acr: 'aal1',
    amr: ['pwd'],
    ip: '192.0.2.1',
    device: 'Firefox on Linux',
    chain: {
      nonce: sampleHash().slice(0, 16),
      generation: 3,
      generationAt: NOW,
      key: 'root',
      origin: sampleHash().slice(0, 16),
      sharedRun: 2,
      sharedGeneration: 1,
    },
  });
  const anonymous = await createSession(store);
  await store.data.write(anonymous.id, 'cart', '["lamp"]', 0);
  await store.passwords.put(samplePassword(user.id, { pepper: 'older' }));
  await store.users.assignRole(user.id, 'editor');
  for (let tries = 0; tries < 3; tries += 1) await store.attempts.count(user.id, NOW);
  const client = { subject: sampleId(), name: 'batch' };
  await store.clients.disable(client, NOW);
  const service = sampleServiceClient({
    previousKeyHash: sampleHash(),
    previousUntil: NOW + 1,
    rotatedAt: NOW,
  });
  await store.services.create(service);
  await store.clients.disable(service, NOW);
  await store.log.raiseFloor('user', user.id, 7);
  const key = sampleId();
  const appended = await store.transaction(
    async (tables) =>
      await tables.log.append([
        sampleEntry(),
        sampleEntry({ scope: 'signing_key', subject: key, expiresAt: NOW + 9 * DAY }),
      ]),
  );
  return { user, session, anonymous, client, service, entries: appended.entries };
}

/** The lines of a backup. */
export async function backUp(store: Store): Promise<readonly string[]> {
  return await Array.fromAsync(store.backup(NOW));
}

/** Hands lines out one by one, as a file is read. */
export async function* from(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** Restores a backup over whatever is there, unless `options` say otherwise. */
export function restore(store: Store, lines: readonly string[], options: Partial<RestoreOptions> = {}) {
  return store.restore(() => from(lines), { ...OPTIONS, ...options });
}

/** The rows of a backup, without its first and last line. */
export function rowsOf(lines: readonly string[]): readonly string[] {
  return lines.slice(1, -1);
}

type Header = Readonly<Record<string, unknown>>;

/** A backup as another build, or somebody else, may have written it: whole, with another first line or other rows. */
export function written(
  lines: readonly string[],
  header: (header: Header) => Header,
  rows: (rows: readonly string[]) => readonly string[] = (same) => same,
): readonly string[] {
  const [first = '', last = ''] = [lines[0], lines.at(-1)];
  const all = [JSON.stringify(header(JSON.parse(first) as Header)), ...rows(rowsOf(lines))];
  const hash = createHash('sha256');
  for (const line of all) hash.update(`${line}\n`);
  return [...all, JSON.stringify({ ...(JSON.parse(last) as Header), sha256: hash.digest('base64url') })];
}
