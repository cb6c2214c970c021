import {
  ageOf,
  type Digest,
  digestOf,
  type Facts,
  type Millis,
  type Moment,
  momentOf,
  NearCache,
  type Position,
  type Terms,
  type Timestamp,
} from '@latchkey/verify';
import { failure } from '../errors.ts';
import { subjectOf } from '../foundation/ids.ts';
import { equalDigests } from '../foundation/secret.ts';
import type { ServiceReading } from '../stores/records.ts';
import { type PresentedKey, parseClientKey } from '../tokens/client-key.ts';
import type { Rooms } from './rooms.ts';

/** A client that has shown its key. Frozen, and shared between requests. */
export interface ServiceClient {
  readonly name: string;
  /** Under which the log speaks of it. */
  readonly subject: string;
  /** Whom it answers for. */
  readonly audiences: ReadonlySet<string>;
}

/** A client whose key was compared with its row, and what the reading said. */
export interface ProvenClient {
  readonly client: ServiceClient;
  /** The log's head in that reading (R1). */
  readonly rs: Position;
  /** When it was sent. */
  readonly readAt: Moment;
  /** When it had come, by the wall clock. */
  readonly at: Timestamp;
}

type Uses = Pick<Rooms, 'clock' | 'store' | 'tail' | 'emit'>;

const TERMS: Terms = { life: 60_000 satisfies Millis };
/** Services, not people: who holds no good key is never remembered. */
const MOST_REMEMBERED = 1_000;
/** How often a client is read anew that was changed while it was read. */
const MAX_READS = 3;

/** Stands in for the hashes that there are not, so that comparing takes as long; no secret has it. */
const NO_HASH = new Uint8Array(32);

/**
 * Answers which service asks, by its key: from memory where the log's copy is fresh and
 * says nothing against it, else from the store.
 */
export class ClientAuthenticator {
  readonly #rooms: Uses;
  readonly #cache: NearCache<ServiceClient, Terms>;

  constructor(rooms: Uses) {
    this.#rooms = rooms;
    const { clock, tail } = rooms;
    this.#cache = new NearCache({ clock, tail, entries: MOST_REMEMBERED, factsOf });
  }

  /**
   * Checks the key in what `Authorization` holds: `Basic` with the client's name and the key
   * (RFC 6749 §2.3.1), or `Bearer` with the key alone; `null` for no such header. To be asked
   * again whenever it matters: an answer is of that moment.
   *
   * An unknown client, a wrong key and a disabled client are refused alike, after the same work.
   *
   * @throws `LK_KEY_REFUSED`, shown as `LK_UNAUTHENTICATED`, also where nothing was presented;
   *   `LK_CREDENTIALS_AMBIGUOUS`; `LK_STORE_UNAVAILABLE`.
   */
  async authenticate(authorization: string | null): Promise<ServiceClient> {
    const presented = requireOne(authorization);
    const hit = this.#cache.find(digestOf(presented));
    return hit === null ? (await this.#prove(presented)).client : hit.answer;
  }

  /**
   * As `authenticate`, by a reading of the store alone: for what outlives the answer.
   *
   * @throws as `authenticate`.
   */
  async prove(authorization: string | null): Promise<ProvenClient> {
    return await this.#prove(requireOne(authorization));
  }

  async #prove(authorization: string): Promise<ProvenClient> {
    const presented = keyIn(authorization);
    if (presented === null) throw failure('LK_KEY_REFUSED');
    return await this.#check(presented, digestOf(authorization));
  }

  async #check(presented: PresentedKey, digest: Digest): Promise<ProvenClient> {
    const { clock, store, tail } = this.#rooms;
    for (let reads = 0; reads < MAX_READS; reads += 1) {
      const readAt = momentOf(clock);
      const reading = await store.services.read(presented.subject);
      const at = clock.now();
      const goodUntil = this.#judge(presented, reading, at);
      if (reading === null || goodUntil === null) throw failure('LK_KEY_REFUSED');
      const { name, subject, audiences } = reading.client;
      const answer = Object.freeze({ name, subject, audiences: new Set(audiences) });
      const proof = { rs: reading.head, readAt };
      // R5: what was read before the log said something else, or too long ago, proves nothing.
      if (tail.check(factsOf(answer, TERMS, proof.rs)) === 'revoked') continue;
      if (ageOf(clock, readAt) > tail.maxStaleness) continue;
      this.#cache.fill(digest, { answer, terms: TERMS, goodUntil }, proof);
      return { client: answer, at, ...proof };
    }
    throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
  }

  /** Until when the key is good; `null` where it is not. All is compared, whatever was found. */
  #judge({ hash }: PresentedKey, reading: ServiceReading | null, now: Timestamp): Timestamp | null {
    const current = equalDigests(hash, reading?.client.keyHash ?? NO_HASH);
    const previous = equalDigests(hash, reading?.client.previousKeyHash ?? NO_HASH);
    const previousUntil = reading?.client.previousUntil ?? 0;
    const goodUntil = current
      ? Number.POSITIVE_INFINITY
      : previous && now < previousUntil
        ? previousUntil
        : null;
    if (reading !== null && (goodUntil === null || reading.disabledAt !== null)) {
      const { name: client } = reading.client;
      this.#rooms.emit({ type: 'client_refused', client, code: 'LK_KEY_REFUSED' });
      return null;
    }
    return goodUntil;
  }
}

function requireOne(authorization: string | null): string {
  if (authorization === null) throw failure('LK_KEY_REFUSED');
  // Two headers arrive joined by a comma, which neither scheme's credentials contain.
  if (authorization.includes(',')) throw failure('LK_CREDENTIALS_AMBIGUOUS');
  return authorization;
}

function factsOf({ subject }: ServiceClient, _: Terms, rs: Position): Facts {
  return { rs, session: null, user: null, client: subject, signingKey: null };
}

/** What either scheme presents (RFC 7235 §2.1: a scheme has no case). */
function keyIn(authorization: string): PresentedKey | null {
  const [, scheme = '', credentials = ''] = /^(\w+) +([\w.~+/=-]+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return parseClientKey(credentials);
  return scheme.toLowerCase() === 'basic' ? keyInBasic(credentials) : null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. The name says whose key it must be. */
function keyInBasic(credentials: string): PresentedKey | null {
  try {
    const text = utf8.decode(Buffer.from(credentials, 'base64'));
    const at = text.indexOf(':');
    const key = at === -1 ? null : parseClientKey(formDecoded(text.slice(at + 1)));
    if (key === null) return null;
    return { subject: subjectOf('client', formDecoded(text.slice(0, at))), hash: key.hash };
  } catch (error) {
    if (error instanceof URIError || error instanceof TypeError) return null;
    throw error;
  }
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
