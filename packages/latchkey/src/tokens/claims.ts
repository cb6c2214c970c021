import {
  HOSTILE_NAMES,
  LatchkeyError,
  type PrincipalUser,
  parseStrictJson,
  RESERVED_CLAIMS,
  type Values,
} from '@latchkey/verify';
import { ConfigError } from '../config.ts';
import { deepFreeze, isPlain } from '../foundation/freeze.ts';
import { allowSensitive, type ClaimsOption } from '../options.ts';
import { sensitiveName, sensitiveValue } from './sensitive.ts';

const MAX_BYTES = 1_024;

/** What the configuration says of users, besides who they are. */
export interface Claims {
  readonly names: readonly string[];
  /**
   * The claims of a user, as they stand in `principal.claims` and in tokens.
   *
   * @throws `LK_CLAIM_REFUSED`, which names the claim and never its value, for what
   *   no token may hold, for what is no JSON, and where they outgrow 1 kB.
   */
  of(user: PrincipalUser): Values;
}

/**
 * Reads the configuration's `claims`. Its keys are the allow-list: nothing else
 * ever gets into a token (a JWT is signed and not encrypted: whoever holds one
 * can read all of it).
 *
 * @throws {ConfigError} for a reserved name, and for one that means personal data
 *   or a secret and is not allowed by `allowSensitive`.
 */
export function parseClaims(option: ClaimsOption | undefined): Claims {
  const allowed = new Set(option?.[allowSensitive] ?? []);
  const rules = Object.entries(option ?? {});
  for (const [name, rule] of rules) refuseName(name, allowed, rule);
  for (const name of allowed) {
    if (!rules.some(([known]) => known === name))
      throw new ConfigError(`claims: allowSensitive names ${name}, and there is no such claim`);
  }
  return {
    names: rules.map(([name]) => name),
    of: (user) => {
      const claims: Record<string, unknown> = {};
      for (const [name, rule] of rules) {
        const value = plain(name, rule(user));
        if (value === undefined) continue;
        const why = allowed.has(name) ? null : sensitiveValue(value);
        if (why !== null) throw refused(name, why);
        claims[name] = value;
      }
      const size = Buffer.byteLength(JSON.stringify(claims));
      if (size > MAX_BYTES) {
        const all = Object.keys(claims).join(', ');
        throw refused(all, `${size} bytes, and ${MAX_BYTES} is the most`);
      }
      return deepFreeze(claims);
    },
  };
}

function refuseName(name: string, allowed: ReadonlySet<string>, rule: unknown): void {
  if (typeof rule !== 'function') throw new ConfigError(`claims.${name} must be a function of the user`);
  if (!/^[a-zA-Z][\w:./-]{0,63}$/.test(name) || Object.hasOwn(Object.prototype, name) || name === 'prototype')
    throw new ConfigError(`claims cannot name ${JSON.stringify(name)}: letters, digits and _ : . / -`);
  if (RESERVED_CLAIMS.has(name))
    throw new ConfigError(`claims.${name} is a registered claim, which Latchkey sets`);
  const why = allowed.has(name) ? null : sensitiveName(name);
  if (why === null) return;
  throw new ConfigError(
    `claims.${name} is refused (${why}): whoever holds a token can read it; ` +
      `leave it out, or allow it by name with [allowSensitive]: ['${name}']`,
  );
}

/**
 * As a reader of the token will see it. What JSON does not carry is refused and not
 * dropped, and so is what a verifier refuses: better no token than one that nobody accepts.
 */
function plain(name: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  let text: unknown;
  try {
    text = JSON.stringify(value, (_key, inner: unknown) => {
      if (isLost(inner)) throw new TypeError('it would be lost');
      return inner;
    });
  } catch {
    // Not kept as the cause: what a value throws may quote the value.
    throw refused(name, 'it is no JSON');
  }
  if (typeof text !== 'string') throw refused(name, 'it is no JSON');
  let parsed: unknown;
  try {
    parsed = parseStrictJson(Buffer.from(text));
  } catch {
    throw refused(name, 'it is JSON that is not read everywhere alike');
  }
  if (hasHostileName(parsed)) throw refused(name, 'it has a member that a verifier refuses');
  return parsed;
}

/** What JSON leaves out, or makes something else of: a promise becomes `{}`, and NaN `null`. */
function isLost(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) {
    return value === undefined || typeof value === 'function' || typeof value === 'symbol';
  }
  return !Array.isArray(value) && !isPlain(value);
}

function hasHostileName(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => HOSTILE_NAMES.has(key) || hasHostileName(inner));
}

/** Names the claim, for whoever reads the log, and never shows what it held. */
function refused(claim: string, why: string): Error {
  const message = `the claim ${claim} may not be in a token: ${why}`;
  return new LatchkeyError('LK_CLAIM_REFUSED', message, { claim, why });
}
