import type { Timestamp } from '@latchkey/verify';
import { role } from './conditions.ts';
import { type Demand, demandsOf, entriesOf, rankOf, type StepUp, type Subject } from './demands.ts';
import type { AccessRules } from './rules.ts';

export type { StepUp, Subject } from './demands.ts';
export type { AccessRules, PermissionOf, ResourceArgument, ResourceOf, RoleOf } from './rules.ts';

/** The role that is built in: it has `latchkey:admin`, and nothing else that rules don't give it. */
export const ADMINISTRATOR = 'administrator';

/** What administration asks for. */
export const ADMIN_PERMISSION = 'latchkey:admin';

/** What a role, a resource or an action may be called: a permission is two of these with a colon between. */
const NAME = /^[a-z][a-z0-9_-]*$/i;

/** What became of one rule. Plain data, for an administrator to read. */
export interface Reason {
  /** Where the rule stands and what it asks for, such as `document.edit[0]: ownerId is me`. */
  readonly rule: string;
  readonly matched: boolean;
  /** What it asks for and did not find. Empty where it matched. */
  readonly missing: readonly string[];
}

/** An answer with its reasons. An object, so it is always true in an `if`: ask `allows` for a boolean. */
export interface Decision {
  readonly allowed: boolean;
  /** One for each rule of the permission, in their order. None where nothing is said, so nothing allowed. */
  readonly because: readonly Reason[];
  /**
   * The least that a new authentication of the same user would have to reach for
   * it to be allowed (RFC 9470 §3). `null` where it is allowed already, where no
   * authentication would do, and where nobody has signed in.
   */
  readonly stepUp: StepUp | null;
}

/**
 * Who may do what, ready to be asked. It is pure: it reads nothing but its
 * arguments. What a resource throws when it is looked at is thrown on, so that
 * nobody is let in by an exception.
 */
export interface AccessPolicy {
  /** Every permission there is, in alphabetical order. */
  readonly permissions: readonly string[];
  /** Every role that a user may be given, `administrator` among them. */
  readonly roles: ReadonlySet<string>;
  /**
   * Decides and says why. `subject` is `null` where nobody has signed in.
   *
   * @throws {TypeError} for a permission that there isn't, and where it is about
   *   a resource and none is given.
   */
  decide(subject: Subject | null, permission: string, resource: unknown, now: Timestamp): Decision;
  /**
   * Whether it is allowed: `decide` without the reasons.
   *
   * @throws {TypeError} as `decide` does.
   */
  allows(subject: Subject | null, permission: string, resource: unknown, now: Timestamp): boolean;
}

interface Rule {
  readonly text: string;
  readonly demands: readonly Demand[];
}

interface Permission {
  readonly needsResource: boolean;
  readonly rules: readonly Rule[];
}

/**
 * Reads rules into a policy: a list is enough if one of it matches, and nothing
 * is allowed that no rule says. Rules are copied, so what is changed in them
 * afterwards changes nothing.
 *
 * @throws {TypeError} for names that are no names (letters, digits, `-` and `_`,
 *   a letter first, none that every object inherits), for a role that is not in
 *   `roles`, and for conditions that are none or ask for nothing.
 */
export function compileAccess(options: {
  readonly roles: readonly string[];
  readonly access: AccessRules;
}): AccessPolicy {
  const roles = new Set([ADMINISTRATOR, ...options.roles.map((name) => checkName('role', name))]);
  const table = new Map([
    [ADMIN_PERMISSION, permissionOf('latchkey.admin', false, [role(ADMINISTRATOR)], roles)],
  ]);
  for (const [name, value] of entriesOf(options.access, 'access')) {
    if (checkName('resource', name) === 'latchkey') throw new TypeError('the resource latchkey is built in');
    const { needsResource, rules } = resourceRules(value, name);
    for (const [action, conditions] of entriesOf(rules, name)) {
      const where = `${name}.${checkName('action', action)}`;
      table.set(`${name}:${action}`, permissionOf(where, needsResource, conditions, roles));
    }
  }
  return policyOf(table, roles);
}

function policyOf(table: ReadonlyMap<string, Permission>, roles: ReadonlySet<string>): AccessPolicy {
  const rulesFor = (permission: string, resource: unknown): readonly Rule[] => {
    const found = table.get(permission);
    if (found === undefined) throw new TypeError(`there is no permission ${JSON.stringify(permission)}`);
    if (found.needsResource && (typeof resource !== 'object' || resource === null)) {
      throw new TypeError(`${permission} is about a resource: hand it in`);
    }
    return found.rules;
  };
  return Object.freeze({
    permissions: Object.freeze([...table.keys()].toSorted()),
    roles,
    allows: (subject, permission, resource, now) =>
      rulesFor(permission, resource).some(({ demands }) =>
        demands.every((demand) => demand.holds(subject, resource, now)),
      ),
    decide: (subject, permission, resource, now) => {
      const findings = rulesFor(permission, resource).map(({ text, demands }) => ({
        text,
        demands,
        unmet: demands.filter((demand) => !demand.holds(subject, resource, now)),
      }));
      const allowed = findings.some(({ unmet }) => unmet.length === 0);
      const reachable = findings.filter(({ unmet }) => unmet.every(({ stepUp }) => stepUp !== null));
      return {
        allowed,
        because: findings.map(({ text, unmet }) => ({
          rule: text,
          matched: unmet.length === 0,
          missing: unmet.map((demand) => demand.text),
        })),
        stepUp:
          allowed || subject === null ? null : leastOf(reachable.map(({ demands }) => wholeOf(demands))),
      };
    },
  } satisfies AccessPolicy);
}

/**
 * What a new authentication has to reach for one rule: all that the rule asks
 * for, met today or not, because it replaces the one of today.
 */
function wholeOf(demands: readonly Demand[]): StepUp {
  return demands.reduce<StepUp>(
    (whole, { stepUp }) =>
      stepUp === null
        ? whole
        : {
            acr: rankOf(stepUp.acr) > rankOf(whole.acr) ? stepUp.acr : whole.acr,
            maxAge: ageOf(stepUp) < ageOf(whole) ? stepUp.maxAge : whole.maxAge,
          },
    { acr: null, maxAge: null },
  );
}

/** The step-up that asks the least of the user: lower assurance first, then the longer time. */
function leastOf(stepUps: readonly StepUp[]): StepUp | null {
  const [least = null] = stepUps.toSorted(
    (left, right) =>
      rankOf(left.acr) - rankOf(right.acr) ||
      Number(ageOf(left) < ageOf(right)) - Number(ageOf(left) > ageOf(right)),
  );
  return least;
}

function ageOf({ maxAge }: StepUp): number {
  return maxAge ?? Number.POSITIVE_INFINITY;
}

function permissionOf(
  where: string,
  needsResource: boolean,
  conditions: unknown,
  roles: ReadonlySet<string>,
): Permission {
  if (!Array.isArray(conditions)) throw new TypeError(`${where} must be a list of conditions`);
  const rules = [...conditions.values()].map((condition: unknown, index): Rule => {
    const rule = `${where}[${index}]`;
    const demands = demandsOf(condition, { rule, needsResource, roles });
    return { text: `${rule}: ${demands.map(({ text }) => text).join(' and ')}`, demands };
  });
  return { needsResource, rules };
}

function resourceRules(value: unknown, name: string): { needsResource: boolean; rules: unknown } {
  const { needsResource, rules } = Object.fromEntries(entriesOf(value, name));
  if (typeof needsResource !== 'boolean') {
    throw new TypeError(`${name} must be made by resource() or permissions()`);
  }
  return { needsResource, rules };
}

function checkName(kind: 'role' | 'resource' | 'action', name: string): string {
  if (!NAME.test(name) || name in Object.prototype) {
    throw new TypeError(
      `no ${kind} can be named ${JSON.stringify(name)}: letters, digits, - and _, a letter first`,
    );
  }
  return name;
}
