import {
  type Digest,
  digestOf,
  type Facts,
  type Millis,
  type Moment,
  momentOf,
  NearCache,
  type Position,
  type Principal,
  type Terms,
  type Timestamp,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { HeaderSource } from '../foundation/header-source.ts';
import { subjectOf } from '../foundation/ids.ts';
import { Secret } from '../foundation/secret.ts';
import { parseSessionCredential } from '../sessions/cookie.ts';
import { issueAccessToken, issueClientToken } from '../tokens/access-token.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import { type Authenticator, bearerOf, principalIn } from './authenticate.ts';
import { checkCookie } from './check-cookie.ts';
import { checkToken, readToken } from './check-token.ts';
import { requireRecent, requireRightClock, signerAfter } from './issue.ts';
import type { Rooms } from './rooms.ts';

/** The most that a token lives which a gateway hands on. */
const FORWARDED_LIFE: Millis = 60_000;

/** So long one is handed on again: whoever gets it can use it for half a minute at least. */
const TERMS: Terms = { life: FORWARDED_LIFE / 2 };

/** Each is a text of about a kilobyte. */
const MOST_REMEMBERED = 10_000;

/** What a gateway hands on instead of the credential that came with a request. */
export interface Forwarded {
  /** An access token for the gateway's audience alone. */
  readonly token: Secret;
  /** Whom it speaks for. */
  readonly principal: Principal;
}

/** A token, and what it rests on. */
interface Rested extends Forwarded {
  readonly facts: Facts;
  readonly goodUntil: Timestamp;
}

/** What the log judges a token by is made once: the position aside, which the cache holds. */
interface Remembered extends Forwarded {
  readonly client: Facts['client'];
  readonly signingKey: Facts['signingKey'];
}

/** What is asked for. */
export interface ForwardRequest {
  readonly headers: HeaderSource;
  readonly audience: string;
  /** Whether the method of the original request is safe (RFC 9110 §9.2.1). */
  readonly safe: boolean;
}

type Uses = Pick<
  Rooms,
  'config' | 'clock' | 'store' | 'tail' | 'cookie' | 'claims' | 'signingKeys' | 'bounds'
>;

/**
 * Turns the credential of a request at a gateway into a token for what is behind it. The
 * credential is checked each time; the token is remembered for a moment, and asked about at
 * the log each time, so that a signature is not paid for every request.
 */
export class Forwarder {
  readonly #rooms: Uses;
  readonly #authenticator: Pick<Authenticator, 'authenticate'>;
  readonly #cache: NearCache<Remembered, Terms>;

  constructor(rooms: Uses, authenticator: Pick<Authenticator, 'authenticate'>) {
    this.#rooms = rooms;
    this.#authenticator = authenticator;
    const { clock, tail } = rooms;
    this.#cache = new NearCache({ clock, tail, entries: MOST_REMEMBERED, factsOf });
  }

  /**
   * The token for the audience.
   *
   * @throws as `Authenticator.authenticate`; `LK_UNAUTHENTICATED` for nobody, and for a session
   *   before login; `LK_STORE_UNAVAILABLE`, `LK_NOT_FRESH`.
   */
  async forward({ headers, audience, safe }: ForwardRequest): Promise<Forwarded> {
    const presented = await this.#authenticator.authenticate(headers, { safe, audience });
    const principal = principalIn(presented);
    if (principal === null) throw failure('LK_UNAUTHENTICATED');
    const { cookie } = this.#rooms;
    const text = headers.get('authorization') ?? cookie.find(headers.get('cookie')) ?? '';
    // Neither an audience nor a header has a line break in it.
    const key = digestOf(`${audience}\n${text}`);
    const hit = this.#cache.find(key);
    if (hit !== null) return hit.answer;
    return principal.via === 'cookie'
      ? await this.#ofCookie(text, audience, safe, key)
      : await this.#ofToken(bearerOf(text), audience, key);
  }

  /**
   * The row is read anew, whatever is remembered of the cookie: a token must not begin with
   * what somebody knew a minute ago, and none is made after its session has ended.
   */
  async #ofCookie(text: string, audience: string, safe: boolean, key: Digest): Promise<Forwarded> {
    const rooms = this.#rooms;
    const { clock } = rooms;
    await this.#prepare();
    const readAt = momentOf(clock);
    const { principal, secret, facts } = await checkCookie(rooms, parseSessionCredential(text), safe);
    const at = clock.now();
    if (principal === null) throw failure('LK_UNAUTHENTICATED');
    const signer = await signerAfter(rooms, facts.rs);
    const made = this.#sign(signer, audience, { principal, facts, at, goodUntil: principal.expiresAt });
    requireRecent(rooms, readAt);
    // R11: what an old secret is answered is not for whoever asks next.
    if (secret === 'current') this.#remember(key, made, readAt);
    return made;
  }

  /** Neither lives longer than the token that was presented, nor is good after it is not. */
  async #ofToken(text: string, audience: string, key: Digest): Promise<Forwarded> {
    const rooms = this.#rooms;
    const { clock } = rooms;
    await this.#prepare();
    const readAt = momentOf(clock);
    const token = await readToken(rooms, text, audience);
    const { principal, facts, goodUntil } = await checkToken(rooms, token);
    const signer = await signerAfter(rooms, facts.rs);
    const at = clock.now();
    // Signed by another key it would be good after its own is trusted no more. That one signs
    // nothing any longer where it has been replaced: then it is handed on as it is.
    const made =
      signer.kid === token.kid
        ? this.#sign(signer, audience, { principal, facts, at, goodUntil })
        : { token: ofAudienceAlone(text, token.audience), principal, facts, goodUntil };
    this.#remember(key, made, readAt);
    return made;
  }

  async #prepare(): Promise<void> {
    const { bounds, store, config } = this.#rooms;
    await bounds.issueTokens(store, Math.min(FORWARDED_LIFE, config.accessLife));
    await requireRightClock(this.#rooms);
  }

  #sign(
    signer: SigningKey,
    audience: string,
    { principal, facts, at, goodUntil }: Omit<Rested, 'token'> & { readonly at: Timestamp },
  ): Rested {
    const { origin: issuer, accessLife } = this.#rooms.config;
    const expiresAt = Math.min(at + Math.min(FORWARDED_LIFE, accessLife), goodUntil);
    // In whole seconds it would be dead when it arrives.
    if (Math.floor(expiresAt / 1_000) <= Math.floor(at / 1_000)) throw failure('LK_UNAUTHENTICATED');
    const common = { issuer, audience, issuedAt: at, expiresAt, rs: facts.rs };
    const token =
      principal.kind === 'client'
        ? issueClientToken(signer, { ...common, client: principal.client })
        : issueAccessToken(signer, {
            ...common,
            subject: principal.id,
            session: principal.session.id,
            client: principal.session.client,
            acr: principal.acr,
            amr: principal.amr,
            authTime: principal.authTime,
            claims: principal.claims,
          });
    const signingKey = subjectOf('signing_key', signer.kid);
    return { token, principal, facts: { ...facts, signingKey }, goodUntil: expiresAt };
  }

  #remember(key: Digest, { token, principal, facts, goodUntil }: Rested, readAt: Moment): void {
    const { client, signingKey, rs } = facts;
    const answer = Object.freeze({ token, principal, client, signingKey });
    this.#cache.fill(key, { answer, terms: TERMS, goodUntil }, { rs, readAt });
  }
}

function factsOf({ principal, client, signingKey }: Remembered, _: Terms, rs: Position): Facts {
  const user = principal.kind === 'user' ? principal.id : null;
  return { rs, session: principal.session?.id ?? null, user, client, signingKey };
}

/** A token as it was presented, where nobody else would take it. */
function ofAudienceAlone(text: string, audience: readonly string[]): Secret {
  if (audience.length !== 1) throw failure('LK_TOKEN_REFUSED');
  return new Secret(text);
}
