/**
 * Authentication for TypeScript applications: sessions, tokens or both, with one
 * revocation log under them.
 *
 * @module
 */
import { type ClientPrincipal, type Clock, systemClock } from '@latchkey/verify';
import type { AccessRules, Decision, PermissionOf, ResourceArgument } from './access/access.ts';
import { type Clients, clientsOf } from './clients.ts';
import type { Config } from './config.ts';
import { doorOf } from './door.ts';
import { revoke } from './flows/revoke.ts';
import { issueSetupToken } from './flows/set-up.ts';
import { type Figures, figuresOf, type Status, statusOf } from './flows/status.ts';
import { Secret } from './foundation/secret.ts';
import type { Connection } from './http/exchange.ts';
import { type OpenApi, openApi } from './http/openapi.ts';
import { type Keys, keysOf } from './keys.ts';
import type { AuthEvent, ClaimsOption, ClientsOption, LatchkeyOptions, ObjectSchema } from './options.ts';
import type { ProfileName } from './profiles.ts';
import { type Requests, requestsOf } from './requests.ts';
import { type Followers, listFollowers } from './revocation/followers.ts';
import type { Receipt } from './revocation/receipts.ts';
import { parseTarget, type RevokeTarget } from './revocation/target.ts';
import { type Sessions, sessionsOf } from './sessions.ts';
import type { Store } from './stores/store.ts';
import { compose, type System } from './system.ts';
import type { AnyShape, ClaimsOf, ModeOf, PrincipalOf, Shape, ValuesOf } from './types.ts';
import { type Users, usersOf } from './users.ts';

export {
  type ClientPrincipal,
  LatchkeyError,
  type Principal,
  type PrincipalUser,
  type UserPrincipal,
} from '@latchkey/verify';
export type { AccessRules, Decision, PermissionOf, ResourceOf } from './access/access.ts';
export { all, assurance, me, oneOf, recent, role, signedIn } from './access/conditions.ts';
export { permissions, resource } from './access/rules.ts';
export type { Clients } from './clients.ts';
export { type Config, ConfigError, type ConfigLine } from './config.ts';
export type { Page, PageOptions } from './door.ts';
export { CODES, type Code, isFailure } from './errors.ts';
export type { ApplicationSession } from './flows/application-session.ts';
export type { ManagedClient } from './flows/clients.ts';
export type { ManagedSession } from './flows/list-sessions.ts';
export type { Lookups } from './flows/lookup-counts.ts';
export type { IssuedKey, RotatedKey } from './flows/service-clients.ts';
export type { Figures, Status } from './flows/status.ts';
export type { ManagedUser } from './flows/users.ts';
export type { HeaderSource, RequestHead } from './foundation/header-source.ts';
export type { Connection } from './http/exchange.ts';
export type { OpenApi } from './http/openapi.ts';
export type { Keys } from './keys.ts';
export {
  type AuthEvent,
  allowInBrowser,
  allowSensitive,
  type ClientOptions,
  type LatchkeyOptions,
} from './options.ts';
export type { CheckOptions, Requests, ServiceCheckOptions } from './requests.ts';
export type { FollowerState, Followers } from './revocation/followers.ts';
export type { Receipt, ReceiptDetails, ReceiptState } from './revocation/receipts.ts';
export type { RevokeTarget } from './revocation/target.ts';
export type { SessionFilter, Sessions } from './sessions.ts';
export { sqlite } from './stores/sql/sqlite.ts';
export { type Store, StoreRefused } from './stores/store.ts';
export type { KeyState } from './tokens/key-schedule.ts';
export type { KeyRotation } from './tokens/key-turns.ts';
export type { ListedKey } from './tokens/signing-keys.ts';
export type { AnyShape, PrincipalOf, Shape } from './types.ts';
export type { Users } from './users.ts';

/** The version of this build. */
export const VERSION = '0.1.0';

/** An authentication system, opened by its first use. */
export interface Latchkey<S extends Shape = AnyShape> extends Requests<S> {
  readonly config: Config;
  /** Answers requests to its own paths; never throws. */
  handler(request: Request, connection?: Connection): Promise<Response>;
  /** Whether `handler` answers a path: `/auth` and below, and its two documents under `/.well-known`. */
  answers(path: string): boolean;
  /**
   * Whether the principal may, `null` being the anonymous. A service may what everybody may.
   * Nothing is allowed that `access` does not say.
   *
   * @throws {TypeError} for a permission that is not declared.
   */
  can<P extends PermissionOf<S['access']>>(
    principal: PrincipalOf<S> | ClientPrincipal | null,
    permission: P,
    ...resource: ResourceArgument<S['access'], P>
  ): Promise<boolean>;
  /**
   * Returns where the principal may.
   *
   * @throws `LK_UNAUTHENTICATED` for the anonymous; `LK_STEP_UP_REQUIRED` where proving again
   *   would do; else `LK_FORBIDDEN`.
   */
  authorize<P extends PermissionOf<S['access']>>(
    principal: PrincipalOf<S> | ClientPrincipal | null,
    permission: P,
    ...resource: ResourceArgument<S['access'], P>
  ): Promise<void>;
  /** The decision with its reasons. An object, so always true in an `if`: ask `can` for a boolean. */
  explain<P extends PermissionOf<S['access']>>(
    principal: PrincipalOf<S> | ClientPrincipal | null,
    permission: P,
    ...resource: ResourceArgument<S['access'], P>
  ): Promise<Decision>;
  readonly users: Users<S>;
  readonly sessions: Sessions;
  readonly clients: Clients;
  /** Where the log stands, and who follows it. */
  followers(): Promise<Followers>;
  readonly keys: Keys;
  /**
   * Ends trust in what the target names: sessions now, and everything that follows the log.
   * The reason goes into the event.
   *
   * @throws {TypeError} for anything but one of the four, and for an id that is none.
   */
  revoke(target: RevokeTarget, options?: { readonly reason?: string }): Promise<Receipt>;
  /** A new one-time link that makes the first administrator; `null` where there is one. */
  setupLink(): Promise<Secret | null>;
  /** How this node is, and whether the store answers. */
  status(): Promise<Status>;
  /** The same without asking the store: as cheap as it looks, so that it may be read for metrics as often as wanted. */
  figures(): Figures;
  openApi(): OpenApi;
  /** Opens the store and follows the log. A start that failed is tried again by the next call. */
  ready(): Promise<void>;
  /**
   * Ends the streams of the feed and opens no further ones, so that a server that stops has
   * nothing to wait for. To be called before its `close`; the rest goes on being answered.
   */
  drain(): void;
  /** Writes what is pending and lets go of everything. */
  close(): Promise<void>;
}

/** What a test of an application replaces. */
export interface Replacement {
  readonly store: Store;
  readonly clock: Clock;
  /** Told of each event before the `onEvent` of the configuration is. */
  readonly onEvent: (event: AuthEvent) => void;
}

/** By which `latchkey/testing` puts another system under an application's own object. */
export const replaceSystem: unique symbol = Symbol('latchkey.replaceSystem');

/** As much of a `Latchkey` as a test of an application reaches for. */
export interface Replaceable {
  /**
   * Puts the same configuration on another store and clock, and closes what was there.
   *
   * @throws {TypeError} where its own store may have been opened: what serves people
   *   must never be exchanged under them for an empty one.
   */
  [replaceSystem](replacement: Replacement): Promise<System>;
}

/**
 * Makes an authentication system. It opens nothing until it is used or `ready` is called.
 *
 * @throws {ConfigError} with one line that names the option and the remedy.
 */
export function latchkey<
  // Without a default, which would be what the functions' parameters are read from.
  Claims extends ClaimsOption<ValuesOf<UserSchema, {}>>,
  SessionSchema extends ObjectSchema = never,
  UserSchema extends ObjectSchema = never,
  const Clients extends ClientsOption | undefined = undefined,
  const Profile extends ProfileName | readonly ProfileName[] = 'small-app',
  const Role extends string = never,
  Access extends AccessRules<NoInfer<Role> | 'administrator', ValuesOf<UserSchema, {}>> = {},
>(
  options: LatchkeyOptions<SessionSchema, UserSchema, Claims, Clients, Profile, Role, Access> & {
    readonly clock?: Clock;
  },
): Latchkey<{
  readonly data: ValuesOf<SessionSchema, Record<string, unknown>>;
  readonly fields: ValuesOf<UserSchema, {}>;
  readonly claims: ClaimsOf<Claims>;
  readonly mode: ModeOf<Clients, Profile>;
  readonly role: Role;
  readonly access: Access;
}>;
export function latchkey(options: LatchkeyOptions & { readonly clock?: Clock }): object {
  let system = compose(options, options.clock ?? systemClock);
  let replaced = false;
  const auth: Latchkey & Replaceable = {
    get config() {
      return system.rooms.config;
    },
    ...doors(() => system),
    [replaceSystem]: async ({ store, clock, onEvent }) => {
      const before = system;
      if (!replaced && before.used()) throw new TypeError(TOO_LATE);
      const told = (event: AuthEvent): void => {
        onEvent(event);
        options.onEvent?.(event);
      };
      // Its log holds what the test wrote, and nothing that comes by itself.
      const after = compose({ ...options, store, onEvent: told }, clock, { canaries: false });
      replaced = true;
      system = after;
      await before.close();
      return after;
    },
  };
  return auth;
}

const TOO_LATE =
  'this Latchkey has opened its own store: call testing() before ready() and before the first request, and keep what listens in a file that tests do not import';

function doors(current: () => System): Omit<Latchkey, 'config'> {
  const door = doorOf(current);
  return {
    handler: (request, connection) => current().handle(request, connection ?? { peer: null }),
    answers: (path) => /^\/auth(\/|$)/.test(path) || WELL_KNOWN.has(path),
    ...requestsOf(current),
    can: (principal, permission, ...[resource]) =>
      door(({ authorizer }) => authorizer.can(principal, permission, resource)),
    authorize: (principal, permission, ...[resource]) =>
      door(({ authorizer }) => authorizer.authorize(principal, permission, resource)),
    explain: (principal, permission, ...[resource]) =>
      door(({ authorizer }) => authorizer.explain(principal, permission, resource)),
    users: usersOf(door),
    sessions: sessionsOf(door),
    clients: clientsOf(door),
    keys: keysOf(door),
    followers: () => door(({ rooms }) => listFollowers(rooms.receipts.sources)),
    revoke: async (target, { reason } = {}) => {
      const parsed = parseTarget(target);
      return door(({ rooms }) => revoke(rooms, parsed, { by: null, reason: reason ?? null }));
    },
    setupLink: () =>
      door(async ({ rooms }) => {
        const token = await issueSetupToken(rooms);
        if (token === null) return null;
        return new Secret(`${rooms.config.origin}/auth/setup?token=${token.reveal()}`);
      }),
    status: () => statusOf(current()),
    figures: () => figuresOf(current()),
    openApi: () => {
      const { config, cookie } = current().rooms;
      return openApi({ origin: config.origin, version: VERSION, cookieName: cookie.name });
    },
    ready: () => current().ready(),
    drain: () => current().rooms.feed.stop(),
    close: () => current().close(),
  };
}

/** RFC 7517 §8.5 of ours, and RFC 8414 §3. Whatever else is under `/.well-known` is the application's. */
const WELL_KNOWN = new Set(['/.well-known/jwks.json', '/.well-known/oauth-authorization-server']);
