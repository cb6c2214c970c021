import { isSixteenBytes } from './base64url.ts';
import type { Millis, Seconds, Timestamp } from './clock.ts';
import { parseCompactJws, TokenRefused, verifySignature } from './compact-jws.ts';
import type { Position } from './log-entry.ts';
import type { Acr, Amr, Id, SessionId, UserId, Values } from './principal.ts';
import type { VerificationKey } from './verification-key.ts';

/** What every access token says, whomever it speaks for. */
interface CommonClaims {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** The name of the client that it was issued to. */
  readonly client: string;
  /** Since 1970, as all times of a token (RFC 7519 §2, NumericDate). */
  readonly issuedAt: Seconds;
  readonly expiresAt: Seconds;
  readonly id: string;
  /** `null` for an audience that does not follow the log. */
  readonly rs: Position | null;
  /** The configuration's own claims, none of a reserved name. */
  readonly claims: Values;
  /** The key that signed it, by which the log may speak against it. */
  readonly kid: string;
}

/** What a token of a user says (RFC 9068 §2.2): it comes from a session. */
export type UserAccessToken = CommonClaims & {
  readonly kind: 'user';
  readonly subject: UserId;
  readonly session: SessionId;
  readonly acr: Acr;
  readonly amr: readonly Amr[];
  readonly authTime: Seconds;
};

/** What a token says that a client got for itself (RFC 6749 §4.4): nobody has signed in. */
export type ClientAccessToken = CommonClaims & {
  readonly kind: 'client';
  /** `client_` and the client's name. */
  readonly subject: string;
  readonly session: null;
  readonly acr: null;
  readonly amr: readonly [];
  readonly authTime: null;
};

/** What a verified access token says. Frozen throughout. */
export type AccessToken = UserAccessToken | ClientAccessToken;

/** What a token is held against. None of it comes from the token. */
export interface AccessTokenRules {
  readonly issuer: string;
  /** The one audience that the caller answers for. */
  readonly audience: string;
  /** The issuer's key of this id, or `null`. The id is whatever the sender wrote. */
  readonly key: (kid: string) => VerificationKey | null;
  readonly now: Timestamp;
}

/** No token lives longer, whoever signed it: fifteen minutes. */
const MAX_LIFE: Seconds = 900;

/**
 * How far the issuer's clock may be ahead of ours. The tail is fresh only where
 * clocks agree within as much, and entries of the log outlive what they concern
 * by as much.
 *
 * It counts for `iat` alone. A token that was just issued must not be refused
 * by a clock that is behind. For `exp` there is no leeway: a client renews in
 * good time, and each second of it would be one in which a token is accepted
 * that its issuer holds for dead. For `nbf` neither: whoever writes it means it.
 */
const CLOCK_LEEWAY: Millis = 30_000;

/** RFC 9068 §2.1 and §4: of either spelling, in any case (RFC 2045 §5.1). */
const TYPE = /^(?:application\/)?at\+jwt$/i;

const ACR: ReadonlySet<unknown> = new Set<Acr>(['aal1', 'aal2', 'aal3']);
const AMR: ReadonlySet<unknown> = new Set<Amr>(['pwd']);

/**
 * Claims that narrow what a token is good for. While nothing here honours them,
 * to ignore one would accept more than its issuer meant: an organisation, rights
 * (RFC 8693 §4.2, RFC 9396 §9.1), a key that its holder must prove (RFC 7800 §3.1),
 * somebody who acts for the subject (RFC 8693 §4.1).
 */
export const NOT_HONOURED = ['org', 'scope', 'authorization_details', 'cnf', 'act'] as const;

/**
 * The names that no configuration may give to a claim of its own: those of
 * RFC 9068 and ours, and those that a verifier would have to honour.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'sub', 'sid', 'client_id', 'iat', 'exp', 'nbf', 'jti', 'acr', 'amr', 'auth_time', 'rs'],
  ...NOT_HONOURED,
]);

/** Names that turn into something else where an object is copied member by member. */
export const HOSTILE_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Verifies an access token (RFC 9068 §4, RFC 7519 §7.2). Its shape is judged
 * before any key is looked up, its signature before any claim, and its expiry
 * last: `expired` says that everything else is good, and `unknown key` that a
 * newer set of keys may have the one in question.
 *
 * Each claim has its exact JSON type, `exp` is never left out and at most 15
 * minutes after `iat`, and `iat` at most 30 seconds ahead. Whether the token has
 * been revoked is not asked here: the log says it.
 *
 * @throws {TokenRefused} with the reason.
 */
export function verifyAccessToken(text: string, rules: AccessTokenRules): AccessToken {
  const { header, payload, signingInput, signature } = parseCompactJws(text);
  if (!TYPE.test(header.typ)) throw new TokenRefused('another type');
  const key = rules.key(header.kid);
  // Of another id: the caller's look-up answered for something it does not hold.
  if (key === null || key.kid !== header.kid) throw new TokenRefused('unknown key');
  if (key.algorithm !== header.alg) throw new TokenRefused('another algorithm');
  verifySignature(key, signingInput, signature);
  const token = parseClaims(payload, header.kid);
  if (token.issuer !== rules.issuer) throw new TokenRefused('another issuer');
  if (!token.audience.includes(rules.audience)) throw new TokenRefused('another audience');
  refuseTimes(token, notBeforeOf(payload), rules.now);
  return token;
}

/** Conditions say what is good, so that a clock that is no number refuses. */
function refuseTimes({ issuedAt, expiresAt }: AccessToken, notBefore: Seconds, now: Timestamp): void {
  if (!(expiresAt > issuedAt)) throw new TokenRefused('a missing or malformed claim', 'exp');
  if (!(expiresAt - issuedAt <= MAX_LIFE)) throw new TokenRefused('too long a life');
  if (!(issuedAt * 1_000 <= now + CLOCK_LEEWAY)) throw new TokenRefused('issued in the future');
  if (!(notBefore * 1_000 <= now)) throw new TokenRefused('not good yet');
  if (!(now < expiresAt * 1_000)) throw new TokenRefused('expired');
}

function parseClaims(payload: Values, kid: string): AccessToken {
  const unhonoured = NOT_HONOURED.find((name) => Object.hasOwn(payload, name));
  if (unhonoured !== undefined) throw malformed(unhonoured);
  const common: CommonClaims = {
    issuer: textOf(payload, 'iss'),
    audience: audienceOf(payload),
    client: textOf(payload, 'client_id'),
    issuedAt: wholeOf(payload, 'iat'),
    expiresAt: wholeOf(payload, 'exp'),
    id: textOf(payload, 'jti'),
    rs: Object.hasOwn(payload, 'rs') ? wholeOf(payload, 'rs') : null,
    claims: ownClaimsOf(payload),
    kid,
  };
  if (claimOf(payload, 'sub') === clientSubject(common.client) && !Object.hasOwn(payload, 'sid'))
    return clientToken(payload, common);
  return Object.freeze({
    ...common,
    kind: 'user',
    subject: idOf<'user'>(payload, 'sub'),
    session: idOf<'session'>(payload, 'sid'),
    acr: acrOf(payload),
    amr: amrOf(payload),
    authTime: wholeOf(payload, 'auth_time'),
  });
}

/** The `sub` of a token that a client of that name got for itself. */
export function clientSubject(name: string): string {
  return `client_${name}`;
}

/** Nobody has signed in, so what would say how is a mistake. */
function clientToken(payload: Values, common: CommonClaims): ClientAccessToken {
  const ofUsers = ['acr', 'amr', 'auth_time'].find((name) => Object.hasOwn(payload, name));
  if (ofUsers !== undefined) throw malformed(ofUsers);
  return Object.freeze({
    ...common,
    kind: 'client',
    subject: clientSubject(common.client),
    session: null,
    acr: null,
    amr: Object.freeze([] as const),
    authTime: null,
  });
}

function malformed(claim: string): TokenRefused {
  return new TokenRefused('a missing or malformed claim', claim);
}

/** Only what the token says itself: an object also has what its prototype has. */
function claimOf(payload: Values, name: string): unknown {
  return Object.hasOwn(payload, name) ? payload[name] : undefined;
}

function textOf(payload: Values, name: string): string {
  const value = claimOf(payload, name);
  if (!isText(value)) throw malformed(name);
  return value;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function idOf<Kind extends string>(payload: Values, name: string): Id<Kind> {
  const value = textOf(payload, name);
  if (!isSixteenBytes(value)) throw malformed(name);
  return value as Id<Kind>;
}

function wholeOf(payload: Values, name: string): number {
  const value = claimOf(payload, name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(name);
  return value;
}

function notBeforeOf(payload: Values): Seconds {
  return Object.hasOwn(payload, 'nbf') ? wholeOf(payload, 'nbf') : 0;
}

/** RFC 7519 §4.1.3: one string, or an array of them. */
function audienceOf(payload: Values): readonly string[] {
  const value = claimOf(payload, 'aud');
  const all: unknown[] = Array.isArray(value) ? value : [value];
  if (all.length === 0 || !all.every(isText)) throw malformed('aud');
  return Object.freeze(all);
}

function acrOf(payload: Values): Acr {
  const value = claimOf(payload, 'acr');
  if (!isAcr(value)) throw malformed('acr');
  return value;
}

/** Whether it is an assurance level of ours. */
export function isAcr(value: unknown): value is Acr {
  return ACR.has(value);
}

function amrOf(payload: Values): readonly Amr[] {
  const value = claimOf(payload, 'amr');
  const all: unknown[] = Array.isArray(value) ? value : [];
  if (all.length === 0 || !all.every(isAmr)) throw malformed('amr');
  return Object.freeze(all);
}

function isAmr(value: unknown): value is Amr {
  return AMR.has(value);
}

function ownClaimsOf(payload: Values): Values {
  const own = Object.entries(payload).filter(([name]) => !RESERVED_CLAIMS.has(name));
  return frozen(Object.fromEntries(own));
}

/** Frozen with everything in it, because one answer is shared between requests. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const [name, inner] of Object.entries(value)) {
    if (HOSTILE_NAMES.has(name)) throw new TokenRefused('a missing or malformed claim');
    frozen(inner);
  }
  return Object.freeze(value);
}
