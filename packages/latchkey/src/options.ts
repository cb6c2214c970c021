import type { Mode, PrincipalUser, SigningAlgorithm, Values } from '@latchkey/verify';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AccessRules } from './access/access.ts';
import type { Duration } from './foundation/durations.ts';
import type { ProfileName } from './profiles.ts';
import type { Store } from './stores/store.ts';

/** A schema of any library that speaks Standard Schema, for an object. */
export type ObjectSchema = StandardSchemaV1<Record<string, unknown>, Record<string, unknown>>;

/**
 * Lets pages in a browser use a client of mode `jwt`, which must keep a refresh
 * token where every script of the page can read it (NIST SP 800-63B-4 §5.1).
 */
export const allowInBrowser: unique symbol = Symbol('latchkey.allowInBrowser');

/**
 * Names the claims that may hold what is otherwise refused, such as an address:
 * whoever holds a token can read all of it.
 */
export const allowSensitive: unique symbol = Symbol('latchkey.allowSensitive');

/** A client that is configured by more than its mode. */
export interface ClientOptions {
  readonly mode: Mode;
  /** `false`, in mode `jwt`: a login leaves no row and cannot be renewed. */
  readonly refresh?: boolean;
  readonly [allowInBrowser]?: true;
}

export type ClientsOption = Readonly<Record<string, Mode | ClientOptions>>;

/** What goes into `principal.claims` and access tokens: its keys are the allow-list. */
export type ClaimsOption<Fields = Values> = {
  readonly [name: string]: (user: PrincipalUser<Fields>) => unknown;
} & { readonly [allowSensitive]?: readonly string[] };

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
    | 'user_created'
    | 'user_disabled'
    | 'user_enabled'
    | 'user_deleted'
    | 'user_unlocked'
    | 'client_created'
    | 'client_key_rotated'
    | 'client_refused'
    | 'client_disabled'
    | 'client_enabled'
    | 'client_ended'
    | 'everything_ended'
    | 'roles_changed'
    | 'fields_changed'
    | 'refreshed'
    | 'refresh_refused'
    | 'refresh_reused'
    | 'access_denied'
    | 'signing_key_rotated'
    | 'signing_key_revoked'
    | 'log_stale'
    | 'log_fresh'
    | 'log_failed_over'
    | 'log_restored'
    | 'clock_wrong'
    | 'clock_right'
    | 'canary_settled'
    | 'canary_overdue'
    | 'failed';
  readonly user?: string;
  readonly session?: string;
  readonly client?: string;
  readonly ip?: string | null;
  /** The administrator who did it; nobody where it was the application itself, or the command. */
  readonly by?: string;
  /**
   * Why, in the words of whoever revoked; for `log_stale` and `log_fresh` one of
   * `store_away`, `clock_wrong` and `slow_pulls`.
   */
  readonly reason?: string;
  /**
   * Milliseconds: for `log_fresh`, for how long the copy was not; for `canary_settled` and
   * `canary_overdue`, from when the canary was durable until everybody had confirmed it, or the deadline.
   */
  readonly ms?: number;
  /** For `canary_overdue`: who has not confirmed it, by name, the first twenty. */
  readonly followers?: readonly string[];
  /** The id of the key, for `signing_key_rotated` (the one that takes over) and `signing_key_revoked`. */
  readonly key?: string;
  /** The real code, which may not be public. */
  readonly code?: string;
  /** What went wrong inside, for `failed`. */
  readonly error?: unknown;
  /** The id of the request, for `failed`. */
  readonly request?: string;
  /** What was asked for, for `access_denied`. */
  readonly permission?: string;
}

/** A rate: so many within such a time. */
export interface Rate {
  readonly attempts: number;
  readonly within: Duration;
}

/** What an application configures. Everything but `url`, `secret` and `store` has a default. */
export interface LatchkeyOptions<
  SessionSchema extends ObjectSchema = ObjectSchema,
  UserSchema extends ObjectSchema = ObjectSchema,
  Claims = ClaimsOption<StandardSchemaV1.InferOutput<UserSchema>>,
  Clients = ClientsOption,
  Profile = ProfileName | readonly ProfileName[],
  Role extends string = string,
  Access = AccessRules<string, StandardSchemaV1.InferOutput<UserSchema>>,
> {
  /** The public origin, without a trailing slash: the issuer. `http:` only on loopback. */
  readonly url: string;
  /** The root secret, or a ring of them separated by commas, the current one first. */
  readonly secret: string | undefined;
  readonly store: Store;
  /** The name that the hosted pages show. Default `Latchkey`. */
  readonly brand?: string;
  /** Default `small-app`. */
  readonly profile?: Profile;
  /** Names and modes; the first is the default. Default: one of the mode that the profile is for, and one for pages. */
  readonly clients?: Clients;
  /** The shape of what the application adds to a user. Each key needs a default or to be optional. */
  readonly user?: UserSchema;
  /** The shape of a session's data. */
  readonly session?: SessionSchema;
  /** What principals and access tokens say of the user besides who it is. */
  readonly claims?: Claims;
  /** Names that users may be given; `administrator` is built in. */
  readonly roles?: readonly Role[];
  /** Who may do what: nothing is allowed that is not said here. */
  readonly access?: Access;
  readonly tokens?: {
    /** How long an access token is good. Never longer than 15 minutes. */
    readonly life?: Duration;
    /** How long a key signs before the next one takes over, which is published long before. Default `30d`. */
    readonly keyLife?: Duration;
    /** Default `EdDSA`. */
    readonly algorithm?: SigningAlgorithm;
    /** Audiences besides the issuer that a client may ask a token for. Default none. */
    readonly audiences?: readonly string[];
  };
  /** Further origins that may call with credentials, and to which `return_to` may lead. */
  readonly origins?: readonly string[];
  readonly sessions?: { readonly idle?: Duration; readonly absolute?: Duration };
  readonly nearCache?: { readonly life?: Duration; readonly entries?: number };
  readonly log?: {
    /** No request is accepted later than this after an acknowledged revocation. Default `5s`. */
    readonly maxStaleness?: Duration;
    /**
     * A file in which each process notes how far it has seen the log, so that a database
     * which was put back to an older state is noticed. Beside the secret, not beside the
     * database. Default none.
     */
    readonly watermark?: string;
    /**
     * How often one process of the deployment revokes what belongs to nobody, to see how
     * long until everybody who follows the log has confirmed it; `false` for never. Default `1m`.
     */
    readonly canary?: Duration | false;
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
