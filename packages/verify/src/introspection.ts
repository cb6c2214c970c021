import { type AccessToken, HOSTILE_NAMES, isAcr, NOT_HONOURED, RESERVED_CLAIMS } from './access-token.ts';
import { type Clock, type Millis, type Moment, momentOf } from './clock.ts';
import { verifierFailure } from './failures.ts';
import { type IssuerClient, IssuerFailed, wholeIn } from './issuer-client.ts';
import type { Position } from './log-entry.ts';
import type { Amr, Values } from './principal.ts';
import type { KnownOfToken } from './service-principal.ts';

const TIMEOUT: Millis = 2_000;
/** In bytes: a token's claims and a little. */
const MOST_BYTES = 65_536;
const AT_ONCE = 16;
const MOST_WAITING = 1_000;

/** What the issuer says of a token that is good. */
export interface Introspected {
  readonly known: KnownOfToken;
  /** The log's head before the issuer read (R1). */
  readonly rs: Position;
  /** When it was asked. */
  readonly readAt: Moment;
}

export interface IntrospectorOptions {
  readonly client: IssuerClient;
  readonly clock: Clock;
  readonly issuer: string;
  readonly audience: string;
}

/**
 * Asks the issuer whether a token is good (RFC 7662): once for all who ask at the same time,
 * and at most sixteen tokens at once. Only tokens whose signature is good are asked about.
 */
export class Introspector {
  readonly #options: IntrospectorOptions;
  readonly #asked = new Map<string, Promise<Introspected | null>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: IntrospectorOptions) {
    this.#options = options;
  }

  /**
   * What the issuer says of the token; `null` where it is not good, or not for this audience.
   *
   * @throws `LK_ISSUER_UNAVAILABLE` where it cannot be asked; `LK_BUSY` where too many wait.
   */
  ask(text: string, token: AccessToken): Promise<Introspected | null> {
    const asked = this.#asked.get(text);
    if (asked !== undefined) return asked;
    const answer = this.#inTurn(() => this.#ask(text, token)).finally(() => this.#asked.delete(text));
    this.#asked.set(text, answer);
    return answer;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < AT_ONCE) this.#running += 1;
    else {
      if (this.#waiting.length >= MOST_WAITING) throw verifierFailure('LK_BUSY', { retryAfter: 1_000 });
      // Whoever is done hands on their place.
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #ask(text: string, token: AccessToken): Promise<Introspected | null> {
    const { client, clock } = this.#options;
    const readAt = momentOf(clock);
    try {
      const answer = await client.askJson(
        '/auth/introspect',
        {
          method: 'POST',
          headers: { ...client.authorization, 'Content-Type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ token: text }).toString(),
          timeout: TIMEOUT,
        },
        MOST_BYTES,
      );
      if (answer['active'] === false) return null;
      this.#demandSame(answer, token);
      return { known: knownIn(answer, token), rs: wholeIn(answer, 'rs'), readAt };
    } catch (error) {
      throw verifierFailure('LK_ISSUER_UNAVAILABLE', { retryAfter: 1_000 }, { cause: error });
    }
  }

  /** The answer must be of the token that was asked about: it becomes somebody's principal. */
  #demandSame(answer: Values, token: AccessToken): void {
    const { issuer, audience } = this.#options;
    const audiences: unknown[] = Array.isArray(answer['aud']) ? answer['aud'] : [answer['aud']];
    const same =
      answer['active'] === true &&
      answer['iss'] === issuer &&
      answer['sub'] === token.subject &&
      (answer['sid'] ?? null) === token.session &&
      answer['client_id'] === token.client &&
      answer['jti'] === token.id &&
      answer['exp'] === token.expiresAt &&
      audiences.includes(audience) &&
      !NOT_HONOURED.some((name) => Object.hasOwn(answer, name));
    if (!same) throw new IssuerFailed('the issuer answered of another token', null);
  }
}

/** What an answer says of itself, beside the claims. */
const OF_THE_ANSWER: ReadonlySet<string> = new Set(['active', 'token_type']);

function knownIn(answer: Values, token: AccessToken): KnownOfToken {
  const own = Object.entries(answer).filter(
    ([name]) => !RESERVED_CLAIMS.has(name) && !OF_THE_ANSWER.has(name) && !HOSTILE_NAMES.has(name),
  );
  const claims = deepFrozen(Object.fromEntries(own));
  if (token.kind === 'client') return { acr: null, amr: [], authTime: null, claims };
  const { acr, amr } = answer;
  if (!isAcr(acr) || !isSubset(amr, token.amr)) {
    throw new IssuerFailed('the issuer answered another acr or amr', null);
  }
  return { acr, amr: token.amr, authTime: wholeIn(answer, 'auth_time'), claims };
}

/** No answer knows of more than the token was made by. */
function isSubset(value: unknown, of: readonly Amr[]): boolean {
  return Array.isArray(value) && value.every((each) => of.some((known) => known === each));
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}
