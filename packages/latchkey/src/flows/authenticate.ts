import { hash } from 'node:crypto';
import {
  type Millis,
  NearCache,
  type Principal,
  type Remembered,
  type SessionId,
  type Timestamp,
  type UserId,
} from '@latchkey/verify';
import { failure, isFailure } from '../errors.ts';
import type { HeaderSource } from '../foundation/header-source.ts';
import { parseSessionCredential } from '../sessions/cookie.ts';
import { causeOfDeath, matchSecret } from '../sessions/session.ts';
import { checkCookie } from './check-cookie.ts';
import { checkToken, readToken } from './check-token.ts';
import type { Rooms } from './rooms.ts';

/** What a request presented, and it is good. */
export interface Presented {
  readonly session: SessionId;
  /** `null` before login. */
  readonly principal: Principal | null;
  /** Of a cookie: what a rotation of its secret needs to know. `null` for a token. */
  readonly cookie: {
    /** `previous`: the secret was rotated moments ago; nothing may be set or rotated in answer to it. */
    readonly secret: 'current' | 'previous';
    /** SHA-256 of the secret: whoever rotates must hold the one that is current (R11). */
    readonly secretHash: Uint8Array;
  } | null;
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

interface RememberedCredential extends Remembered {
  /** One text is good as one kind alone, whatever is remembered of it. */
  readonly kind: Credential['kind'];
  readonly presented: Presented;
  /** Limits of a cookie's session, which its use moves; `null` for a token. */
  readonly limits: { readonly idleUntil: Timestamp; readonly expiresAt: Timestamp } | null;
  /** Whom a token is for; `null` for a cookie. */
  readonly audience: readonly string[] | null;
}

/** A token's answer is remembered as long as others, also where cookies are read from the store each time. */
const TOKEN_LIFE: Millis = 60_000;

/** RFC 6750 §2.1. */
const B64TOKEN = /^[\w.~+/-]+=*$/;

type Uses = Pick<
  Rooms,
  'config' | 'clock' | 'store' | 'tail' | 'cookie' | 'activity' | 'claims' | 'signingKeys'
>;

type Credential = { readonly kind: 'cookie' | 'token'; readonly text: string };

/**
 * Answers "who is the user?": from memory where the log's copy is fresh and says
 * nothing against it, else from the store, or for a token from its signature.
 */
export class Authenticator {
  readonly #rooms: Uses;
  readonly #cache: NearCache<RememberedCredential>;

  constructor(rooms: Uses) {
    this.#rooms = rooms;
    const { clock, tail, config } = rooms;
    this.#cache = new NearCache({ clock, tail, entries: config.nearCacheEntries });
  }

  /** Entries in the near-cache. */
  get remembered(): number {
    return this.#cache.size;
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
    const key = hash('sha256', credential.text, 'hex');
    const hit = this.#cache.find(key);
    if (hit === null || hit.kind !== credential.kind) {
      return credential.kind === 'cookie'
        ? this.#checkCookie(credential.text, key, wanted)
        : this.#checkToken(credential.text, key, wanted);
    }
    const { presented, limits } = hit;
    if (limits === null) refuseAudience(hit.audience, wanted);
    else this.#rooms.activity.note(presented.session, limits.idleUntil, limits.expiresAt);
    return presented;
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
   * The living session of an access token, or `null`.
   *
   * @throws where it is no good token, save one whose session has ended.
   */
  async holderOfToken(text: string, audience: string): Promise<HeldSession | null> {
    const token = await readToken(this.#rooms, text, audience);
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

  async #checkCookie(text: string, key: string, { safe }: Wanted): Promise<Presented> {
    const { clock, activity, config } = this.#rooms;
    const readAt = clock.monotonic();
    const { id, secretHash } = parseSessionCredential(text);
    const { principal, session, secret, facts } = await checkCookie(this.#rooms, { id, secretHash }, safe);
    const presented: Presented = Object.freeze({ session: id, principal, cookie: { secret, secretHash } });
    const { idleUntil, expiresAt } = session;
    activity.note(id, idleUntil, expiresAt);
    if (secret === 'current') {
      const goodUntil = Math.min(idleUntil, expiresAt);
      const limits = { idleUntil, expiresAt };
      const life = config.nearCacheLife;
      const remembered = { facts, goodUntil, life, presented, limits, audience: null };
      this.#cache.fill(key, { kind: 'cookie', ...remembered }, readAt);
    }
    return presented;
  }

  async #checkToken(text: string, key: string, wanted: Wanted): Promise<Presented> {
    // Only here: what is remembered has passed it.
    if (!B64TOKEN.test(text)) throw failure('LK_CREDENTIAL_UNSUPPORTED');
    const readAt = this.#rooms.clock.monotonic();
    const token = await readToken(this.#rooms, text, wanted.audience);
    const { principal, facts, goodUntil, audience } = await checkToken(this.#rooms, token);
    const presented: Presented = Object.freeze({ session: token.session, principal, cookie: null });
    const remembered = { facts, goodUntil, life: TOKEN_LIFE, presented, limits: null, audience };
    this.#cache.fill(key, { kind: 'token', ...remembered }, readAt);
    return presented;
  }
}

/**
 * What stands after the scheme (RFC 9110 §11.6.2), which is compared without its
 * case. Scanned by hand, since this runs on every request.
 */
function bearerOf(authorization: string): string {
  if (authorization.slice(0, 7).toLowerCase() !== 'bearer ') throw failure('LK_CREDENTIAL_UNSUPPORTED');
  let start = 7;
  while (authorization.charCodeAt(start) === 0x20) start += 1;
  return authorization.slice(start);
}

function refuseAudience(audience: readonly string[] | null, wanted: Wanted): void {
  if (audience?.includes(wanted.audience) !== true) throw failure('LK_TOKEN_REFUSED');
}
