/**
 * Authentication for TypeScript applications: sessions, with a revocation log under them.
 *
 * @module
 */
import { availableParallelism, hostname } from 'node:os';
import { type Clock, type Position, type Principal, systemClock, Tail } from '@latchkey/verify';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Config, type LatchkeyOptions, type ObjectSchema, parseConfig } from './config.ts';
import { failure } from './errors.ts';
import { type ApplicationSession, applicationSession } from './flows/application-session.ts';
import { Authenticator } from './flows/authenticate.ts';
import { revoke } from './flows/end-sessions.ts';
import { Maintenance } from './flows/maintenance.ts';
import type { Rooms } from './flows/rooms.ts';
import { checkRootSecret } from './flows/root-secret-check.ts';
import { createUser, issueSetupToken } from './flows/set-up.ts';
import type { HeaderSource, RequestHead } from './foundation/header-source.ts';
import { Secret } from './foundation/secret.ts';
import { type Connection, isSafe } from './http/exchange.ts';
import { handler } from './http/handler.ts';
import { type OpenApi, openApi } from './http/openapi.ts';
import { type AllowedOrigins, refuseCrossSite } from './http/origin-rule.ts';
import { parseEmail } from './identity/email.ts';
import { hashQueue } from './identity/hash-queue.ts';
import { passwordHasher } from './identity/password-hash.ts';
import { passwordRules } from './identity/password-rules.ts';
import { throttle } from './identity/throttle.ts';
import { type Receipt, Receipts } from './revocation/receipts.ts';
import { RevocationLog, type RevocationTarget } from './revocation/revocation-log.ts';
import { Activity } from './sessions/activity.ts';
import { sessionCookie } from './sessions/cookie.ts';

export { LatchkeyError, type Principal } from '@latchkey/verify';
export { type AuthEvent, type Config, ConfigError, type ConfigLine, type LatchkeyOptions } from './config.ts';
export { CODES, type Code, isFailure } from './errors.ts';
export type { ApplicationSession } from './flows/application-session.ts';
export type { HeaderSource, RequestHead } from './foundation/header-source.ts';
export type { Connection } from './http/exchange.ts';
export type { OpenApi } from './http/openapi.ts';
export type { Receipt, ReceiptState } from './revocation/receipts.ts';
export type { RevocationTarget } from './revocation/revocation-log.ts';
export { sqlite } from './stores/sql/sqlite.ts';
export { type Store, StoreRefused } from './stores/store.ts';

/** The version of this build. */
export const VERSION = '0.1.0';

/** The data that a session schema describes. */
export type SessionData<Schema extends ObjectSchema> = StandardSchemaV1.InferOutput<Schema>;

/** How this node is. */
export interface Status {
  /** Whether the store answered just now. */
  readonly store: boolean;
  /** Whether this node's copy of the log may be relied on; else each check reads the store. */
  readonly fresh: boolean;
  /** Milliseconds since the copy was last known to be whole. */
  readonly lag: number;
  readonly position: Position;
  /** Live entries of the log. */
  readonly revoked: number;
  /** Credentials in the near-cache. */
  readonly remembered: number;
  /** Passwords being hashed, and waiting. */
  readonly hashing: { readonly running: number; readonly waiting: number };
}

/** An authentication system, opened by its first use. */
export interface Latchkey<Data = Record<string, unknown>> {
  readonly config: Config;
  /** Answers requests to `/auth`; never throws. */
  handler(request: Request, connection?: Connection): Promise<Response>;
  /**
   * Who asks: `null` where nothing was presented, or a session before login.
   *
   * An unsafe `Request` that holds the cookie must come from a page of this
   * origin or a listed one. Bare `Headers` do not say their method: the rule for
   * cross-site requests is then the caller's.
   *
   * @throws a code shown as 401 for a credential that is not good; `LK_CREDENTIALS_AMBIGUOUS`;
   *   `LK_ORIGIN_REFUSED`; `LK_STORE_UNAVAILABLE`.
   */
  authenticate(request: RequestHead | HeaderSource): Promise<Principal | null>;
  /**
   * As `authenticate`, where somebody must be signed in.
   *
   * @throws `LK_UNAUTHENTICATED`, and as `authenticate`.
   */
  require(request: RequestHead | HeaderSource): Promise<Principal>;
  /**
   * The session's data of a request, before login too. The first write of a
   * visitor without a session begins one and hands its `Set-Cookie` to `setCookie`.
   *
   * @throws `LK_ORIGIN_REFUSED` for an unsafe request of another site, `LK_CREDENTIALS_AMBIGUOUS`,
   *   `LK_STORE_UNAVAILABLE`; a cookie that is no longer good counts as none.
   */
  session(request: Request, setCookie: (value: string) => void): Promise<ApplicationSession<Data>>;
  readonly users: {
    /**
     * Creates a user with a password.
     *
     * @throws `LK_EMAIL_TAKEN`, `LK_PASSWORD_REFUSED`, `LK_REQUEST_INVALID`, `LK_BUSY`.
     */
    create(user: {
      readonly email: string;
      readonly password: string;
      readonly name?: string | null;
      readonly administrator?: boolean;
    }): Promise<{ readonly id: string }>;
    /**
     * Lets a password be tried again that had failed too often.
     *
     * @throws `LK_NOT_FOUND` where no user has the address.
     */
    unlock(email: string): Promise<void>;
  };
  /** Ends trust in what the target names: sessions now, and everything that follows the log. */
  revoke(target: RevocationTarget): Promise<Receipt>;
  /** A new one-time link that makes the first administrator; `null` where there is one. */
  setupLink(): Promise<Secret | null>;
  status(): Promise<Status>;
  openApi(): OpenApi;
  /** Opens the store and follows the log. A start that failed is tried again by the next call. */
  ready(): Promise<void>;
  /** Writes what is pending and lets go of everything. */
  close(): Promise<void>;
}

/**
 * Makes an authentication system. It opens nothing until it is used or `ready` is called.
 *
 * @throws {ConfigError} with one line that names the option and the remedy.
 */
export function latchkey<Schema extends ObjectSchema = ObjectSchema>(
  options: LatchkeyOptions<Schema> & { readonly clock?: Clock },
): Latchkey<SessionData<Schema>> {
  const clock = options.clock ?? systemClock;
  const config = parseConfig(options, availableParallelism());
  const rooms = compose(config, options, clock);
  const { store, tail, log, activity } = rooms;
  const authenticator = new Authenticator(rooms);
  const maintenance = new Maintenance(rooms);
  const allowed: AllowedOrigins = { own: config.origin, listed: config.origins };

  const open = async (): Promise<void> => {
    await store.open(clock.now());
    try {
      await checkRootSecret(store, config.rootSecret);
      await tail.start();
    } catch (error) {
      await store.close();
      throw error;
    }
    activity.start();
    maintenance.start();
  };
  let opened: Promise<void> | null = null;
  const ready = (): Promise<void> => {
    opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };
  const close = async (): Promise<void> => {
    if (opened === null) return;
    await opened;
    opened = null;
    tail.stop();
    activity.stop();
    maintenance.stop();
    await activity.flush();
    await log.leave();
    await store.close();
  };

  const handle = handler({ rooms, authenticator, allowed }, ready);
  const readsCookie = (headers: HeaderSource): boolean =>
    !headers.has('authorization') && rooms.cookie.find(headers.get('cookie')) !== null;
  const present = async (request: RequestHead | HeaderSource): ReturnType<Authenticator['authenticate']> => {
    await ready();
    if (!('headers' in request)) return authenticator.authenticate(request, false);
    const safe = isSafe(request);
    if (!safe && readsCookie(request.headers)) refuseCrossSite(request, allowed);
    return authenticator.authenticate(request.headers, safe);
  };
  const authenticate = async (request: RequestHead | HeaderSource): Promise<Principal | null> =>
    (await present(request))?.principal ?? null;

  return {
    config,
    handler: (request, connection) => handle(request, connection ?? { peer: null }),
    authenticate,
    require: async (request) => {
      const principal = await authenticate(request);
      if (principal === null) throw failure('LK_UNAUTHENTICATED');
      return principal;
    },
    session: async (request, setCookie) => {
      // It may set the cookie, so a visitor who has none yet is held to the same rule.
      if (!isSafe(request)) refuseCrossSite(request, allowed);
      return applicationSession(rooms, request, () => present(request), setCookie);
    },
    users: {
      create: async ({ email, password, name = null, administrator = false }) => {
        await ready();
        return createUser(rooms, { email, password, name, administrator });
      },
      unlock: async (email) => {
        await ready();
        const user = await store.users.findByEmail(parseEmail(email).key);
        if (user === null) throw failure('LK_NOT_FOUND');
        await store.attempts.reset(user.id);
      },
    },
    revoke: async (target) => {
      await ready();
      return revoke(rooms, target, null);
    },
    setupLink: async () => {
      await ready();
      const token = await issueSetupToken(rooms);
      return token === null ? null : new Secret(`${config.origin}/auth/setup?token=${token.reveal()}`);
    },
    status: async () => statusOf(rooms, authenticator),
    openApi: () => openApi({ origin: config.origin, version: VERSION, cookieName: rooms.cookie.name }),
    ready,
    close,
  };
}

function compose(config: Config, options: LatchkeyOptions, clock: Clock): Rooms {
  const { store } = options;
  const { maxStaleness, nearCacheLife, idle } = config;
  const emit = config.onEvent;
  const failed = (error: unknown): void => emit({ type: 'failed', error });
  const log = new RevocationLog({ store, clock, maxStaleness, nearCacheLife, followerName: hostname() });
  let stale = false;
  const tail = new Tail({
    source: log,
    clock,
    onError: (error) => {
      failed(error);
      if (stale || tail.isFresh()) return;
      stale = true;
      emit({ type: 'log_stale' });
    },
    onConfirmed: () => {
      if (stale) emit({ type: 'log_fresh' });
      stale = false;
    },
  });
  return {
    config,
    clock,
    store,
    log,
    tail,
    receipts: new Receipts({ store, clock, tail, self: log.follower, onError: failed }),
    cookie: sessionCookie(config),
    activity: new Activity({ store, clock, idle, onError: failed }),
    hasher: passwordHasher({ rootSecret: config.rootSecret }),
    hashQueue: hashQueue({ concurrency: config.hashConcurrency, waiting: config.hashQueue }),
    passwordRules: passwordRules({ length: config.passwordLength, contextWords: config.contextWords }),
    throttle: throttle({ network: config.networkRate, account: config.accountRate }),
    emit,
  };
}

async function statusOf(rooms: Rooms, authenticator: Authenticator): Promise<Status> {
  const { store, tail, hashQueue: queue } = rooms;
  const answered = await store.log.head().then(
    () => true,
    () => false,
  );
  return {
    store: answered,
    fresh: tail.isFresh(),
    lag: tail.lag(),
    position: tail.cursor?.seq ?? 0,
    revoked: tail.size,
    remembered: authenticator.remembered,
    hashing: { running: queue.running, waiting: queue.depth },
  };
}
