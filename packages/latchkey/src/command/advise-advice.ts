import type { Millis, Mode } from '@latchkey/verify';
import { type Duration, formatDuration, parseDuration } from '../foundation/durations.ts';
import { PROFILES, type ProfileName, type ProfileRow } from '../profiles.ts';
import type { Answers, Caller } from './advise-questions.ts';
import {
  PRICE_OF_REFRESH,
  PRICE_WITHOUT_REFRESH,
  PRICES,
  PROFILE_REASONS,
  REASONS,
  type Reason,
  WARNINGS,
  type WarningCode,
  WITHOUT_LATCHKEY,
} from './advise-texts.ts';

/** A client to configure. */
export interface AdvisedClient {
  readonly name: string;
  readonly mode: Mode;
  /** `false`: a login gives one token and leaves no row. */
  readonly refresh: boolean;
  readonly because: string;
  readonly price: readonly string[];
}

/** What to configure besides the place: a part of `LatchkeyOptions`, in the order in which it is written. */
export interface AdvisedOptions {
  readonly profile: ProfileName | readonly ProfileName[];
  readonly clients: Readonly<Record<string, Mode | { readonly mode: Mode; readonly refresh: false }>>;
  readonly tokens?: { readonly life?: Duration; readonly audiences?: readonly string[] };
  readonly origins?: readonly string[];
  readonly sessions?: { readonly idle: Duration; readonly absolute: Duration };
  readonly nearCache?: { readonly life: Duration };
  readonly log?: { readonly maxStaleness: Duration };
}

/** Which profile and clients to choose, why, and at which price. */
export interface Advice {
  readonly profiles: readonly { readonly name: ProfileName; readonly because: string }[];
  readonly clients: readonly AdvisedClient[];
  /** What follows for people and operators from the limits that are in force together. */
  readonly consequences: readonly string[];
  readonly warnings: readonly { readonly code: WarningCode; readonly text: string }[];
  /** A simpler way, where there is one. */
  readonly simpler: string | null;
  readonly options: AdvisedOptions;
}

/** Says what fits the answers: the same for the same ones, with no look at anything else. */
export function advise(answers: Answers): Advice {
  const clients = chooseClients(answers);
  const profiles = chooseProfiles(answers);
  const options = chooseOptions(answers, profiles, clients);
  return {
    profiles: profiles.map((name) => ({ name, because: PROFILE_REASONS[name] })),
    clients,
    consequences: consequencesOf(profiles, clients, options),
    warnings: warningsAbout(answers, clients).map((code) => ({ code, text: WARNINGS[code] })),
    simpler: isSimple(answers) ? WITHOUT_LATCHKEY : null,
    options,
  };
}

/** Pages of one origin, one process, one kind of credential: nothing here is hard yet. */
function isSimple({ callers, nodes, services, sensitivity }: Answers): boolean {
  return callers.every(isPages) && nodes === 'one' && services === 'none' && sensitivity === 'ordinary';
}

function isPages(caller: Caller): boolean {
  return caller === 'pages';
}

/** Each caller with the client that is for it; the first one is the default. */
function chooseClients({ callers, services, secrets }: Answers): readonly AdvisedClient[] {
  const checked = services !== 'none';
  const clients: AdvisedClient[] = [];
  const add = (name: string, mode: Mode, reason: Reason, refresh = true): void => {
    const renewal = mode !== 'jwt' ? [] : [refresh ? PRICE_OF_REFRESH : PRICE_WITHOUT_REFRESH];
    const price = [...PRICES[mode], ...renewal];
    clients.push({ name, mode, refresh, because: REASONS[reason], price });
  };
  if (callers.includes('pages'))
    add('web', checked ? 'hybrid' : 'session', checked ? 'pages-hybrid' : 'pages-session');
  if (callers.includes('browser')) {
    if (secrets.includes('browser')) add('spa', 'hybrid', 'browser-hybrid');
    else add('spa', checked ? 'hybrid' : 'session', checked ? 'browser-relayed' : 'browser-session');
  }
  if (callers.includes('apps')) {
    const kept = secrets.includes('device');
    add('mobile', 'jwt', kept ? 'apps-jwt' : 'apps-once', kept);
  }
  if (clients.length === 0) add('web', 'hybrid', 'people-behind-services');
  return clients;
}

function chooseProfiles({ callers, nodes, services, sensitivity }: Answers): readonly ProfileName[] {
  const profiles: ProfileName[] = [];
  if (nodes === 'several') profiles.push('distributed');
  if (services !== 'none' || callers.includes('services')) profiles.push('microservices');
  if (callers.includes('apps')) profiles.push('mobile');
  if (callers.includes('browser')) profiles.push('api');
  // A page can be left open on anybody's machine, and its row asks for less time than those of devices.
  if (callers.includes('pages') && !profiles.some((name) => PROFILES[name].mode === 'hybrid'))
    profiles.push(nodes === 'one' ? 'small-app' : 'server-rendered');
  if (sensitivity === 'second-factor' && secure().needs === null) profiles.push('high-security');
  return profiles;
}

function secure(): ProfileRow {
  return PROFILES['high-security'];
}

/** As short as a client can be asked to renew it, and as long as one may be that cannot be renewed. */
const SHORT_LIFE: Duration = '1m';
const LONG_LIFE: Duration = '15m';
const MOST_STALE: Duration = '1m';

function chooseOptions(
  answers: Answers,
  profiles: readonly ProfileName[],
  clients: readonly AdvisedClient[],
): AdvisedOptions {
  const { callers, services, revocation, outage, sensitivity } = answers;
  const [only, ...others] = profiles;
  const limits = sensitivity === 'second-factor' && !profiles.includes('high-security') ? secure() : null;
  const life = chooseLife(answers, clients) ?? limits?.accessLife;
  const tokens = {
    ...(life === undefined ? {} : { life }),
    ...(services === 'none' ? {} : { audiences: services === 'one' ? ['orders'] : ['orders', 'invoices'] }),
  };
  return {
    profile: only !== undefined && others.length === 0 ? only : profiles,
    clients: Object.fromEntries(
      clients.map(({ name, mode, refresh }) => [name, refresh ? mode : { mode, refresh: false as const }]),
    ),
    ...(clients.every(({ mode }) => mode === 'session') || Object.keys(tokens).length === 0
      ? {}
      : { tokens }),
    ...(callers.includes('browser') ? { origins: ['https://app.example.com'] } : {}),
    ...(limits === null
      ? {}
      : {
          sessions: { idle: limits.idle, absolute: limits.absolute },
          nearCache: { life: limits.nearCacheLife },
        }),
    ...(outage !== 'nothing' && revocation !== 'at-once' ? { log: { maxStaleness: MOST_STALE } } : {}),
  };
}

/** Shorter where somebody only reads `exp` and that would be too late, unless people had to sign in as often. */
function chooseLife(
  { services, revocation, sensitivity }: Answers,
  clients: readonly AdvisedClient[],
): Duration | null {
  const exposed = services !== 'none' && revocation !== 'expiry';
  if (clients.every(({ refresh }) => refresh)) return exposed ? SHORT_LIFE : null;
  return exposed || sensitivity === 'second-factor' ? null : LONG_LIFE;
}

function consequencesOf(
  profiles: readonly ProfileName[],
  clients: readonly AdvisedClient[],
  { sessions, tokens, log }: AdvisedOptions,
): readonly string[] {
  const strictest = (field: 'idle' | 'absolute' | 'accessLife'): Duration =>
    formatDuration(
      profiles
        .map((name): Millis => parseDuration(PROFILES[name][field]))
        .reduce((least, each) => Math.min(least, each)),
    );
  const idle = sessions?.idle ?? strictest('idle');
  const absolute = sessions?.absolute ?? strictest('absolute');
  const life = tokens?.life ?? strictest('accessLife');
  return [
    ...(clients.some(({ refresh }) => refresh)
      ? [
          `People sign in again after ${idle} without use, and after ${absolute} in any case; sessions.idle and sessions.absolute say otherwise.`,
        ]
      : []),
    ...(clients.some(({ mode }) => mode !== 'session') ? [`An access token is good for ${life}.`] : []),
    `When the store cannot be reached, checks are refused after ${log?.maxStaleness ?? '5s'}; that is also the longest that a revocation takes to reach a process of yours.`,
    ...(profiles.length > 1 ? ['Where profiles differ, the stricter value is in force.'] : []),
  ];
}

function warningsAbout(answers: Answers, clients: readonly AdvisedClient[]): readonly WarningCode[] {
  const { callers, nodes, services, revocation, outage, sensitivity } = answers;
  const warnings: readonly (readonly [WarningCode, boolean])[] = [
    ['no-second-factor', sensitivity === 'second-factor' && secure().needs !== null],
    ['no-postgres', nodes === 'several'],
    ['processes-on-a-file', nodes === 'host'],
    ['services-do-not-follow', services !== 'none' && revocation !== 'expiry'],
    ['no-client-keys', callers.includes('services')],
    ['outage-against-revocation', outage !== 'nothing' && revocation === 'at-once'],
    ['nothing-lasts-until-expiry', outage === 'expiry' && revocation !== 'at-once'],
    ['same-site', callers.includes('browser')],
    ['device-keeps-a-token', clients.some(({ refresh }) => !refresh)],
  ];
  return warnings.flatMap(([code, applies]) => (applies ? [code] : []));
}
