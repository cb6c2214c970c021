import { type AccessToken, verifyAccessToken } from './access-token.ts';
import { type Clock, type Moment, momentOf, type Timestamp } from './clock.ts';
import { TokenRefused } from './compact-jws.ts';
import { verifierFailure } from './failures.ts';
import type { Introspector } from './introspection.ts';
import type { Position } from './log-entry.ts';
import { type Digest, digestOf, NearCache, type Proof, type Terms } from './near-cache.ts';
import type { PublishedKeys } from './published-keys.ts';
import type { Verdict } from './revoked-set.ts';
import { type KnownOfToken, principalOf, rechecked, type ServicePrincipal } from './service-principal.ts';
import type { Tail } from './tail.ts';
import { TokenSubjects } from './token-subjects.ts';
import type { acceptUntilExpiry } from './unsafe.ts';

/** What is done with a token of which the copy of the log cannot tell. */
export type OnUnknown = 'introspect' | 'deny' | typeof acceptUntilExpiry;

/** By what the log may speak against a token that was found good, and until when it is. */
interface Grounds {
  readonly subjects: TokenSubjects;
  readonly rs: Position;
  readonly expiresAt: Timestamp;
  /** Whether it says anything that can change: one that does not is never stale. */
  readonly saysMore: boolean;
}

/** A token that was found good. */
export interface Checked extends Grounds {
  readonly principal: ServicePrincipal;
}

export interface TokenCheckOptions {
  readonly clock: Clock;
  readonly tail: Tail;
  readonly keys: PublishedKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly onUnknown: OnUnknown;
  /** `null` without a key. */
  readonly introspector: Introspector | null;
  readonly cacheEntries: number;
  /** Told of each principal that is handed out for the first time. */
  readonly onChecked: (checked: Checked) => void;
}

/** However good a token is, its answer is remembered for so long. */
const TERMS: Terms = { life: 60_000 };
/** Above every position: nothing is newer, so only what kills whatever the position counts. */
const NO_RS: Position = Number.MAX_SAFE_INTEGER;

/** A token in hand whose signature and claims are good. */
interface Held {
  readonly text: string;
  readonly key: Digest;
  readonly token: AccessToken;
  readonly subjects: TokenSubjects;
  readonly readAt: Moment;
}

/** What the copy says of a token, and by how much of the log it says so. */
interface Judgement {
  readonly verdict: Verdict | 'unknown';
  readonly head: Position | null;
}

/**
 * Answers whether an access token is good: from memory where the copy of the log is fresh
 * and says nothing against it, else by its signature and claims, and where the copy cannot
 * tell, as `onUnknown` says.
 */
export class TokenCheck {
  readonly #options: TokenCheckOptions;
  readonly #cache: NearCache<Checked, Terms>;

  constructor(options: TokenCheckOptions) {
    this.#options = options;
    const { clock, tail, cacheEntries } = options;
    this.#cache = new NearCache({
      clock,
      tail,
      entries: cacheEntries,
      factsOf: ({ subjects }, _, rs) => subjects.facts(rs, tail.salt),
    });
  }

  /** Answers that are remembered. */
  get remembered(): number {
    return this.#cache.size;
  }

  /** @throws what `Verifier.authenticate` says. */
  check(text: string): Checked | Promise<Checked> {
    const key = digestOf(text);
    return this.#cache.find(key)?.answer ?? this.#checkNew(text, key);
  }

  async #checkNew(text: string, key: Digest): Promise<Checked> {
    const readAt = momentOf(this.#options.clock);
    const token = await this.#read(text);
    const held: Held = { text, key, token, subjects: new TokenSubjects(token), readAt };
    const { verdict, head } = await this.#judge(held);
    if (verdict === 'revoked') throw verifierFailure('LK_TOKEN_REVOKED');
    if (verdict === 'unknown') return this.#resolveUnknown(held);
    if (verdict === 'stale' && saysAnything(token.claims)) return this.#resolveStale(held);
    // What is stale and says nothing that could be was judged by all up to the head, and found living.
    const rs = verdict === 'ok' ? token.rs : head;
    return this.#remember(held, token, { rs: rs ?? NO_RS, readAt });
  }

  async #read(text: string): Promise<AccessToken> {
    const { keys } = this.#options;
    try {
      return this.#verify(text);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      if (error.reason !== 'unknown key') throw refusal(error);
    }
    await keys.refresh();
    if (!keys.isUsable)
      throw verifierFailure('LK_ISSUER_UNAVAILABLE', { retryAfter: 1_000 }, { cause: keys.failure });
    try {
      return this.#verify(text);
    } catch (error) {
      throw error instanceof TokenRefused ? refusal(error) : error;
    }
  }

  #verify(text: string): AccessToken {
    const { issuer, audience, keys, clock } = this.#options;
    return verifyAccessToken(text, { issuer, audience, key: (kid) => keys.find(kid), now: clock.now() });
  }

  /** What was heard against a token counts however old the copy is. */
  async #judge({ token, subjects }: Held): Promise<Judgement> {
    const { tail } = this.#options;
    const { rs } = token;
    const judge = (): Judgement => {
      const facts = subjects.facts(rs ?? NO_RS, tail.salt);
      const head = tail.cursor?.seq ?? null;
      if (tail.heard(facts) === 'revoked') return { verdict: 'revoked', head };
      return { verdict: rs === null ? 'unknown' : tail.check(facts), head };
    };
    const first = judge();
    // It may have been made a moment ago, after the last pull.
    const ahead = rs !== null && first.head !== null && rs > first.head;
    if (first.verdict !== 'unknown' || !ahead) return first;
    await tail.catchUp();
    return judge();
  }

  /** R2: the client gets a new token; where very many would at once, the issuer is asked here instead. */
  async #resolveStale(held: Held): Promise<Checked> {
    const { tail, onUnknown } = this.#options;
    const { session, user, client, rs } = held.subjects.facts(held.token.rs ?? NO_RS, tail.salt);
    const narrow =
      (user !== null && tail.hasChanged('user', user, rs)) ||
      (session !== null && tail.hasChanged('session', session, rs)) ||
      tail.hasChanged('client', client, rs);
    if (narrow || onUnknown !== 'introspect') throw verifierFailure('LK_TOKEN_STALE');
    return this.#introspect(held);
  }

  async #resolveUnknown(held: Held): Promise<Checked> {
    const { tail, onUnknown } = this.#options;
    if (onUnknown === 'introspect') return this.#introspect(held);
    const { token, subjects } = held;
    if (onUnknown === 'deny') throw unknownFailure(tail, token.rs);
    const stale = tail.heard(subjects.facts(token.rs ?? NO_RS, tail.salt)) === 'stale';
    if (stale && saysAnything(token.claims)) throw verifierFailure('LK_TOKEN_STALE');
    return this.#checked(held, token, token.rs ?? NO_RS);
  }

  async #introspect(held: Held): Promise<Checked> {
    const { tail, introspector } = this.#options;
    const { text, token, subjects } = held;
    const answer = (await introspector?.ask(text, token)) ?? null;
    if (answer === null) throw verifierFailure('LK_TOKEN_REVOKED');
    const { rs, readAt, known } = answer;
    // R5: something may have been heard while the issuer was asked.
    if (tail.heard(subjects.facts(rs, tail.salt)) === 'revoked') throw verifierFailure('LK_TOKEN_REVOKED');
    return this.#remember(held, known, { rs, readAt });
  }

  #remember(held: Held, known: KnownOfToken, proof: Proof): Checked {
    const answer = this.#checked(held, known, proof.rs);
    this.#cache.fill(held.key, { answer, terms: TERMS, goodUntil: answer.expiresAt }, proof);
    return answer;
  }

  #checked({ token, subjects }: Held, known: KnownOfToken, rs: Position): Checked {
    const bare = principalOf(token, known);
    const { expiresAt } = bare;
    const grounds: Grounds = { subjects, rs, expiresAt, saysMore: saysAnything(known.claims) };
    const checked = { principal: rechecked(bare, () => this.#recheck(grounds)), ...grounds };
    this.#options.onChecked(checked);
    return checked;
  }

  async #recheck({ subjects, rs, expiresAt, saysMore }: Grounds): Promise<void> {
    const { clock, tail, onUnknown } = this.#options;
    await tail.catchUp();
    if (clock.now() >= expiresAt) throw verifierFailure('LK_TOKEN_EXPIRED');
    const facts = subjects.facts(rs, tail.salt);
    const heard = tail.heard(facts);
    if (heard === 'revoked') throw verifierFailure('LK_TOKEN_REVOKED');
    if (heard === 'stale' && saysMore) throw verifierFailure('LK_TOKEN_STALE');
    if (tail.check(facts) !== 'unknown') return;
    if (onUnknown === 'introspect' || onUnknown === 'deny') throw unknownFailure(tail, rs);
  }
}

/** What is thrown where nobody can tell: a new token helps where the old one is of an older history. */
function unknownFailure(tail: Tail, rs: Position | null): Error {
  if (tail.isFresh()) {
    if (rs === null) return verifierFailure('LK_TOKEN_REFUSED');
    if (rs < tail.epochStart) return verifierFailure('LK_TOKEN_STALE');
  }
  return verifierFailure('LK_NOT_FRESH', { retryAfter: 1_000 });
}

function saysAnything(claims: object): boolean {
  return Object.keys(claims).length > 0;
}

function refusal(error: TokenRefused): Error {
  const code = error.reason === 'expired' ? 'LK_TOKEN_EXPIRED' : 'LK_TOKEN_REFUSED';
  return verifierFailure(code, undefined, { cause: error });
}
