import type { CookiePrincipal, Mode, UserPrincipal } from '@latchkey/verify';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AccessRules } from './access/access.ts';
import type { ClientsOption, ObjectSchema } from './options.ts';
import type { PROFILES, ProfileName } from './profiles.ts';

/** What a configuration says about types: they reach principals, session data, rules and guards from here. */
export interface Shape {
  /** A session's data. */
  readonly data: object;
  /** What the application adds to a user. */
  readonly fields: object;
  readonly claims: object;
  /** The modes of the configured clients. */
  readonly mode: Mode;
  readonly role: string;
  readonly access: AccessRules;
}

/**
 * Who asks, as far as the configuration tells: where every client is of mode
 * `session`, everyone presents a cookie, and so the user is always known whole.
 */
export type PrincipalOf<S extends Shape> = [S['mode']] extends ['session']
  ? CookiePrincipal<S['claims'], S['fields']>
  : UserPrincipal<S['claims'], S['fields']>;

/** A configuration of which nothing is known: what it names may be anything. */
export type AnyShape = Shape & {
  readonly data: Record<string, unknown>;
  readonly fields: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
};

/** The values that a schema describes; `Else` where there is none. */
export type ValuesOf<Schema, Else> = [Schema] extends [never]
  ? Else
  : Schema extends ObjectSchema
    ? StandardSchemaV1.InferOutput<Schema>
    : Else;

/** What the functions of the configuration's `claims` answer. */
export type ClaimsOf<Option> = string extends keyof Option
  ? // None are configured: what was inferred is what any configuration may say.
    {}
  : {
      readonly [Name in keyof Option & string]: Option[Name] extends (user: never) => infer Value
        ? Value
        : never;
    };

/** The modes of the clients that are configured, or of the one that the profile brings. */
export type ModeOf<Clients, Profile> = Clients extends ClientsOption
  ? {
      [Name in keyof Clients]: Clients[Name] extends Mode ? Clients[Name] : ModeOfOptions<Clients[Name]>;
    }[keyof Clients]
  : ModeOfProfile<Profile>;

type ModeOfOptions<Options> = Options extends { readonly mode: infer M extends Mode } ? M : never;

type ModeOfProfile<Profile> = Profile extends ProfileName
  ? (typeof PROFILES)[Profile]['mode']
  : Profile extends readonly ProfileName[]
    ? Mode
    : 'session';
