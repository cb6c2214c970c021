import type { Mode } from '@latchkey/verify';
import type { ProfileName } from '../profiles.ts';

/** What advice says, each once; `docs/choosing.md` says the same, and a test holds them together. */

/** What a mode costs, and what is lost with it. */
export const PRICES: Readonly<Record<Mode, readonly string[]>> = {
  session: [
    'a check that is not remembered reads the store once',
    'only what has the store can check the cookie: another service cannot',
    'the browser sends the cookie by itself, so that requests from other sites have to be refused by their origin',
  ],
  jwt: [
    'whoever only reads exp accepts a token that was revoked until it expires',
    'a token is some 500 bytes on each request, and whoever holds it can read what is in it',
  ],
  hybrid: [
    'there are two credentials to know about, the cookie and the token made from it',
    'the client asks for another token every few minutes, by its cookie',
    'whoever only reads exp accepts a token that was revoked until it expires',
  ],
};

/** What a client of mode `jwt` costs besides, with refresh and without. */
export const PRICE_OF_REFRESH =
  'the client has to renew its token every few minutes, and to keep the refresh token as one keeps a password';
export const PRICE_WITHOUT_REFRESH =
  'people sign in again each time that the token expires, after 15 minutes at most';

/** Why a client is given its mode. */
export const REASONS = {
  'pages-session': 'pages of one origin send a cookie by themselves, and no script can read it',
  'pages-hybrid':
    'the pages need the cookie alone, and the services need something that they can check: a token that your server asks for with it',
  'browser-session': 'scripts may hold no token, so that the cookie has to do; they cannot read it',
  'browser-hybrid':
    'calls to another origin carry a token that lives for minutes, and the cookie, which no script can read, gets the next one',
  'browser-relayed':
    'scripts may hold no token and the services need one: your server asks for it with the cookie and calls them',
  'apps-jwt': 'an app has no use for cookies; the keychain of the device keeps its refresh token',
  'apps-once':
    'an app has no use for cookies, and the device may keep nothing: a login gives one token and no more',
  'people-behind-services': 'services call in the name of people, who have to sign in somewhere',
} as const;

export type Reason = keyof typeof REASONS;

/** Why a profile is named. */
export const PROFILE_REASONS: Readonly<Record<ProfileName, string>> = {
  'small-app': 'pages of one origin, from one process',
  'server-rendered': 'pages of one origin, from more than one process',
  api: 'a browser app that calls an API',
  mobile: 'apps on devices that are locked by themselves',
  microservices: 'services that check, or call',
  distributed: 'more than one host',
  'high-security': 'a password alone must not be enough',
};

/** What stands between the answers and what this version can do, or between two answers. */
export const WARNINGS = {
  'no-second-factor':
    'This version has no second factor, and the profile high-security refuses to start without one. Its limits are set one by one instead; a password alone stays enough. Where that cannot be, wait, or put something that has second factors in front.',
  'no-postgres':
    'Several hosts need one store that all of them reach, which will be PostgreSQL; this version has SQLite on one host. Until then run on one host.',
  'processes-on-a-file':
    'Several processes can share the SQLite file. Each counts rates by itself, and a receipt often waits for its deadline, because the others say only each 10 s how far they are.',
  'services-do-not-follow':
    'In this version no service can follow the revocation log: a service that checks a token by itself reads exp, and accepts a revoked one until then. Where that is too late, let your server make the call, or ask it on each request.',
  'no-client-keys':
    'Services with credentials of their own (client keys) are not in this version; it can do what they do in the name of a user.',
  'outage-against-revocation':
    'To go on while the store is away means to rely on what was known before, and a revocation within seconds means not to. The revocation wins here: after 5 s without the store, checks are refused.',
  'nothing-lasts-until-expiry':
    'Nothing of Latchkey goes on for longer than a minute without the store. A service that only reads exp does, because it asks nobody.',
  'same-site':
    'The cookie reaches the browser app only where both origins are of one site, such as app.example.com and api.example.com; browsers keep it from other sites.',
  'device-keeps-a-token':
    'Without a keychain a token is all that the app has. It is good until it expires, or until everything of its user is revoked.',
} as const;

export type WarningCode = keyof typeof WARNINGS;

/** When neither is needed. */
export const WITHOUT_LATCHKEY =
  'You may not need any of this: examples/session-only is a session in one file without Latchkey, and says when that is enough.';
