import type { Millis, Mode } from '@latchkey/verify';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Duration, formatDuration, parseDuration } from './foundation/durations.ts';
import { parseRootSecret, type RootSecret } from './foundation/root-secret.ts';
import { PROFILE_NAMES, PROFILES, type ProfileName } from './profiles.ts';
import type { Store } from './stores/store.ts';

/** A schema of any library that speaks Standard Schema, for an object. */
export type ObjectSchema = StandardSchemaV1<Record<string, unknown>, Record<string, unknown>>;

/** Something that happened, for logs and metrics. Holds no credential and no password. */
export interface AuthEvent {
  readonly type:
    | 'signed_up'
    | 'signed_in'
    | 'sign_in_refused'
    | 'signed_out'
    | 'session_ended'
    | 'sessions_ended'
    | 'password_changed'
    | 'password_disabled'
    | 'password_rehashed'
    | 'reauthenticated'
    | 'reauthentication_refused'
    | 'administrator_created'
    | 'log_stale'
    | 'log_fresh'
    | 'failed';
  readonly user?: string;
  readonly session?: string;
  readonly client?: string;
  readonly ip?: string | null;
  /** The real code, which may not be public. */
  readonly code?: string;
  /** What went wrong inside, for `failed`. */
  readonly error?: unknown;
  /** The id of the request, for `failed`. */
  readonly request?: string;
}

/** A rate: so many within such a time. */
export interface Rate {
  readonly attempts: number;
  readonly within: Duration;
}

/** What an application configures. Everything but `url`, `secret` and `store` has a default. */
export interface LatchkeyOptions<SessionSchema extends ObjectSchema = ObjectSchema> {
  /** The public origin, without a trailing slash: the issuer. `http:` only on loopback. */
  readonly url: string;
  /** The root secret, or a ring of them separated by commas, the current one first. */
  readonly secret: string | undefined;
  readonly store: Store;
  /** The name that the hosted pages show. Default `Latchkey`. */
  readonly brand?: string;
  /** Default `small-app`. */
  readonly profile?: ProfileName | readonly ProfileName[];
  /** Names and modes; the first is the default. Default `{ web: 'session' }`. */
  readonly clients?: Readonly<Record<string, Mode>>;
  /** The shape of a session's data. */
  readonly session?: SessionSchema;
  /** Further origins that may call with credentials, and to which `return_to` may lead. */
  readonly origins?: readonly string[];
  readonly sessions?: { readonly idle?: Duration; readonly absolute?: Duration };
  readonly nearCache?: { readonly life?: Duration; readonly entries?: number };
  readonly log?: {
    /** No request is accepted later than this after an acknowledged revocation. Default `5s`. */
    readonly maxStaleness?: Duration;
  };
  readonly password?: {
    /** Never below what the profile asks for. */
    readonly length?: number;
    /** Names of the product or the company, which no password may consist of. */
    readonly contextWords?: readonly string[];
    /** Passwords hashed at once. Default: the processors, 4 at most. */
    readonly concurrency?: number;
    /** Passwords that wait; the next is refused with 503. Default 64. */
    readonly queue?: number;
  };
  readonly throttle?: {
    /** Sign-ins, sign-ups and other password checks from one network. Default 60 in `1m`. */
    readonly network?: Rate;
    /** Failed password checks for one account. Default 10 in `10m`. */
    readonly account?: Rate;
  };
  /** How many proxies of our own stand in front and append to `X-Forwarded-For`. Default 0. */
  readonly trustedProxies?: number;
  /** Told of each event, after it happened. It must not throw. */
  readonly onEvent?: (event: AuthEvent) => void;
}

/** Where a value in force comes from. */
export type Source = 'default' | 'configured' | `profile ${string}`;

/** What is in force: parsed once, frozen. */
export interface Config {
  readonly url: URL;
  /** The public origin, which is also the issuer. */
  readonly origin: string;
  /** False only over plain http on loopback. */
  readonly secure: boolean;
  readonly brand: string;
  readonly rootSecret: RootSecret;
  readonly profiles: readonly ProfileName[];
  readonly clients: ReadonlyMap<string, Mode>;
  readonly defaultClient: string;
  readonly sessionSchema: ObjectSchema | null;
  readonly origins: ReadonlySet<string>;
  readonly idle: Millis;
  readonly absolute: Millis;
  readonly nearCacheLife: Millis;
  readonly nearCacheEntries: number;
  readonly maxStaleness: Millis;
  readonly passwordLength: number;
  readonly contextWords: readonly string[];
  readonly hashConcurrency: number;
  readonly hashQueue: number;
  readonly networkRate: { readonly attempts: number; readonly within: Millis };
  readonly accountRate: { readonly attempts: number; readonly within: Millis };
  readonly trustedProxies: number;
  readonly onEvent: (event: AuthEvent) => void;
  /** Each leaf as text, with where it comes from, for `latchkey config`. */
  readonly explanation: readonly ConfigLine[];
}

export interface ConfigLine {
  readonly name: string;
  readonly value: string;
  readonly source: Source;
}

/** The configuration is wrong: one line that says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** Whether a URL's host is this machine itself, where plain http is no mistake. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

/**
 * Reads options into what is in force.
 *
 * @throws {ConfigError} with one line that names the option and the remedy.
 */
export function parseConfig(options: LatchkeyOptions, processors: number): Config {
  const lines: ConfigLine[] = [];
  const explain = <T>(name: string, value: T, source: Source, text = String(value)): T => {
    lines.push({ name, value: text, source });
    return value;
  };
  const given = <T>(name: string, value: T | undefined, fallback: T): T =>
    explain(name, value ?? fallback, value === undefined ? 'default' : 'configured');

  const url = explain('url', parseOrigin('url', options.url), 'configured', options.url);
  const rootSecret = attempt('secret', () => parseRootSecret(options.secret ?? ''));
  explain(
    'secret',
    rootSecret,
    'configured',
    `${rootSecret.ring.length} in the ring, current ${rootSecret.current.id}`,
  );
  const profiles = parseProfiles(options.profile);
  explain('profile', profiles, options.profile === undefined ? 'default' : 'configured', profiles.join(', '));
  const clients = parseClients(options.clients ?? { web: 'session' });
  const clientsText = [...clients].map(([name, mode]) => `${name}: ${mode}`).join(', ');
  explain('clients', clients, options.clients === undefined ? 'default' : 'configured', clientsText);
  const origins = new Set(
    given('origins', options.origins, []).map((text) => parseOrigin('origins', text).origin),
  );

  const strictest = (field: 'idle' | 'absolute' | 'nearCacheLife'): { value: Millis; source: Source } =>
    profiles
      .map((name) => ({ value: parseDuration(PROFILES[name][field]), source: `profile ${name}` as const }))
      .reduce((left, right) => (right.value < left.value ? right : left));
  const duration = (
    name: string,
    text: Duration | undefined,
    fallback: { value: Millis; source: Source },
  ): Millis => {
    const value = text === undefined ? fallback.value : attempt(name, () => parseDuration(text));
    return explain(name, value, text === undefined ? fallback.source : 'configured', formatDuration(value));
  };
  const idle = duration('sessions.idle', options.sessions?.idle, strictest('idle'));
  const absolute = duration('sessions.absolute', options.sessions?.absolute, strictest('absolute'));
  if (idle < 60_000) refuse('sessions.idle', 'must be at least a minute');
  if (absolute < idle) refuse('sessions.absolute', 'must not be shorter than sessions.idle');
  // 400 days is the most that a browser keeps a cookie (RFC 6265bis §5.5).
  if (absolute > parseDuration('400d')) refuse('sessions.absolute', 'must not be longer than 400 days');
  const nearCacheLife = duration('nearCache.life', options.nearCache?.life, strictest('nearCacheLife'));
  if (nearCacheLife > 300_000) refuse('nearCache.life', 'must not be longer than 5 minutes');
  const maxStaleness = duration('log.maxStaleness', options.log?.maxStaleness, {
    value: 5_000,
    source: 'default',
  });
  if (maxStaleness < 3_000 || maxStaleness > 60_000) {
    refuse('log.maxStaleness', 'must be at least 3 seconds, three times the heartbeat, and at most a minute');
  }

  const leastLength = Math.max(...profiles.map((name) => PROFILES[name].passwordLength));
  const passwordLength = given('password.length', options.password?.length, leastLength);
  if (passwordLength < leastLength) {
    refuse('password.length', `must be at least ${leastLength} where the password is the only factor`);
  }
  wholeNumber('password.length', passwordLength, 1, 64);
  const rate = (
    name: string,
    value: Rate | undefined,
    fallback: Rate,
  ): { attempts: number; within: Millis } => {
    const inForce = value ?? fallback;
    wholeNumber(name, inForce.attempts, 1, 1_000_000_000);
    const within = attempt(name, () => parseDuration(inForce.within));
    explain(
      name,
      inForce,
      value === undefined ? 'default' : 'configured',
      `${inForce.attempts} in ${inForce.within}`,
    );
    return { attempts: inForce.attempts, within };
  };

  return Object.freeze({
    url,
    origin: url.origin,
    secure: url.protocol === 'https:',
    brand: given('brand', options.brand, 'Latchkey'),
    rootSecret,
    profiles,
    clients,
    defaultClient: firstKey(clients),
    sessionSchema: options.session ?? null,
    origins,
    idle,
    absolute,
    nearCacheLife,
    nearCacheEntries: wholeNumber(
      'nearCache.entries',
      given('nearCache.entries', options.nearCache?.entries, 50_000),
      1,
      10_000_000,
    ),
    maxStaleness,
    passwordLength,
    contextWords: given('password.contextWords', options.password?.contextWords, []),
    hashConcurrency: wholeNumber(
      'password.concurrency',
      given('password.concurrency', options.password?.concurrency, Math.min(4, processors)),
      1,
      64,
    ),
    hashQueue: wholeNumber(
      'password.queue',
      given('password.queue', options.password?.queue, 64),
      1,
      100_000,
    ),
    networkRate: rate('throttle.network', options.throttle?.network, { attempts: 60, within: '1m' }),
    accountRate: rate('throttle.account', options.throttle?.account, { attempts: 10, within: '10m' }),
    trustedProxies: wholeNumber('trustedProxies', given('trustedProxies', options.trustedProxies, 0), 0, 16),
    onEvent: options.onEvent ?? (() => undefined),
    explanation: Object.freeze(lines),
  });
}

function refuse(name: string, what: string): never {
  throw new ConfigError(`${name} ${what}`);
}

/** Names the option in whatever parsing it threw. */
function attempt<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ConfigError(`${name}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function parseOrigin(name: string, text: string): URL {
  const url = URL.parse(text);
  if (url === null || url.origin !== text) {
    refuse(
      name,
      `must be an origin such as https://app.example.com, without a path or a trailing slash; it is ${JSON.stringify(text)}`,
    );
  }
  if (url.protocol === 'https:') return url;
  if (url.protocol === 'http:' && isLoopback(url)) return url;
  return refuse(
    name,
    `is ${text}: only https protects a credential on its way; use https, or http on localhost`,
  );
}

function parseProfiles(value: LatchkeyOptions['profile']): readonly ProfileName[] {
  const names: readonly string[] =
    value === undefined ? ['small-app'] : typeof value === 'string' ? [value] : value;
  if (names.length === 0) refuse('profile', `must name one of ${PROFILE_NAMES.join(', ')}`);
  return names.map((text) => {
    const name = PROFILE_NAMES.find((known) => known === text);
    if (name === undefined)
      return refuse('profile', `knows no ${JSON.stringify(text)}; there are ${PROFILE_NAMES.join(', ')}`);
    const { needs } = PROFILES[name];
    if (needs !== null) refuse('profile', `${name} needs ${needs}, which this version does not have`);
    return name;
  });
}

function parseClients(value: Readonly<Record<string, string>>): ReadonlyMap<string, Mode> {
  const entries = Object.entries(value);
  if (entries.length === 0) refuse('clients', 'must name at least one');
  return new Map(
    entries.map(([name, mode]) => {
      if (!/^[a-z][a-z0-9_-]{0,31}$/.test(name))
        refuse(
          'clients',
          `cannot be named ${JSON.stringify(name)}: lower-case letters, digits, - and _, 32 at most`,
        );
      if (mode !== 'session')
        return refuse('clients', `has ${name} in mode ${JSON.stringify(mode)}; this version knows 'session'`);
      return [name, mode];
    }),
  );
}

function firstKey(map: ReadonlyMap<string, unknown>): string {
  for (const key of map.keys()) return key;
  return refuse('clients', 'must name at least one');
}

function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most)
    refuse(name, `must be a whole number from ${least} to ${most}`);
  return value;
}
