import type { Acr, Millis, Seconds, Timestamp, Values } from '@latchkey/verify';
import {
  type AllCondition,
  type AssuranceCondition,
  type Literal,
  MEANS,
  type Operand,
  type RecentCondition,
  type RoleCondition,
  SAYS,
  type SignedInCondition,
} from './conditions.ts';

/** Who asks, as rules see them. */
export interface Subject {
  readonly id: string;
  /** Names of the roles that the store assigns. */
  readonly roles: readonly string[];
  /** What the application's own schema adds to a user. */
  readonly fields: Values;
  readonly acr: Acr;
  /** When they last proved who they are. */
  readonly authTime: Timestamp;
}

/** What a new authentication has to reach. */
export interface StepUp {
  /** The least assurance; `null` where any will do. */
  readonly acr: Acr | null;
  /** The longest time since, in seconds; `null` where any will do. */
  readonly maxAge: Seconds | null;
}

/** One thing that a rule asks for. A rule asks for a list of them, each of which must hold. */
export interface Demand {
  /** What is asked for, for an administrator to read. Holds values of the rule, never of a resource. */
  readonly text: string;
  /** What would make it hold by a new authentication; `null` where none would. */
  readonly stepUp: StepUp | null;
  holds(subject: Subject | null, resource: unknown, now: Timestamp): boolean;
}

/** Where a condition stands, and what it may name there. */
export interface Surroundings {
  /** The rule in question, such as `document.edit[0]`. */
  readonly rule: string;
  readonly needsResource: boolean;
  readonly roles: ReadonlySet<string>;
}

type Built =
  | SignedInCondition
  | RoleCondition
  | RecentCondition
  | AssuranceCondition
  | AllCondition<unknown, string, unknown>;

/** The orders of assurance (NIST SP 800-63B-4 §2), weakest first. */
const ACRS: readonly Acr[] = ['aal1', 'aal2', 'aal3'];

/** How far the clocks of two nodes may be apart: who signed in at one is not in the future at the other. */
const CLOCK_SKEW: Millis = 30_000;

/** The place of an assurance in their order; -1 for what is none, which is less than any. */
export function rankOf(acr: Acr | null): number {
  return acr === null ? -1 : ACRS.indexOf(acr);
}

/**
 * Reads one condition into what it asks for. The condition may change afterwards:
 * what was read does not.
 *
 * @throws {TypeError} where it is no condition, names a role that is not declared,
 *   or asks for attributes where there is no resource.
 */
export function demandsOf(condition: unknown, surroundings: Surroundings): readonly Demand[] {
  const { rule } = surroundings;
  if (!isThing(condition)) throw new TypeError(`${rule} is no condition`);
  if (!isBuilt(condition)) return attributesOf(condition, surroundings);
  const said = condition[SAYS];
  switch (said.kind) {
    case 'signed in':
      return [{ text: 'signed in', stepUp: null, holds: (subject) => subject !== null }];
    case 'role':
      return [roleDemand(said.role, surroundings)];
    case 'recent':
      return [recentDemand(said.within, said.maxAge)];
    case 'assurance':
      return [assuranceDemand(said.acr, rule)];
    case 'all': {
      // An empty list asks for nothing, and nothing is what everybody has.
      if (said.conditions.length === 0) throw new TypeError(`${rule}: all() needs a condition`);
      return said.conditions.flatMap((each) => demandsOf(each, surroundings));
    }
  }
}

/**
 * The own entries of an object as it was written.
 *
 * @throws {TypeError} where a key would be lost unseen: `__proto__` in a literal
 *   sets the prototype, and symbols are nobody's names.
 */
export function entriesOf(value: unknown, what: string): readonly (readonly [string, unknown])[] {
  if (!isThing(value)) throw new TypeError(`${what} is not an object`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new TypeError(`${what} must be a plain object`);
  }
  return Reflect.ownKeys(value).map((key) => {
    if (typeof key === 'symbol') throw new TypeError(`${what} has a symbol among its names`);
    return [key, value[key]] as const;
  });
}

function roleDemand(name: string, { rule, roles }: Surroundings): Demand {
  if (!roles.has(name)) {
    throw new TypeError(`${rule} names the role ${JSON.stringify(name)}, which is not among roles`);
  }
  return {
    text: `role ${name}`,
    stepUp: null,
    // Not `includes`: of a text it would look for a part.
    holds: (subject) => subject?.roles.some((held) => held === name) === true,
  };
}

function recentDemand(within: string, maxAge: Seconds): Demand {
  const longest: Millis = maxAge * 1_000;
  return {
    text: `authenticated within ${within}`,
    stepUp: { acr: null, maxAge },
    holds: (subject, _resource, now) => {
      if (subject === null) return false;
      const age = now - subject.authTime;
      return age <= longest && subject.authTime <= now + CLOCK_SKEW;
    },
  };
}

function assuranceDemand(acr: Acr, rule: string): Demand {
  const least = rankOf(acr);
  if (least === -1) throw new TypeError(`${rule}: there is no assurance ${JSON.stringify(acr)}`);
  return {
    text: `assurance ${acr}`,
    stepUp: { acr, maxAge: null },
    holds: (subject) => subject !== null && rankOf(subject.acr) >= least,
  };
}

function attributesOf(attributes: object, { rule, needsResource }: Surroundings): readonly Demand[] {
  const entries = entriesOf(attributes, rule);
  // As with `all`: no attributes at all would let everybody in.
  if (entries.length === 0) throw new TypeError(`${rule} asks for nothing: name an attribute or a condition`);
  if (!needsResource) throw new TypeError(`${rule} asks for attributes, and there is no resource`);
  return entries.map(([name, expected]) => attributeDemand(name, expected, rule));
}

function attributeDemand(name: string, expected: unknown, rule: string): Demand {
  const comparison = comparisonWith(expected, `${rule}: ${name}`);
  return {
    text: `${name} ${comparison.text}`,
    stepUp: null,
    // Own properties alone: what everything inherits is nobody's attribute.
    holds: (subject, resource) =>
      isThing(resource) && Object.hasOwn(resource, name) && comparison.matches(resource[name], subject),
  };
}

interface Comparison {
  readonly text: string;
  matches(value: unknown, subject: Subject | null): boolean;
}

function comparisonWith(expected: unknown, what: string): Comparison {
  if (isThing(expected) && isOperand(expected)) {
    const meant = expected[MEANS];
    switch (meant.kind) {
      case 'my id':
        return {
          text: 'is me',
          matches: (value, subject) => isNaming(value) && value === subject?.id,
        };
      case 'my field': {
        const { field } = meant;
        return {
          text: `is my ${field}`,
          matches: (value, subject) =>
            subject !== null &&
            isNaming(value) &&
            Object.hasOwn(subject.fields, field) &&
            value === subject.fields[field],
        };
      }
      case 'one of': {
        const values = meant.values.map((each) => literal(each, what));
        return {
          text: `is one of ${values.map(textOf).join(', ')}`,
          matches: (value) => values.some((each) => each === value),
        };
      }
    }
  }
  const wanted = literal(expected, what);
  return { text: `is ${textOf(wanted)}`, matches: (value) => value === wanted };
}

/** Whether a value can say who or what somebody is: empty text would make strangers of one kind. */
function isNaming(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}

function literal(value: unknown, what: string): Literal {
  if (Number.isNaN(value)) throw new TypeError(`${what}: NaN equals nothing`);
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    typeof value === 'bigint'
  ) {
    return value;
  }
  throw new TypeError(`${what} can only be held against text, a number, true, false or null`);
}

function textOf(value: Literal): string {
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
}

function isThing(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isBuilt(value: object): value is Built {
  return Object.hasOwn(value, SAYS);
}

function isOperand(value: object): value is Operand {
  return Object.hasOwn(value, MEANS);
}
