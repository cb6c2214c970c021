import type { Seconds, Timestamp } from '@latchkey/verify';
import { isLoopback } from '../config.ts';
import { personalNumber, sensitiveName, sensitiveValue } from '../tokens/sensitive.ts';
import { type Finding, finding, isMembers, type Members } from './inspect-findings.ts';
import { mediaType } from './inspect-header.ts';
import { printable, spell } from './inspect-text.ts';

/** Claims that are times (RFC 7519 §4.1, OpenID Connect Core §2 and §5.1). */
export const TIMES: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'auth_time', 'updated_at']);

const LONG: Seconds = 15 * 60;
const VERY_LONG: Seconds = 24 * 60 * 60;

/** By how much clocks may differ. */
const LEEWAY: Seconds = 60;

/** No time in seconds is as large before the year 5138, and every one in milliseconds is, since 1973. */
const MILLISECONDS = 100_000_000_000;

/** Says what is wrong with the claims of a token. */
export function judgeClaims(claims: Members, header: Members, now: Timestamp): readonly Finding[] {
  return [
    ...judgeTimes(claims, Math.floor(now / 1_000)),
    ...judgeParties(claims),
    ...judgePurpose(claims, header),
  ];
}

function judgeTimes(claims: Members, now: Seconds): readonly Finding[] {
  const findings: Finding[] = [];
  const time = (name: string): Seconds | null => {
    const value = claims[name];
    if (value === undefined) return null;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      findings.push(finding('time-shape', 'must be a number of seconds since 1970', name));
      return null;
    }
    if (value < MILLISECONDS) return value;
    findings.push(
      finding('time-milliseconds', 'is in milliseconds and read as seconds: thousands of years away', name),
    );
    return null;
  };
  const exp = time('exp');
  const iat = time('iat');
  const nbf = time('nbf');
  if (!Object.hasOwn(claims, 'exp'))
    findings.push(finding('exp-missing', 'is missing: whoever finds the token can use it for ever', 'exp'));
  if (!Object.hasOwn(claims, 'iat'))
    findings.push(
      finding('iat-missing', 'is missing: nobody can revoke all that were made before a moment', 'iat'),
    );
  if (iat !== null && iat > now + LEEWAY)
    findings.push(finding('iat-future', `is ${spell((iat - now) * 1_000)} in the future`, 'iat'));
  if (nbf !== null && nbf > now + LEEWAY)
    findings.push(
      finding(
        'nbf-future',
        `is ${spell((nbf - now) * 1_000)} in the future: the token is not good yet`,
        'nbf',
      ),
    );
  return exp === null ? findings : [...findings, ...judgeLife(exp, iat ?? nbf, now)];
}

function judgeLife(exp: Seconds, from: Seconds | null, now: Seconds): readonly Finding[] {
  const findings: Finding[] = [];
  if (exp <= now)
    findings.push(finding('expired', `was ${spell((now - exp) * 1_000)} ago: the token has expired`, 'exp'));
  if (from === null && exp <= now)
    return [...findings, finding('life-unknown', 'says not how long the token was good, without iat', 'exp')];
  const life = exp - (from ?? now);
  if (life <= 0)
    return [...findings, finding('life-none', 'is not after iat: the token was never good', 'exp')];
  if (life > LONG)
    findings.push(
      finding(
        life > VERY_LONG ? 'life-very-long' : 'life-long',
        `leaves the token good for ${from === null ? 'another ' : ''}${spell(life * 1_000)}, and a stolen one as long, wherever nothing but exp is checked`,
        'exp',
      ),
    );
  return findings;
}

/** RFC 7519 §4.1, RFC 9068 §2.2, RFC 8725 §3.8 and §3.9. */
function judgeParties(claims: Members): readonly Finding[] {
  const findings: Finding[] = [];
  const text = (name: 'iss' | 'sub' | 'jti', missing: string): void => {
    const value = claims[name];
    if (value === undefined) findings.push(finding(`${name}-missing`, missing, name));
    else if (typeof value !== 'string' || value === '')
      findings.push(finding('claim-shape', 'must be a string with something in it', name));
  };
  text('iss', 'is missing: a key of any issuer may do');
  text('sub', 'is missing: it is about nobody');
  text('jti', 'is missing: the token cannot be told from another one, to revoke it or to count it');
  const { iss, aud } = claims;
  if (typeof iss === 'string' && /^http:/i.test(iss) && !isLocal(iss))
    findings.push(
      finding('iss-http', 'is an http: URL: whoever is on the way can answer for the issuer', 'iss'),
    );
  const audiences: unknown = typeof aud === 'string' ? [aud] : aud;
  if (audiences === undefined)
    findings.push(
      finding('aud-missing', 'is missing: whoever the token is sent to can use it everywhere else', 'aud'),
    );
  else if (
    !Array.isArray(audiences) ||
    audiences.length === 0 ||
    !audiences.every((one) => typeof one === 'string' && one !== '')
  )
    findings.push(
      finding('claim-shape', 'must be a string or a list of strings, with something in it', 'aud'),
    );
  else if (audiences.includes('*'))
    findings.push(
      finding('aud-any', 'is everybody: whoever the token is sent to can use it everywhere else', 'aud'),
    );
  return findings;
}

function isLocal(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isLoopback(url);
}

/** RFC 9068 §2.1: an access token says so, or another token passes for one. */
function judgePurpose(claims: Members, header: Members): readonly Finding[] {
  const access = ['scope', 'scp', 'client_id'].some((name) => Object.hasOwn(claims, name));
  return access && mediaType(header['typ']) === 'jwt'
    ? [
        finding(
          'typ-not-access',
          'is JWT, and its claims are those of an access token: that is at+jwt',
          'typ',
        ),
      ]
    : [];
}

/** Of a token full of such things, so many are named. */
const MOST_NAMED = 20;

/** Says which members hold what everybody who holds the token can read, and never what it is. */
export function judgeSensitive(members: Members, skip: ReadonlySet<string>): readonly Finding[] {
  const findings = [...sensitiveIn(members, [], skip)];
  const more = findings.length - MOST_NAMED;
  return more <= 0
    ? findings
    : [...findings.slice(0, MOST_NAMED), finding('sensitive', `has ${more} more members of the kind`)];
}

function* sensitiveIn(
  value: unknown,
  path: readonly string[],
  skip: ReadonlySet<string>,
): Generator<Finding> {
  if (Array.isArray(value)) {
    for (const inner of value) yield* sensitiveIn(inner, path, skip);
  } else if (isMembers(value)) {
    for (const [name, inner] of Object.entries(value)) {
      if (path.length === 0 && skip.has(name)) continue;
      const asKey = sensitiveValue(name);
      const inside = [...path, asKey === null ? printable(name) : '…'];
      const named = asKey ?? (isSaid(inner) ? sensitiveName(name) : null);
      if (named === null) yield* sensitiveIn(inner, inside, skip);
      else
        yield finding(
          'sensitive',
          `${asKey === null ? 'is named like' : 'is itself'} ${named}: whoever holds the token can read it`,
          inside.join('.'),
        );
    }
  } else {
    const why = sensitiveValue(value) ?? personalNumber(value);
    if (why !== null)
      yield finding('sensitive', `looks like ${why}: whoever holds the token can read it`, path.join('.'));
  }
}

/** Whether a value can tell anything by itself: `"token": true` does not. */
function isSaid(value: unknown): boolean {
  return typeof value !== 'boolean' && value !== null && value !== '';
}

/** The time that a claim says, or `null` for one that cannot be one. */
export function timeOf(name: string, value: unknown): Timestamp | null {
  return TIMES.has(name) && typeof value === 'number' && Math.abs(value) < 8_640_000_000_000
    ? value * 1_000
    : null;
}
