import type { Millis, Mode, SigningAlgorithm } from '@latchkey/verify';
import { ConfigError, refuse } from './config-error.ts';
import { checkShape, refuseUnknown } from './config-shape.ts';
import { type Duration, formatDuration, parseDuration } from './foundation/durations.ts';
import { subjectOf } from './foundation/ids.ts';
import { parseRootSecret, type RootSecret } from './foundation/root-secret.ts';
import {
  type AuthEvent,
  allowInBrowser,
  type ClientOptions,
  type ClientsOption,
  type LatchkeyOptions,
  type ObjectSchema,
  type Rate,
} from './options.ts';
import { PROFILE_NAMES, PROFILES, type ProfileName, type ProfileRow } from './profiles.ts';

export { ConfigError } from './config-error.ts';

/** Where a value in force comes from. */
export type Source = 'default' | 'configured' | `profile ${string}`;

/** A configured client: who asks, and how its credentials work. */
export interface Client {
  readonly name: string;
  /** Under which the log speaks of it. */
  readonly subject: string;
  readonly mode: Mode;
  /** Whether a login can be renewed; `false` leaves no row (mode `jwt` alone). */
  readonly refresh: boolean;
  /** Whether a page in a browser may use it, in mode `jwt`. */
  readonly inBrowser: boolean;
}

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
  readonly clients: ReadonlyMap<string, Client>;
  readonly defaultClient: Client;
  /** The first that holds a cookie, for pages and forms; `null` where none does. */
  readonly pageClient: Client | null;
  readonly userSchema: ObjectSchema | null;
  readonly sessionSchema: ObjectSchema | null;
  readonly origins: ReadonlySet<string>;
  readonly idle: Millis;
  readonly absolute: Millis;
  /** How long an access token is good. */
  readonly accessLife: Millis;
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs before the next one takes over. */
  readonly keyLife: Millis;
  /** Whom a token may be for besides the issuer. */
  readonly audiences: ReadonlySet<string>;
  /** The issuer and those: whom a token of ours can be for. */
  readonly ownAudiences: ReadonlySet<string>;
  readonly nearCacheLife: Millis;
  readonly nearCacheEntries: number;
  readonly maxStaleness: Millis;
  /** The file that remembers how far the log was seen; `null` for none. */
  readonly watermark: string | null;
  /** How often the deployment sends a canary through the log; `null` for never. */
  readonly canaryEvery: Millis | null;
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
  checkShape(options);
  const reader = new Reader(options.profile);
  const place = parsePlace(reader, options);
  return Object.freeze({
    ...place,
    ...parseClients(reader, options),
    ...parseLimits(reader, options),
    ...parseTokens(reader, options, place.origin),
    ...parsePasswords(reader, options, processors),
    userSchema: options.user ?? null,
    sessionSchema: options.session ?? null,
    onEvent: options.onEvent ?? (() => undefined),
    explanation: Object.freeze(reader.lines),
  });
}

/** Reads values one by one, and notes of each what it is and where it comes from. */
class Reader {
  readonly lines: ConfigLine[] = [];
  readonly profiles: readonly ProfileName[];

  constructor(profile: LatchkeyOptions['profile']) {
    this.profiles = parseProfiles(profile);
  }

  explain<T>(name: string, value: T, source: Source, text = String(value)): T {
    this.lines.push({ name, value: text, source });
    return value;
  }

  given<T>(name: string, value: T | undefined, fallback: T): T {
    return this.explain(name, value ?? fallback, value === undefined ? 'default' : 'configured');
  }

  whole(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
    const inForce = this.given(name, value, fallback);
    if (!Number.isInteger(inForce) || inForce < least || inForce > most)
      refuse(name, `must be a whole number from ${least} to ${most}`);
    return inForce;
  }

  duration(name: string, text: Duration | undefined, fallback: { value: Millis; source: Source }): Millis {
    const value = text === undefined ? fallback.value : attempt(name, () => parseDuration(text));
    return this.explain(
      name,
      value,
      text === undefined ? fallback.source : 'configured',
      formatDuration(value),
    );
  }

  /** The shortest that any of the profiles asks for. */
  strictest(field: 'idle' | 'absolute' | 'nearCacheLife' | 'accessLife'): { value: Millis; source: Source } {
    return this.profiles
      .map((name) => ({ value: parseDuration(PROFILES[name][field]), source: `profile ${name}` as const }))
      .reduce((left, right) => (right.value < left.value ? right : left));
  }

  rate(name: string, value: Rate | undefined, fallback: Rate): { attempts: number; within: Millis } {
    const { attempts, within } = value ?? fallback;
    if (!Number.isInteger(attempts) || attempts < 1 || attempts > 1_000_000_000)
      refuse(name, 'must have a whole number of attempts from 1 to 1000000000');
    const millis = attempt(name, () => parseDuration(within));
    const source = value === undefined ? 'default' : 'configured';
    return this.explain(name, { attempts, within: millis }, source, `${attempts} in ${within}`);
  }
}

function parsePlace(reader: Reader, options: LatchkeyOptions) {
  const url = reader.explain('url', parseOrigin('url', options.url), 'configured', options.url);
  const rootSecret = attempt('secret', () => parseRootSecret(options.secret ?? ''));
  reader.explain(
    'secret',
    rootSecret,
    'configured',
    `${rootSecret.ring.length} in the ring, current ${rootSecret.current.id}`,
  );
  const { profiles } = reader;
  const source = options.profile === undefined ? 'default' : 'configured';
  reader.explain('profile', profiles, source, profiles.join(', '));
  const origins = reader.given('origins', options.origins, []);
  return {
    url,
    origin: url.origin,
    secure: url.protocol === 'https:',
    brand: reader.given('brand', options.brand, 'Latchkey'),
    rootSecret,
    profiles,
    origins: new Set(origins.map((text) => parseOrigin('origins', text).origin)),
    trustedProxies: reader.whole('trustedProxies', options.trustedProxies, 0, 0, 16),
  };
}

function parseClients(reader: Reader, options: LatchkeyOptions) {
  const fallback = defaultClients(reader.profiles);
  const given: ClientsOption = options.clients ?? fallback.clients;
  const clients = Object.entries(given).map(([name, value]) => parseClient(name, value));
  const [defaultClient] = clients;
  if (defaultClient === undefined) return refuse('clients', 'must name at least one');
  const text = clients.map(({ name, mode, refresh }) => `${name}: ${mode}${refresh ? '' : ' once'}`);
  const source = options.clients === undefined ? fallback.source : 'configured';
  reader.explain('clients', clients, source, text.join(', '));
  return {
    clients: new Map(clients.map((client) => [client.name, client])),
    defaultClient,
    pageClient: clients.find(({ mode }) => mode !== 'jwt') ?? null,
  };
}

function defaultClients([profile = 'small-app']: readonly ProfileName[]): {
  readonly clients: ClientsOption;
  readonly source: Source;
} {
  const { mode }: ProfileRow = PROFILES[profile];
  // The hosted pages, the set-up link among them, need a client that holds a cookie.
  const clients: ClientsOption = mode === 'jwt' ? { app: mode, web: 'session' } : { web: mode };
  return { clients, source: `profile ${profile}` };
}

const MODES: readonly Mode[] = ['session', 'jwt', 'hybrid'];

function parseClient(name: string, value: Mode | ClientOptions): Client {
  if (!/^[a-z][a-z0-9_-]{0,31}$/.test(name)) {
    return refuse(
      'clients',
      `cannot be named ${JSON.stringify(name)}: lower-case letters, digits, - and _, 32 at most`,
    );
  }
  const options: ClientOptions = typeof value === 'string' ? { mode: value } : value;
  refuseUnknown(`clients.${name}`, options, ['mode', 'refresh']);
  const { refresh = true } = options;
  const inBrowser = options[allowInBrowser] === true;
  const mode = MODES.find((known) => known === options.mode);
  if (mode === undefined) {
    const given = JSON.stringify(options.mode);
    return refuse('clients', `has ${name} in mode ${given}; there are ${MODES.join(', ')}`);
  }
  if (typeof refresh !== 'boolean') return refuse(`clients.${name}.refresh`, 'must be true or false');
  if (!refresh && mode !== 'jwt') return refuse(`clients.${name}.refresh`, 'is for mode jwt alone');
  if (inBrowser && mode !== 'jwt') return refuse(`clients.${name}`, 'needs allowInBrowser in mode jwt alone');
  return Object.freeze({ name, subject: subjectOf('client', name), mode, refresh, inBrowser });
}

function parseLimits(reader: Reader, { sessions, nearCache, log }: LatchkeyOptions) {
  const idle = reader.duration('sessions.idle', sessions?.idle, reader.strictest('idle'));
  const absolute = reader.duration('sessions.absolute', sessions?.absolute, reader.strictest('absolute'));
  if (idle < 60_000) refuse('sessions.idle', 'must be at least a minute');
  if (absolute < idle) {
    const [long, short] = [formatDuration(idle), formatDuration(absolute)];
    refuse('sessions.absolute', `must not be shorter than sessions.idle: that is ${long}, and this ${short}`);
  }
  // 400 days is the most that a browser keeps a cookie (RFC 6265bis §5.5).
  if (absolute > parseDuration('400d')) refuse('sessions.absolute', 'must not be longer than 400 days');
  const nearCacheLife = reader.duration('nearCache.life', nearCache?.life, reader.strictest('nearCacheLife'));
  if (nearCacheLife > 300_000) refuse('nearCache.life', 'must not be longer than 5 minutes');
  const maxStaleness = reader.duration('log.maxStaleness', log?.maxStaleness, {
    value: 5_000,
    source: 'default',
  });
  if (maxStaleness < 3_000 || maxStaleness > 60_000) {
    refuse('log.maxStaleness', 'must be at least 3 seconds, three times the heartbeat, and at most a minute');
  }
  const watermark = log?.watermark ?? null;
  const source = watermark === null ? 'default' : 'configured';
  reader.explain('log.watermark', watermark, source, watermark ?? 'none');
  const canaryEvery = parseCanary(reader, log?.canary);
  const nearCacheEntries = reader.whole('nearCache.entries', nearCache?.entries, 50_000, 1, 10_000_000);
  return { idle, absolute, nearCacheLife, nearCacheEntries, maxStaleness, watermark, canaryEvery };
}

function parseCanary(reader: Reader, given: Duration | false | undefined): Millis | null {
  if (given === false) return reader.explain('log.canary', null, 'configured', 'off');
  const every = reader.duration('log.canary', given, { value: 60_000, source: 'default' });
  if (every < 10_000 || every > 3_600_000)
    refuse('log.canary', 'must be at least 10 seconds and at most an hour, or false');
  return every;
}

const ALGORITHMS: readonly SigningAlgorithm[] = ['EdDSA', 'ES256'];

function parseTokens(reader: Reader, { tokens, claims, roles }: LatchkeyOptions, issuer: string) {
  const accessLife = reader.duration('tokens.life', tokens?.life, reader.strictest('accessLife'));
  // R6: a verifier refuses what claims to live longer, and so it is never issued.
  if (accessLife < 30_000 || accessLife > 900_000)
    refuse(
      'tokens.life',
      `must be at least 30 seconds and at most 15 minutes; it is ${formatDuration(accessLife)}`,
    );
  const wanted = reader.given('tokens.algorithm', tokens?.algorithm, 'EdDSA');
  const algorithm = ALGORITHMS.find((known) => known === wanted);
  if (algorithm === undefined) return refuse('tokens.algorithm', `must be ${ALGORITHMS.join(' or ')}`);
  const keyLife = reader.duration('tokens.keyLife', tokens?.keyLife, {
    value: parseDuration('30d'),
    source: 'default',
  });
  // Shorter than tokens are good and keys are kept, there would be ever more of them.
  if (keyLife < 3_600_000 || keyLife > parseDuration('365d'))
    refuse('tokens.keyLife', 'must be at least an hour and at most 365 days');
  const audiences = reader.given('tokens.audiences', tokens?.audiences, []);
  for (const audience of audiences) {
    if (!/^[\x21-\x7e]{1,200}$/.test(audience))
      refuse('tokens.audiences', `has ${JSON.stringify(audience)}: 1 to 200 visible characters, no spaces`);
  }
  reader.given('claims', claims === undefined ? undefined : Object.keys(claims).join(', '), 'none');
  reader.given('roles', roles?.join(', '), 'administrator');
  return {
    accessLife,
    algorithm,
    keyLife,
    audiences: new Set(audiences),
    ownAudiences: new Set([issuer, ...audiences]),
  };
}

function parsePasswords(reader: Reader, { password, throttle }: LatchkeyOptions, processors: number) {
  const least = Math.max(...reader.profiles.map((name) => PROFILES[name].passwordLength));
  const passwordLength = reader.given('password.length', password?.length, least);
  if (passwordLength < least)
    refuse('password.length', `must be at least ${least} where the password is the only factor`);
  if (!Number.isInteger(passwordLength) || passwordLength > 64)
    refuse('password.length', 'must be a whole number from 1 to 64');
  return {
    passwordLength,
    contextWords: reader.given('password.contextWords', password?.contextWords, []),
    hashConcurrency: reader.whole(
      'password.concurrency',
      password?.concurrency,
      Math.min(4, processors),
      1,
      64,
    ),
    hashQueue: reader.whole('password.queue', password?.queue, 64, 1, 100_000),
    networkRate: reader.rate('throttle.network', throttle?.network, { attempts: 60, within: '1m' }),
    accountRate: reader.rate('throttle.account', throttle?.account, { attempts: 10, within: '10m' }),
  };
}

/** Names the option in whatever parsing it threw. */
function attempt<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // Not kept as the cause: it would say the same again.
    throw new ConfigError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
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
    if (needs !== null) {
      const instead = 'choose another, and set its limits one by one (latchkey advise says which)';
      refuse('profile', `${name} needs ${needs}, which this version does not have; ${instead}`);
    }
    return name;
  });
}
