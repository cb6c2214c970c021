import type { Condition } from './conditions.ts';

declare const typed: unique symbol;

/** What may be done with one kind of thing, and under which conditions. Made by `resource` and `permissions`. */
export interface ResourceRules<Resource, Action extends string, Role extends string, Fields> {
  /** Whether a decision needs the thing itself. */
  readonly needsResource: boolean;
  /** For each action its conditions, of which one is enough. */
  readonly rules: Readonly<Record<Action, readonly object[]>>;
  /** Never there: holds the types for those below. */
  readonly [typed]?: {
    readonly resource: Resource;
    readonly role: Role;
    /** Rules that read fields suit whoever has those fields, and maybe others. */
    readonly decideFor: (fields: Fields) => void;
  };
}

/**
 * What the option `access` takes: a name for each kind of thing, and its rules.
 * Where `Role` or `Fields` is given, rules that name another role, or a field
 * that users don't have, do not compile.
 */
export type AccessRules<Role extends string = string, Fields = never> = Readonly<
  Record<string, ResourceRules<unknown, string, Role, Fields>>
>;

/**
 * Declares what may be done with things of type `Resource`, by users with `Fields`.
 *
 * Two calls, because the types are given and the names are inferred:
 * `resource<Document>()({ edit: [{ ownerId: me.id }] })`.
 */
export function resource<Resource extends object, Fields = unknown>(): <
  Action extends string,
  Role extends string = never,
>(
  rules: Readonly<Record<Action, readonly Condition<Resource, Role, Fields>[]>>,
) => ResourceRules<Resource, Action, Role, Fields> {
  return (rules) => ({ needsResource: true, rules });
}

/** Declares what may be done without any thing in hand, such as seeing a report. */
export function permissions<Action extends string, Role extends string = never>(
  rules: Readonly<Record<Action, readonly Condition<undefined, Role, unknown>[]>>,
): ResourceRules<undefined, Action, Role, unknown> {
  return { needsResource: false, rules };
}

/** Every permission that rules name, such as `document:edit`, and the one that is built in. */
export type PermissionOf<Access extends AccessRules> =
  | 'latchkey:admin'
  | { [Name in keyof Access & string]: `${Name}:${keyof Access[Name]['rules'] & string}` }[keyof Access &
      string];

/** The type of the thing that a permission is about; `undefined` where it is about none. */
export type ResourceOf<
  Access extends AccessRules,
  Permission extends string,
> = Permission extends `${infer Name}:${string}`
  ? Access[Name] extends ResourceRules<infer Resource, string, string, never>
    ? Resource
    : undefined
  : undefined;

/**
 * What follows a permission in a call: the thing, or nothing. Where the
 * permission is only known to be one of several, the thing must suit each.
 */
export type ResourceArgument<Access extends AccessRules, Permission extends PermissionOf<Access>> = (
  Permission extends unknown
    ? (resource: ResourceOf<Access, Permission>) => void
    : never
) extends (resource: infer Resource) => void
  ? [Resource] extends [never]
    ? [resource: never]
    : [Resource] extends [undefined]
      ? []
      : [resource: Resource]
  : never;

/** Every role that rules name. */
export type RoleOf<Access extends AccessRules> = {
  [Name in keyof Access]: Access[Name] extends ResourceRules<unknown, string, infer Role, never>
    ? Role
    : never;
}[keyof Access];
