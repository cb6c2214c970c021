import type { Acr, Seconds } from '@latchkey/verify';
import { type Duration, parseDuration } from '../foundation/durations.ts';

/**
 * Where a condition keeps what it says. A symbol, so that the attributes of a
 * resource may have any name, and nothing that comes from outside can be one.
 */
export const SAYS: unique symbol = Symbol('condition');

/** Where `me.id`, `me.field` and `oneOf` keep what they stand for. */
export const MEANS: unique symbol = Symbol('operand');

/** Values that can be compared: equal is `===`, and nothing else. */
export type Literal = string | number | boolean | bigint | null;

/** Stands in a rule for the id of who asks. Equals nothing where nobody asks. */
export interface MyId {
  readonly [MEANS]: { readonly kind: 'my id' };
}

/** Stands in a rule for a field of who asks. */
export interface MyField<Field extends string = string> {
  readonly [MEANS]: { readonly kind: 'my field'; readonly field: Field };
}

/** Stands in a rule for any of some values. */
export interface OneOf<Value extends Literal = Literal> {
  readonly [MEANS]: { readonly kind: 'one of'; readonly values: readonly Value[] };
}

/** Whatever may stand in a rule for more than one fixed value. */
export type Operand = MyId | MyField | OneOf;

/** Fields of the user that can have a value of type `V`, such as the other's team for a team. */
type FieldsLike<V, Fields> = {
  [Name in keyof Fields & string]: Extract<Fields[Name], string | number> extends infer Value
    ? [Value] extends [never]
      ? never
      : [Value] extends [V]
        ? Name
        : [V] extends [Value]
          ? Name
          : never
    : never;
}[keyof Fields & string];

/** What an attribute with values of type `V` can be held against. */
type Expected<V, Fields> =
  | Extract<V, Literal>
  | OneOf<Extract<V, Literal>>
  | ([Extract<V, string>] extends [never] ? never : MyId)
  | ([Extract<V, string | number>] extends [never]
      ? never
      : MyField<FieldsLike<Extract<V, string | number>, Fields>>);

/** Attributes that a resource must have, each of them. */
export type Attributes<Resource, Fields> = [Resource] extends [undefined]
  ? never
  : { readonly [Name in keyof Resource & string]?: Expected<Resource[Name], Fields> };

/** Somebody has signed in, whoever it is. */
export interface SignedInCondition {
  readonly [SAYS]: { readonly kind: 'signed in' };
}

/** Who asks has the role. */
export interface RoleCondition<Role extends string = string> {
  readonly [SAYS]: { readonly kind: 'role'; readonly role: Role };
}

/** Who asks has proved who they are not longer ago than this. */
export interface RecentCondition {
  readonly [SAYS]: { readonly kind: 'recent'; readonly within: Duration; readonly maxAge: Seconds };
}

/** Who asks has proved who they are at least as surely as this. */
export interface AssuranceCondition {
  readonly [SAYS]: { readonly kind: 'assurance'; readonly acr: Acr };
}

/** All of the conditions hold. */
export interface AllCondition<Resource, Role extends string, Fields> {
  readonly [SAYS]: {
    readonly kind: 'all';
    readonly conditions: readonly Condition<Resource, Role, Fields>[];
  };
}

/** One rule: what must be so. `Resource` is `undefined` where a permission is about none. */
export type Condition<Resource, Role extends string, Fields> =
  | Attributes<Resource, Fields>
  | SignedInCondition
  | RoleCondition<Role>
  | RecentCondition
  | AssuranceCondition
  | AllCondition<Resource, Role, Fields>;

/**
 * Who asks, to be compared with attributes. Neither is ever equal to an attribute
 * that is missing, `null`, or empty text.
 *
 * A field that users may change themselves is no ground for access: whoever
 * writes it, grants it.
 */
export const me: { readonly id: MyId; field<const Field extends string>(name: Field): MyField<Field> } =
  Object.freeze({
    id: Object.freeze({ [MEANS]: Object.freeze({ kind: 'my id' }) }),
    field: <const Field extends string>(field: Field): MyField<Field> =>
      Object.freeze({ [MEANS]: Object.freeze({ kind: 'my field', field }) }),
  });

/** Says that an attribute has one of the values. */
export function oneOf<const Values extends readonly [Literal, ...(readonly Literal[])]>(
  ...values: Values
): OneOf<Values[number]> {
  return Object.freeze({ [MEANS]: Object.freeze({ kind: 'one of', values: Object.freeze([...values]) }) });
}

/** Says that somebody must have signed in, whoever it is. */
export function signedIn(): SignedInCondition {
  return Object.freeze({ [SAYS]: Object.freeze({ kind: 'signed in' }) });
}

/** Says that who asks must have a role. One role contains no other: name each that is enough. */
export function role<const Role extends string>(name: Role): RoleCondition<Role> {
  return Object.freeze({ [SAYS]: Object.freeze({ kind: 'role', role: name }) });
}

/**
 * Says that who asks must have proved who they are at most `duration` ago
 * (`auth_time`, OpenID Connect Core §2).
 *
 * @throws {TypeError} where the duration is not a whole number of seconds above
 *   zero: a step-up is asked for in seconds (RFC 9470 §3, `max_age`).
 */
export function recent(duration: Duration): RecentCondition {
  const maxAge: Seconds = parseDuration(duration) / 1_000;
  if (!Number.isInteger(maxAge) || maxAge < 1) {
    throw new TypeError(`recent(${JSON.stringify(duration)}): write whole seconds, at least '1s'`);
  }
  return Object.freeze({ [SAYS]: Object.freeze({ kind: 'recent', within: duration, maxAge }) });
}

/** Says that the authentication of who asks must be of this assurance, or of a higher one. */
export function assurance(acr: Acr): AssuranceCondition {
  return Object.freeze({ [SAYS]: Object.freeze({ kind: 'assurance', acr }) });
}

/**
 * Says that each of the conditions must hold. A list says that one is enough.
 *
 * The type of the resource comes from the rule that it stands in.
 */
export function all<Resource, Role extends string = never, Fields = unknown>(
  ...conditions: readonly [
    Condition<NoInfer<Resource>, Role, NoInfer<Fields>>,
    ...(readonly Condition<NoInfer<Resource>, Role, NoInfer<Fields>>[]),
  ]
): AllCondition<Resource, Role, Fields> {
  return Object.freeze({
    [SAYS]: Object.freeze({ kind: 'all', conditions: Object.freeze([...conditions]) }),
  });
}
