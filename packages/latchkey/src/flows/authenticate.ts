import { hash } from 'node:crypto';
import {
  type Facts,
  NearCache,
  type Principal,
  type Remembered,
  type SessionId,
  type Timestamp,
} from '@latchkey/verify';
import { type Code, failure } from '../errors.ts';
import type { HeaderSource } from '../foundation/header-source.ts';
import { parseSessionCredential } from '../sessions/cookie.ts';
import { causeOfDeath, matchSecret, principalOf } from '../sessions/session.ts';
import type { SessionReading } from '../stores/store.ts';
import type { Rooms } from './rooms.ts';

/** What a request presented, and it is good. */
export interface Presented {
  readonly session: SessionId;
  /** `null` before login. */
  readonly principal: Principal | null;
  /** `previous`: the secret was rotated moments ago; nothing may be set or rotated in answer to it. */
  readonly secret: 'current' | 'previous';
  /** SHA-256 of the secret: whoever rotates must hold the one that is current (R11). */
  readonly secretHash: Uint8Array;
}

interface RememberedSession extends Remembered {
  readonly presented: Presented;
  readonly idleUntil: Timestamp;
  readonly expiresAt: Timestamp;
}

type Uses = Pick<Rooms, 'config' | 'clock' | 'store' | 'tail' | 'cookie' | 'activity'>;

/**
 * Answers "who is the user?": from memory where the log's copy is fresh and says
 * nothing against it, else from the store.
 */
export class Authenticator {
  readonly #rooms: Uses;
  readonly #cache: NearCache<RememberedSession>;

  constructor(rooms: Uses) {
    this.#rooms = rooms;
    this.#cache = new NearCache({
      clock: rooms.clock,
      tail: rooms.tail,
      life: rooms.config.nearCacheLife,
      entries: rooms.config.nearCacheEntries,
    });
  }

  /** Entries in the near-cache. */
  get remembered(): number {
    return this.#cache.size;
  }

  /**
   * Checks what the headers present.
   *
   * @param safe whether the request's method is safe (RFC 9110 §9.2.1).
   * @returns `null` where nothing was presented.
   * @throws a code shown as 401 where what was presented is not good; `LK_CREDENTIALS_AMBIGUOUS`
   *   for more than one; `LK_STORE_UNAVAILABLE`.
   */
  async authenticate(headers: HeaderSource, safe: boolean): Promise<Presented | null> {
    const text = this.#select(headers);
    if (text === null) return null;
    const key = hash('sha256', text, 'hex');
    const hit = this.#cache.find(key);
    if (hit !== null) {
      this.#rooms.activity.note(hit.presented.session, hit.idleUntil, hit.expiresAt);
      return hit.presented;
    }
    return this.#read(text, key, safe);
  }

  /**
   * The living session whose present or former secret the headers hold, or `null`.
   * Enough to end it, which whoever ever held its secret may do, and for nothing else.
   */
  async holder(headers: HeaderSource): Promise<SessionReading | null> {
    const text = this.#select(headers);
    if (text === null) return null;
    let credential: ReturnType<typeof parseSessionCredential>;
    try {
      credential = parseSessionCredential(text);
    } catch {
      return null;
    }
    const now = this.#rooms.clock.now();
    const reading = await this.#rooms.store.sessions.read(credential.id);
    if (reading === null || matchSecret(reading.session, credential.secretHash, now) === null) return null;
    return causeOfDeath(reading, now) === null ? reading : null;
  }

  /**
   * `Authorization`, if present, alone counts: browsers add the cookie to
   * same-origin calls by themselves, so it is never a fallback.
   */
  #select(headers: HeaderSource): string | null {
    const authorization = headers.get('authorization');
    if (authorization !== null) {
      // Two headers arrive joined by a comma, which no credential of ours contains.
      throw failure(authorization.includes(',') ? 'LK_CREDENTIALS_AMBIGUOUS' : 'LK_CREDENTIAL_UNSUPPORTED');
    }
    return this.#rooms.cookie.find(headers.get('cookie'));
  }

  async #read(text: string, key: string, safe: boolean): Promise<Presented> {
    const { clock, store, tail, activity } = this.#rooms;
    const readAt = clock.monotonic();
    const credential = parseSessionCredential(text);
    const reading = await store.sessions.read(credential.id);
    const now = clock.now();
    if (reading === null) throw failure('LK_SESSION_UNKNOWN');
    const { session } = reading;
    const match = matchSecret(session, credential.secretHash, now);
    // After its grace an old secret is as good as none, so whoever still holds it may begin anew.
    if (match === null || match === 'outlived') throw failure('LK_SESSION_UNKNOWN');
    refuse(causeOfDeath(reading, now));
    if (match === 'previous' && !safe) throw failure('LK_SESSION_ROTATED');

    // R1: the position before this reading, not the row's own, which is of the login.
    const facts: Facts = {
      rs: reading.head,
      session: session.id,
      user: session.userId,
      client: session.clientSubject,
    };
    if (tail.check(facts) === 'revoked') throw failure('LK_SESSION_REVOKED');
    const presented: Presented = Object.freeze({
      session: session.id,
      principal: principalOf(reading, match),
      secret: match,
      secretHash: credential.secretHash,
    });
    activity.note(session.id, session.idleUntil, session.expiresAt);
    if (match === 'current') {
      const { idleUntil, expiresAt } = session;
      const goodUntil = Math.min(idleUntil, expiresAt);
      this.#cache.fill(key, { facts, goodUntil, presented, idleUntil, expiresAt }, readAt);
    }
    return presented;
  }
}

function refuse(code: Code | null): void {
  if (
    code === 'LK_SESSION_REVOKED' ||
    code === 'LK_SESSION_EXPIRED' ||
    code === 'LK_SESSION_IDLE' ||
    code === 'LK_USER_DISABLED'
  ) {
    throw failure(code);
  }
}
