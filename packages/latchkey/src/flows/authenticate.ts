import {
  type Digest,
  digestOf,
  type Facts,
  type Millis,
  momentOf,
  NearCache,
  type Position,
  type Principal,
  type Remembered,
  type SessionId,
  type Terms,
  type Timestamp,
  type UserId,
  type UserPrincipal,
} from '@latchkey/verify';
import { failure, isFailure } from '../errors.ts';
import type { HeaderSource } from '../foundation/header-source.ts';
import { parseSessionCredential } from '../sessions/cookie.ts';
import { causeOfDeath, matchSecret } from '../sessions/session.ts';
import { checkCookie } from './check-cookie.ts';
import { checkToken, readToken, readTokenForAny } from './check-token.ts';
import { LookupCounts, type LookupMode, type Lookups, slotOf } from './lookup-counts.ts';
import type { Rooms } from './rooms.ts';

/** A session before login whose cookie is good: it holds data, and speaks for nobody. */
export interface AnonymousSession {
  readonly kind: 'anonymous';
  readonly via: 'cookie';
  readonly session: { readonly id: SessionId };
  readonly expiresAt: Timestamp;
}

/** Whom a good credential speaks for, or before login the session alone. */
export type Presented = Principal | AnonymousSession;

/** Who asks; `null` for nobody, and before login. */
export function principalIn(presented: Presented | null): Principal | null {
  return presented === null || presented.kind === 'anonymous' ? null : presented;
}

/**
 * The user who asks; `null` as in `principalIn`.
 *
 * @throws `LK_TOKEN_REFUSED` for a service: it has no account, and nothing here is for it.
 */
export function userIn(presented: Presented | null): UserPrincipal | null {
  const principal = principalIn(presented);
  if (principal?.kind === 'client') throw failure('LK_TOKEN_REFUSED');
  return principal;
}

/** A session that somebody may end, because they hold what is or was its credential. */
export interface HeldSession {
  readonly id: SessionId;
  /** `null` before login. */
  readonly userId: UserId | null;
}

/** What a check is for. */
export interface Wanted {
  /** Whether the request's method is safe (RFC 9110 §9.2.1). */
  readonly safe: boolean;
  /** Whom a token must be for. */
  readonly audience: string;
}

/** What credentials of one kind, client, key and audience have in common, beside how long they are remembered. */
interface CredentialTerms extends Terms {
  /** One text is good as one kind alone, whatever is remembered of it. */
  readonly kind: Credential['kind'];
  readonly client: Facts['client'];
  readonly signingKey: Facts['signingKey'];
  /** Whom a token is for; `null` for a cookie. */
  readonly audience: readonly string[] | null;
  /** Where hits and misses of such are counted. */
  readonly slot: number;
}

/** A token's answer is remembered as long as others, also where cookies are read from the store each time. */
const TOKEN_LIFE: Millis = 60_000;

/** More are there only where keys were exchanged a thousand times: then all are noted anew. */
const MOST_TERMS = 1_000;

/** RFC 6750 §2.1. */
const B64TOKEN = /^[\w.~+/-]+=*$/;

type Uses = Pick<
  Rooms,
  'config' | 'clock' | 'store' | 'tail' | 'cookie' | 'activity' | 'claims' | 'signingKeys'
>;

/** Where credentials are counted of which nothing is known. */
const NOT_GOOD = { cookie: slotOf('cookie', 'none'), token: slotOf('token', 'none') } as const;

/** A credential that was checked, and what it has in common with others. */
interface Checked {
  readonly presented: Presented;
  readonly terms: CredentialTerms;
}

type Credential = { readonly kind: 'cookie' | 'token'; readonly text: string };

/**
 * Answers "who is the user?": from memory where the log's copy is fresh and says
 * nothing against it, else from the store, or for a token from its signature.
 */
export class Authenticator {
  readonly #rooms: Uses;
  readonly #cache: NearCache<Presented, CredentialTerms>;
  /** By what they say, so that a million credentials share what they have in common. */
  readonly #terms = new Map<string, CredentialTerms>();
  readonly #counts = new LookupCounts();
  /** By the subject of the client. */
  readonly #modes: ReadonlyMap<string, LookupMode>;

  constructor(rooms: Uses) {
    this.#rooms = rooms;
    const { clock, tail, config } = rooms;
    this.#modes = new Map([...config.clients.values()].map(({ subject, mode }) => [subject, mode]));
    this.#cache = new NearCache({ clock, tail, entries: config.nearCacheEntries, factsOf });
  }

  /** Entries in the near-cache. */
  get remembered(): number {
    return this.#cache.size;
  }

  /** How often that was enough, and how often it was not, since this was made. */
  get lookups(): readonly Lookups[] {
    return this.#counts.list();
  }

  /**
   * Checks what the headers present.
   *
   * @returns `null` where nothing was presented.
   * @throws a code shown as 401 where what was presented is not good; `LK_CREDENTIALS_AMBIGUOUS`
   *   for more than one; `LK_STORE_UNAVAILABLE`.
   */
  authenticate(headers: HeaderSource, wanted: Wanted): Promise<Presented> | Presented | null {
    const credential = this.#select(headers);
    if (credential === null) return null;
    // No policy in the key: what is remembered is what was presented, and each hit is held against it.
    const key = digestOf(credential.text);
    const hit = this.#cache.findOrEnd(key);
    if (hit === 'ended')
      throw failure(credential.kind === 'cookie' ? 'LK_SESSION_REVOKED' : 'LK_TOKEN_REVOKED');
    if (hit === null || hit.terms.kind !== credential.kind) return this.#check(credential, key, wanted);
    this.#counts.hit(hit.terms.slot);
    return this.#use(hit, wanted);
  }

  /**
   * The living session whose present or former credential the headers hold, or
   * `null`. Enough to end it, which whoever ever held its secret may do, and for
   * nothing else.
   *
   * @throws where `Authorization` holds no good token, save one whose session has ended.
   */
  async holder(headers: HeaderSource): Promise<HeldSession | null> {
    const credential = this.#select(headers);
    if (credential === null) return null;
    if (credential.kind === 'token') return this.holderOfToken(credential.text, this.#rooms.config.origin);
    const { store, clock } = this.#rooms;
    let parsed: ReturnType<typeof parseSessionCredential>;
    try {
      parsed = parseSessionCredential(credential.text);
    } catch {
      return null;
    }
    const now = clock.now();
    const reading = await store.sessions.read(parsed.id);
    if (reading === null || matchSecret(reading.session, parsed.secretHash, now) === null) return null;
    return causeOfDeath(reading, now) === null ? reading.session : null;
  }

  /**
   * The living session of an access token, or `null`. Without an audience it may be for any.
   *
   * @throws where it is no good token of a user, save one whose session has ended.
   */
  async holderOfToken(text: string, audience: string | null): Promise<HeldSession | null> {
    const rooms = this.#rooms;
    const token = await (audience === null ? readTokenForAny(rooms, text) : readToken(rooms, text, audience));
    if (token.kind === 'client') throw failure('LK_TOKEN_REFUSED');
    try {
      await checkToken(this.#rooms, token);
    } catch (error) {
      if (isFailure(error, 'LK_TOKEN_REVOKED')) return null;
      throw error;
    }
    return { id: token.session, userId: token.subject };
  }

  /**
   * `Authorization`, if present, alone counts: browsers add the cookie to
   * same-origin calls by themselves, so it is never a fallback.
   */
  #select(headers: HeaderSource): Credential | null {
    const authorization = headers.get('authorization');
    if (authorization === null) {
      const text = this.#rooms.cookie.find(headers.get('cookie'));
      return text === null ? null : { kind: 'cookie', text };
    }
    // Two headers arrive joined by a comma, which no credential of ours contains.
    if (authorization.includes(',')) throw failure('LK_CREDENTIALS_AMBIGUOUS');
    return { kind: 'token', text: bearerOf(authorization) };
  }

  #use({ answer, terms, goodUntil }: Remembered<Presented, CredentialTerms>, wanted: Wanted): Presented {
    if (terms.kind === 'token') refuseAudience(terms.audience, wanted);
    else if (answer.session !== null)
      this.#rooms.activity.noteHit(answer.session.id, goodUntil, answer.expiresAt);
    return answer;
  }

  async #check({ kind, text }: Credential, key: Digest, wanted: Wanted): Promise<Presented> {
    let slot: number = NOT_GOOD[kind];
    try {
      const { presented, terms } = await (kind === 'cookie'
        ? this.#checkCookie(text, key, wanted)
        : this.#checkToken(text, key, wanted));
      slot = terms.slot;
      return presented;
    } finally {
      this.#counts.miss(slot);
    }
  }

  async #checkCookie(text: string, key: Digest, { safe }: Wanted): Promise<Checked> {
    const { clock, activity, config } = this.#rooms;
    const readAt = momentOf(clock);
    const credential = parseSessionCredential(text);
    const { principal, session, secret, facts } = await checkCookie(this.#rooms, credential, safe);
    // The row's id, never the one in the text: that one would keep the whole header in memory.
    const { id, idleUntil, expiresAt } = session;
    const answer: Presented = principal ?? anonymous(id, expiresAt);
    activity.note(id, idleUntil, expiresAt);
    const { client, signingKey, rs } = facts;
    const slot = this.#slotOf('cookie', answer, client);
    const life = config.nearCacheLife;
    const terms = this.#shared({ kind: 'cookie', client, signingKey, audience: null, life, slot });
    if (secret === 'current')
      this.#cache.fill(key, { answer, terms, goodUntil: Math.min(idleUntil, expiresAt) }, { rs, readAt });
    return { presented: answer, terms };
  }

  async #checkToken(text: string, key: Digest, wanted: Wanted): Promise<Checked> {
    // Only here: what is remembered has passed it.
    if (!B64TOKEN.test(text)) throw failure('LK_CREDENTIAL_UNSUPPORTED');
    const readAt = momentOf(this.#rooms.clock);
    const token = await readToken(this.#rooms, text, wanted.audience);
    const { principal, facts, goodUntil, audience } = await checkToken(this.#rooms, token);
    const { client, signingKey, rs } = facts;
    const slot = this.#slotOf('token', principal, client);
    const terms = this.#shared({ kind: 'token', client, signingKey, audience, life: TOKEN_LIFE, slot });
    this.#cache.fill(key, { answer: principal, terms, goodUntil }, { rs, readAt });
    return { presented: principal, terms };
  }

  #slotOf(kind: Credential['kind'], answer: Presented, client: string): number {
    if (answer.kind === 'anonymous') return slotOf(kind, 'none');
    return slotOf(kind, answer.kind === 'client' ? 'service' : (this.#modes.get(client) ?? 'none'));
  }

  #shared(terms: CredentialTerms): CredentialTerms {
    const text = JSON.stringify(terms);
    const known = this.#terms.get(text);
    if (known !== undefined) return known;
    if (this.#terms.size >= MOST_TERMS) this.#terms.clear();
    this.#terms.set(text, terms);
    return terms;
  }
}

function factsOf(answer: Presented, { client, signingKey }: CredentialTerms, rs: Position): Facts {
  const user = answer.kind === 'user' ? answer.id : null;
  return { rs, session: answer.session?.id ?? null, user, client, signingKey };
}

function anonymous(id: SessionId, expiresAt: Timestamp): AnonymousSession {
  return Object.freeze({ kind: 'anonymous', via: 'cookie', session: Object.freeze({ id }), expiresAt });
}

/**
 * What stands after the scheme (RFC 9110 §11.6.2), which is compared without its
 * case. Scanned by hand, since this runs on every request.
 *
 * @throws `LK_CREDENTIAL_UNSUPPORTED` for another scheme.
 */
export function bearerOf(authorization: string): string {
  if (authorization.slice(0, 7).toLowerCase() !== 'bearer ') throw failure('LK_CREDENTIAL_UNSUPPORTED');
  let start = 7;
  while (authorization.charCodeAt(start) === 0x20) start += 1;
  return authorization.slice(start);
}

function refuseAudience(audience: readonly string[] | null, wanted: Wanted): void {
  if (audience?.includes(wanted.audience) !== true) throw failure('LK_TOKEN_REFUSED');
}
