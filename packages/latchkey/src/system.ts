import { availableParallelism, hostname } from 'node:os';
import { type Clock, type Millis, Tail } from '@latchkey/verify';
import { type AccessPolicy, compileAccess } from './access/access.ts';
import { type Config, ConfigError, parseConfig } from './config.ts';
import { isFailure } from './errors.ts';
import { Feed } from './feed/feed.ts';
import { Authenticator } from './flows/authenticate.ts';
import { ClientAuthenticator } from './flows/authenticate-client.ts';
import { Authorizer } from './flows/authorize.ts';
import { Forwarder } from './flows/forward.ts';
import { Maintenance } from './flows/maintenance.ts';
import type { Rooms } from './flows/rooms.ts';
import { checkRootSecret } from './flows/root-secret-check.ts';
import { newId } from './foundation/ids.ts';
import { randomBytes } from './foundation/random.ts';
import { within } from './foundation/within.ts';
import { type Handler, handler } from './http/handler.ts';
import type { AllowedOrigins } from './http/origin-rule.ts';
import { hashQueue } from './identity/hash-queue.ts';
import { passwordHasher } from './identity/password-hash.ts';
import { passwordRules } from './identity/password-rules.ts';
import { throttle } from './identity/throttle.ts';
import type { LatchkeyOptions } from './options.ts';
import { Bounds } from './revocation/bounds.ts';
import { Canary } from './revocation/canary.ts';
import { Freshness } from './revocation/freshness.ts';
import { Receipts } from './revocation/receipts.ts';
import { RemoteFollowers } from './revocation/remote-followers.ts';
import { RevocationLog } from './revocation/revocation-log.ts';
import { Watermark } from './revocation/watermark.ts';
import { Activity } from './sessions/activity.ts';
import { sessionCookie } from './sessions/cookie.ts';
import { type Claims, parseClaims } from './tokens/claims.ts';
import { SigningKeys } from './tokens/signing-keys.ts';

/** How long a close waits for a pull of the log, which may hang. */
const PATIENCE: Millis = 2_000;

/** Every part of one deployment on one node, put together and not opened yet. */
export interface System {
  readonly rooms: Rooms;
  readonly authenticator: Authenticator;
  readonly services: ClientAuthenticator;
  readonly authorizer: Authorizer;
  readonly forwarder: Forwarder;
  readonly allowed: AllowedOrigins;
  readonly handle: Handler;
  /** Opens the store and follows the log. A start that failed is tried again by the next call. */
  readonly ready: () => Promise<void>;
  /** Whether it is open, so that a check on the warm path waits for no promise. */
  readonly isOpen: () => boolean;
  /** Whether `ready` was ever called, however it went: the store may have been opened. */
  readonly used: () => boolean;
  /** Writes what is pending and lets go of everything. */
  readonly close: () => Promise<void>;
}

/**
 * Puts a system together.
 *
 * @param canaries whether it sends them, where the configuration says so. Default true.
 * @throws {ConfigError} with one line that names the option and the remedy.
 */
export function compose(
  options: LatchkeyOptions,
  clock: Clock,
  { canaries = true }: { readonly canaries?: boolean } = {},
): System {
  const config = parseConfig(options, availableParallelism());
  const rooms = roomsOf(config, options, clock);
  const authenticator = new Authenticator(rooms);
  const services = new ClientAuthenticator(rooms);
  const authorizer = new Authorizer(rooms);
  const forwarder = new Forwarder(rooms, authenticator);
  const allowed: AllowedOrigins = { own: config.origin, listed: config.origins };
  const { ready, isOpen, used, close } = lifeOf(rooms, canaries);
  return {
    rooms,
    authenticator,
    services,
    authorizer,
    forwarder,
    allowed,
    handle: handler({ rooms, authenticator, services, authorizer, forwarder, allowed }, ready),
    ready,
    isOpen,
    used,
    close,
  };
}

function lifeOf(rooms: Rooms, canaries: boolean): Pick<System, 'ready' | 'isOpen' | 'used' | 'close'> {
  const { store, clock, config, tail, feed, freshness, log, activity, signingKeys, bounds, emit } = rooms;
  const maintenance = new Maintenance(rooms);
  const canary = new Canary({ ...rooms, every: config.canaryEvery });
  const letGo = async (): Promise<void> => {
    // A pull writes that this process follows: none should be on its way when it leaves.
    await within(PATIENCE, tail.stop());
    // Where the store is gone there is nothing to leave, and everything to let go of.
    await log.leave().catch((error: unknown) => emit({ type: 'failed', error }));
    await store.close();
  };
  const open = async (): Promise<void> => {
    await store.open(clock.now());
    try {
      await checkRootSecret(store, config.rootSecret);
      await requireOwnNames(rooms);
      await signingKeys.open();
      // Before the first token: no entry may be too short-lived for it.
      await bounds.confirm(store);
      await tail.start();
    } catch (error) {
      await letGo();
      throw error;
    }
    activity.start();
    maintenance.start();
    feed.resume();
    freshness.start();
    if (canaries) canary.start();
    isOpen = true;
  };
  const end = async (): Promise<void> => {
    isOpen = false;
    freshness.stop();
    feed.stop();
    activity.stop();
    maintenance.stop();
    await canary.stop();
    await activity.flush();
    await letGo();
  };
  let opened: Promise<void> | null = null;
  let closed: Promise<void> = Promise.resolve();
  let isOpen = false;
  let used = false;
  return {
    isOpen: () => isOpen,
    used: () => used,
    ready: () => {
      used = true;
      if (opened === null) {
        // What is being closed is closed before it is opened again.
        const opening = closed.catch(() => undefined).then(open);
        opened = opening;
        opening.catch(() => {
          if (opened === opening) opened = null;
        });
      }
      return opened;
    },
    close: () => {
      // Where it could not be opened, nothing is open.
      if (opened !== null) closed = opened.then(end, () => undefined);
      opened = null;
      return closed;
    },
  };
}

/** The log speaks of a client by its name: what is said of a service must not be of whom people sign in through. */
async function requireOwnNames({ store, config }: Pick<Rooms, 'store' | 'config'>): Promise<void> {
  const taken = (await store.services.list()).find(({ name }) => config.clients.has(name));
  if (taken !== undefined)
    throw new ConfigError(
      `clients: ${taken.name} is the name of a client with a key too; give this one another`,
    );
}

function roomsOf(config: Config, options: LatchkeyOptions, clock: Clock): Rooms {
  const { store } = options;
  const { maxStaleness, nearCacheLife, idle, rootSecret, algorithm, keyLife, watermark } = config;
  const emit = config.onEvent;
  const failed = (error: unknown): void => emit({ type: 'failed', error });
  const issuesTokens = [...config.clients.values()].some(({ mode }) => mode !== 'session');
  const accessLife = issuesTokens ? config.accessLife : 0;
  const bounds = new Bounds(clock, { accessLife, nearCacheLife, maxStaleness });
  const signingKeys = new SigningKeys({
    store,
    clock,
    rootSecret,
    algorithm,
    keyLife,
    isRevoked: (subject) => tail.isRevoked('signing_key', subject),
    onRotated: ({ kid }) => emit({ type: 'signing_key_rotated', key: kid }),
  });
  const remote = new RemoteFollowers(clock);
  const log = new RevocationLog({
    store,
    clock,
    maxStaleness,
    bounds,
    // Several processes of one machine are told apart.
    followerName: `${hostname()} ${process.pid}`,
    remote,
    watermark: watermark === null ? null : new Watermark(watermark),
    onEpoch: async (cause) => {
      await signingKeys.open();
      emit({ type: cause === 'restore' ? 'log_restored' : 'log_failed_over' });
    },
    onError: failed,
  });
  const feed: Feed = new Feed({ store, log, clock, remote, tail: () => tail });
  const freshness = new Freshness({ tail: () => tail, clock, emit });
  const tail: Tail = followerOf(feed, clock, freshness, failed);
  return {
    config,
    clock,
    store,
    log,
    tail,
    remote,
    feed,
    freshness,
    bounds,
    receipts: new Receipts({
      followers: {
        store,
        now: () => log.now(),
        latest: () => log.latest(),
        tail,
        remote,
        self: log.follower,
      },
      clock,
      bounds,
      onError: failed,
    }),
    cookie: sessionCookie(config),
    activity: new Activity({ store, clock, idle, onError: failed }),
    hasher: passwordHasher({ rootSecret }),
    hashQueue: hashQueue({ concurrency: config.hashConcurrency, waiting: config.hashQueue, clock }),
    passwordRules: passwordRules({ length: config.passwordLength, contextWords: config.contextWords }),
    throttle: throttle({ network: config.networkRate, account: config.accountRate }),
    claims: claimsOf(options),
    signingKeys,
    access: accessOf(options),
    emit,
  };
}

function followerOf(feed: Feed, clock: Clock, freshness: Freshness, failed: (error: unknown) => void): Tail {
  return new Tail({
    source: feed.source,
    clock,
    pause: () => 10 + (randomBytes(1)[0] ?? 0) / 6.4,
    onError: (error) => {
      failed(error);
      freshness.failed();
    },
    onConfirmed: () => freshness.answered(),
  });
}

/** Tried on somebody at the start: what cannot be in a token should not be found out by the first who signs in. */
function claimsOf({ claims: option, user: schema }: LatchkeyOptions): Claims {
  const claims = parseClaims(option);
  const defaults = schema?.['~standard'].validate({});
  const fields =
    defaults === undefined || defaults instanceof Promise || defaults.issues !== undefined
      ? {}
      : defaults.value;
  try {
    claims.of({ ...SOMEBODY, fields });
  } catch (error) {
    if (isFailure(error, 'LK_CLAIM_REFUSED'))
      throw new ConfigError(`claims: ${error.message}`, { cause: error });
    // A function may expect more of a user than this one has: its error is for a real one to tell.
  }
  return claims;
}

const SOMEBODY = {
  id: newId<'user'>(0),
  email: 'somebody@example.com',
  name: 'Somebody',
  emailVerified: true,
  roles: [],
} as const;

function accessOf({ roles = [], access = {} }: LatchkeyOptions): AccessPolicy {
  try {
    return compileAccess({ roles, access });
  } catch (error) {
    throw error instanceof TypeError ? new ConfigError(`access: ${error.message}`, { cause: error }) : error;
  }
}
