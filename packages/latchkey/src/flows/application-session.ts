import type { SessionId } from '@latchkey/verify';
import { CODES, failure, isFailure } from '../errors.ts';
import type { RequestHead } from '../foundation/header-source.ts';
import { newSession } from '../sessions/session.ts';
import { readSessionData, updateSessionData } from '../sessions/session-data.ts';
import type { Presented } from './authenticate.ts';
import { requireEnabledClient } from './enabled-client.ts';
import { requireRightClock } from './issue.ts';
import type { Rooms } from './rooms.ts';

/** A session's data, as an application reads and writes them. */
export interface ApplicationSession<Data> {
  /** All of it, with the schema's defaults. */
  read(): Promise<Data>;
  get<Key extends keyof Data & string>(key: Key): Promise<Data[Key]>;
  /**
   * Changes one key by what it is. `change` may be called again where somebody
   * else wrote the key meanwhile, so it must have no effect of its own.
   *
   * @throws `LK_REQUEST_INVALID` where the value does not fit the schema or the data outgrow 16 kB;
   *   `LK_CONFLICT`; a code shown as 401 where the session has ended meanwhile; `LK_CLIENT_REFUSED`
   *   where one would begin through a client that is disabled.
   */
  update<Key extends keyof Data & string>(key: Key, change: (value: Data[Key]) => Data[Key]): Promise<void>;
  set<Key extends keyof Data & string>(key: Key, value: Data[Key]): Promise<void>;
  /** Reads a key and removes it, for notices that are shown once. Of two readers at once, one gets it. */
  take<Key extends keyof Data & string>(key: Key): Promise<Data[Key]>;
}

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'cookie'>;

/**
 * Opens the data of a request's session; see `Latchkey.session`.
 *
 * @throws what `present` does, but for a cookie that is no longer good, which counts as none;
 *   `LK_TOKEN_REFUSED` for a service, which has no session.
 */
export async function applicationSession<Data>(
  rooms: Uses,
  request: RequestHead,
  present: () => Promise<Presented | null>,
  setCookie: (value: string) => void,
): Promise<ApplicationSession<Data>> {
  const { store, config } = rooms;
  const schema = config.sessionSchema;
  const presented = await present().catch((error: unknown) => {
    // R11: the browser has just been given a newer secret of this session; a cookie set now would take it away.
    if (isFailure(error, 'LK_SESSION_ROTATED')) throw error;
    // `Authorization` alone counts: the cookie beside it is neither read nor replaced.
    if (request.headers.has('authorization')) throw error;
    if (isFailure(error) && CODES[error.code].status === 401) return null;
    throw error;
  });
  if (presented?.kind === 'client') throw failure('LK_TOKEN_REFUSED');
  let id = presented?.session.id ?? null;
  let begun: Promise<SessionId> | null = null;

  const begin = async (): Promise<SessionId> => {
    await requireRightClock(rooms);
    const { seq } = await store.log.head();
    const { record, cookie } = newSession({
      now: rooms.clock.now(),
      rs: seq,
      client: config.pageClient ?? config.defaultClient,
      idle: config.idle,
      absolute: config.absolute,
      authentication: null,
      chain: null,
      origin: { ip: null, userAgent: request.headers.get('user-agent') },
    });
    await store.transaction(async (tables) => {
      await requireEnabledClient(tables, record.clientSubject);
      if (!(await tables.sessions.create(record))) throw failure('LK_CONFLICT');
    });
    setCookie(rooms.cookie.set(cookie));
    id = record.id;
    return record.id;
  };
  const update = async (key: string, change: (value: unknown) => unknown): Promise<void> => {
    // Two writes of one request begin one session.
    const session = id ?? (await (begun ??= begin()));
    await updateSessionData(rooms, schema, session, key, change);
  };
  const current = async (): Promise<{ readonly data: Data }> => ({
    // The schema is the application's own, and `Data` is what it answers.
    data: (await readSessionData(store, schema, id)) as Data,
  });
  const get = async <Key extends keyof Data & string>(key: Key): Promise<Data[Key]> => {
    const { data } = await current();
    return data[key];
  };
  const take = async <Key extends keyof Data & string>(key: Key): Promise<Data[Key]> => {
    const { data } = await current();
    let taken: Data[Key] = data[key];
    if (id === null) return taken;
    await update(key, (value) => {
      taken = value as Data[Key];
      return undefined;
    });
    return taken;
  };

  return {
    read: async () => (await current()).data,
    get,
    update: (key, change) => update(key, (value) => change(value as Data[typeof key])),
    set: (key, value) => update(key, () => value),
    take,
  };
}

/**
 * The same data, where whatever fails is thrown as what `become` makes of it: so
 * that an application that lets it pass answers what it means.
 */
export function withFailures<Data>(
  session: ApplicationSession<Data>,
  become: (error: unknown) => unknown,
): ApplicationSession<Data> {
  const done = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw become(error);
    }
  };
  return {
    read: () => done(session.read()),
    get: (key) => done(session.get(key)),
    update: (key, change) => done(session.update(key, change)),
    set: (key, value) => done(session.set(key, value)),
    take: (key) => done(session.take(key)),
  };
}
