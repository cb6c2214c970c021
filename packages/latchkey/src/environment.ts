/**
 * Reads the environment of the server and the command. The library itself reads none.
 *
 * @module
 */
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, isLoopback } from './config.ts';
import { randomBytes } from './foundation/random.ts';
import type { LatchkeyOptions } from './options.ts';
import { PROFILE_NAMES, type ProfileName } from './profiles.ts';
import { sqlite } from './stores/sql/sqlite.ts';
import type { Store } from './stores/store.ts';

/** What the environment says, besides what the library is given. */
export interface Settings {
  readonly options: LatchkeyOptions;
  readonly port: number;
  readonly host: string;
  /** What `/metrics` asks for; `null` where it answers loopback alone. */
  readonly metricsSecret: string | null;
  readonly logLevel: string;
  /** For people: where the data are. */
  readonly database: string;
  /** Which variable or file a value of the configuration comes from, by the value's name. */
  readonly sources: ReadonlyMap<string, string>;
}

const VARIABLES = [
  'LATCHKEY_URL',
  'LATCHKEY_DATA',
  'LATCHKEY_DATABASE_URL',
  'LATCHKEY_SECRET',
  'LATCHKEY_PROFILE',
  'LATCHKEY_TRUSTED_PROXIES',
  'LATCHKEY_METRICS_SECRET',
  'LATCHKEY_LOG_LEVEL',
] as const;

/** Read by the project's own tests and benchmark, and by nothing that is shipped. */
const OF_TESTS = new Set([
  'LATCHKEY_CADDY',
  'LATCHKEY_CHROMIUM',
  'LATCHKEY_NGINX',
  'LATCHKEY_TEST_DATABASE_URL',
]);

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment, `latchkey.config.ts` in `directory` where there is one,
 * and the data folder, which is made on the first start with a new root secret.
 *
 * @throws {ConfigError} with one line that names the variable and the remedy.
 */
export async function readSettings(everything: Environment, directory: string): Promise<Settings> {
  const environment = withoutEmpty(everything);
  refuseUnknown(environment);
  const file = await readConfigFile(directory);
  const port = number(environment, 'PORT', 3000, 65_535);
  const host = environment['HOST'] ?? '127.0.0.1';
  const folder = resolve(directory, environment['LATCHKEY_DATA'] ?? 'data');
  const { store, database, secret, source } = await dataOf(environment, folder);
  const watermark = watermarkFile(folder);
  const profile = parseProfiles(environment['LATCHKEY_PROFILE']);
  const trustedProxies = environment['LATCHKEY_TRUSTED_PROXIES'];
  const url = environment['LATCHKEY_URL'] ?? file?.url ?? `http://localhost:${port}`;
  const logLevel = environment['LATCHKEY_LOG_LEVEL'] ?? 'info';
  if (!LOG_LEVELS.includes(logLevel))
    throw new ConfigError(`LATCHKEY_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`);

  const sources = new Map<string, string>([
    ...leavesOf(file ?? {}).map((name): [string, string] => [name, 'latchkey.config.ts']),
    [
      'url',
      environment['LATCHKEY_URL'] === undefined
        ? file?.url === undefined
          ? 'default'
          : 'latchkey.config.ts'
        : 'LATCHKEY_URL',
    ],
    ['secret', source],
    ['clients', file?.clients === undefined ? 'default' : 'latchkey.config.ts'],
  ]);
  if (watermark !== undefined && file?.log?.watermark === undefined)
    sources.set('log.watermark', environment['LATCHKEY_DATA'] === undefined ? 'default' : 'LATCHKEY_DATA');
  if (profile !== null) sources.set('profile', 'LATCHKEY_PROFILE');
  if (trustedProxies !== undefined) sources.set('trustedProxies', 'LATCHKEY_TRUSTED_PROXIES');
  return {
    options: {
      clients: CLIENTS,
      ...file,
      url,
      secret,
      store,
      log: { ...(watermark === undefined ? {} : { watermark }), ...file?.log },
      ...(profile === null ? {} : { profile }),
      ...(trustedProxies === undefined
        ? {}
        : { trustedProxies: number(environment, 'LATCHKEY_TRUSTED_PROXIES', 0, 16) }),
    },
    port,
    host,
    metricsSecret: metricsSecret(environment['LATCHKEY_METRICS_SECRET']),
    logLevel,
    database,
    sources,
  };
}

/** Whether plain requests to `host` can only come from this machine. */
export function bindsLoopback(host: string): boolean {
  const url = URL.parse(`http://${host.includes(':') ? `[${host}]` : host}`);
  return url !== null && isLoopback(url);
}

const GROUPS = new Set(['sessions', 'tokens', 'nearCache', 'log', 'password', 'throttle']);

/** The clients of the standalone server, where no file names others. */
const CLIENTS = { web: 'session', spa: 'hybrid', mobile: 'jwt' } as const;

/** The names of what is configured, as the configuration explains them: `sessions.idle`. */
function leavesOf(options: Partial<LatchkeyOptions>): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) =>
    GROUPS.has(name) && typeof value === 'object'
      ? Object.keys(value).map((leaf) => `${name}.${leaf}`)
      : [name],
  );
}

/** A variable that is set to nothing is not set: an empty `HOST` would mean every address. */
function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

function refuseUnknown(environment: Environment): void {
  const known = new Set<string>(VARIABLES);
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith('LATCHKEY_') && !known.has(name) && !OF_TESTS.has(name),
  );
  if (unknown !== undefined)
    throw new ConfigError(`${unknown} is not known; there are ${VARIABLES.join(', ')}`);
}

function number(environment: Environment, name: string, fallback: number, most: number): number {
  const text = environment[name];
  if (text === undefined) return fallback;
  if (!/^\d{1,5}$/.test(text) || Number(text) > most)
    throw new ConfigError(`${name} must be a number up to ${most}; it is ${JSON.stringify(text)}`);
  return Number(text);
}

function parseProfiles(text: string | undefined): readonly ProfileName[] | null {
  if (text === undefined) return null;
  return text.split(',').map((part) => {
    const name = PROFILE_NAMES.find((known) => known === part.trim());
    if (name === undefined)
      throw new ConfigError(
        `LATCHKEY_PROFILE knows no ${JSON.stringify(part.trim())}; there are ${PROFILE_NAMES.join(', ')}`,
      );
    return name;
  });
}

function metricsSecret(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (text.length < 16)
    throw new ConfigError(
      'LATCHKEY_METRICS_SECRET must have at least 16 characters; make one with: openssl rand -base64 18',
    );
  return text;
}

/** Where the data are, and the root secret that they are made with. */
interface Data {
  readonly store: Store;
  /** For people: no password is in it. */
  readonly database: string;
  readonly secret: string;
  readonly source: string;
}

async function dataOf(environment: Environment, folder: string): Promise<Data> {
  const url = environment['LATCHKEY_DATABASE_URL'];
  const secret = environment['LATCHKEY_SECRET'];
  if (url !== undefined && /^postgres(?:ql)?:/.test(url)) return await postgresData(url, secret);
  if (url !== undefined && !url.startsWith('sqlite:')) {
    throw new ConfigError(
      'LATCHKEY_DATABASE_URL must be sqlite:path/to/file.db or postgres://user:password@host:5432/database',
    );
  }
  const file =
    url === undefined
      ? join(makeFolder(folder), 'latchkey.db')
      : resolve(folder, url.slice('sqlite:'.length));
  makeFolder(dirname(file));
  return { store: sqlite(file), database: file, ...rootSecret(secret, folder, file) };
}

/** Every node needs the same secret, so none may make one of its own. */
async function postgresData(text: string, secret: string | undefined): Promise<Data> {
  const url = URL.parse(text);
  if (url === null) {
    // Not said as it stands: a password may be in it.
    throw new ConfigError(
      'LATCHKEY_DATABASE_URL is no URL; write postgres://user:password@host:5432/database, and in the password %40 for @, %2F for /',
    );
  }
  if (secret === undefined) {
    throw new ConfigError(
      'LATCHKEY_SECRET is needed with PostgreSQL, the same on every node; make one with: openssl rand -base64 32',
    );
  }
  const user = url.username === '' ? '' : `${url.username}@`;
  const database = `${url.protocol}//${user}${url.host}${url.pathname}`;
  return { store: await openPostgres(text), database, secret, source: 'LATCHKEY_SECRET' };
}

async function openPostgres(url: string): Promise<Store> {
  try {
    const { postgres } = await import('./stores/sql/postgres.ts');
    return postgres(url);
  } catch (error) {
    if (codeOf(error) === 'ERR_MODULE_NOT_FOUND' && String(error).includes("'pg'")) {
      throw new ConfigError('PostgreSQL needs a package of its own; install it with: npm install pg', {
        cause: error,
      });
    }
    if (error instanceof TypeError) throw new ConfigError(`LATCHKEY_DATABASE_URL: ${error.message}`);
    throw error;
  }
}

function makeFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch (error) {
    throw new ConfigError(
      `cannot make the data folder ${folder} (${codeOf(error)}); make it writable, or name another by LATCHKEY_DATA`,
      { cause: error },
    );
  }
}

/** Where the folder is needed for nothing else, a node without a disk of its own goes without it. */
function watermarkFile(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
    return join(folder, 'watermark');
  } catch {
    return undefined;
  }
}

/** The root secret of the environment, or of the data folder, where the first start makes it. */
function rootSecret(
  text: string | undefined,
  folder: string,
  database: string,
): { secret: string; source: string } {
  if (text !== undefined) return { secret: text, source: 'LATCHKEY_SECRET' };
  const file = join(makeFolder(folder), 'secret');
  if (!existsSync(file)) {
    if (existsSync(database)) {
      throw new ConfigError(
        `${file} is missing, and ${database} was made with it; bring it back from its backup, or set LATCHKEY_SECRET`,
      );
    }
    createSecret(file);
  }
  return { secret: readSecret(file), source: file };
}

/**
 * Makes the secret whole or not at all: written under another name, and linked.
 * Of two first starts at once, one links and both read that one's.
 */
function createSecret(file: string): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true });
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw new ConfigError(
      `cannot write ${file} (${codeOf(error)}); make the folder writable, or name another by LATCHKEY_DATA`,
      { cause: error },
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

function readSecret(file: string): string {
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new ConfigError(`${file} can be read by others; make it private with: chmod 600 ${file}`);
    }
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`cannot read ${file} (${codeOf(error)})`, { cause: error });
  }
}

async function readConfigFile(directory: string): Promise<Partial<LatchkeyOptions> | null> {
  const file = join(directory, 'latchkey.config.ts');
  if (!existsSync(file)) return null;
  try {
    const module: unknown = await import(pathToFileURL(file).href);
    if (isConfigModule(module)) return module.default;
  } catch (error) {
    throw new ConfigError(`cannot load ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  throw new ConfigError(`${file} must have a default export that is an object`);
}

function isConfigModule(module: unknown): module is { readonly default: Partial<LatchkeyOptions> } {
  return (
    typeof module === 'object' && module !== null && 'default' in module && typeof module.default === 'object'
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
