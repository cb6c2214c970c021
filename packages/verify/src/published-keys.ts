import { ageOf, type Clock, type Millis, type Moment, momentOf } from './clock.ts';
import { type IssuerClient, IssuerFailed, textIn } from './issuer-client.ts';
import { type VerificationKey, verificationKey } from './verification-key.ts';

const TIMEOUT: Millis = 5_000;
/** In bytes. */
const MOST_BYTES = 65_536;
const MOST_KEYS = 64;
/** Of what somebody else calls itself, in a message: where terminals show it, it must not write to them. */
const LONGEST_SHOWN = 200;
const NOT_SHOWN = /[^\x20-\x7e]/g;
/** An address of more is no address of ours, and would stand in messages. */
const KEYS_ADDRESS = /^https?:\S{1,1000}$/;
/** After each fetch, so long no key that is not known makes another: whoever likes may write any `kid`. */
const COOLDOWN: Millis = 10_000;
/** From this age on the keys are fetched anew while the old ones serve: as long as the issuer lets them be cached. */
const RENEW_AFTER: Millis = 300_000;
/** From this age on they serve no more (R2: what the log says of a key is kept for longer). */
const MAX_STALE: Millis = 86_400_000;

export interface PublishedKeysOptions {
  readonly client: IssuerClient;
  readonly clock: Clock;
  readonly issuer: string;
  /** Whether the log speaks against a key. */
  readonly isRevoked: (kid: string) => boolean;
  /** Told of each fetch that failed; the keys that are there go on. */
  readonly onError: (error: unknown) => void;
}

interface KeySet {
  readonly keys: ReadonlyMap<string, VerificationKey>;
  readonly fetchedAt: Moment;
}

/**
 * The keys that an issuer publishes, found by its metadata (RFC 8414 §3). The last good set
 * goes on when it cannot be fetched, for a day at the most; a key that the log speaks
 * against is in none from that moment on, whatever is published.
 */
export class PublishedKeys {
  readonly #options: PublishedKeysOptions;
  #path: string | null = null;
  #set: KeySet | null = null;
  #failure: unknown = null;
  /** When a fetch was begun last. */
  #askedAt: Millis = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | null = null;

  constructor(options: PublishedKeysOptions) {
    this.#options = options;
  }

  /** Whether there is a set that is not too old. */
  get isUsable(): boolean {
    return this.#usable() !== null;
  }

  /** What the last fetch failed with; `null` where it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The ids of the keys that are good now. */
  get kids(): readonly string[] {
    const { keys } = this.#usable() ?? { keys: new Map<string, VerificationKey>() };
    return [...keys.keys()].filter((kid) => !this.#options.isRevoked(kid));
  }

  /** How long ago the keys were fetched, or `null` where there are none. */
  get age(): Millis | null {
    return this.#set === null ? null : ageOf(this.#options.clock, this.#set.fetchedAt);
  }

  /** The key of this id, which is whatever the sender wrote; `null` where it is not among those that are good. */
  find(kid: string): VerificationKey | null {
    const set = this.#usable();
    const key = set?.keys.get(kid) ?? null;
    // The log keeps what it says of a key for longer than any set of them is good.
    if (set === null || key === null || this.#options.isRevoked(kid)) return null;
    if (ageOf(this.#options.clock, set.fetchedAt) > RENEW_AFTER) void this.refresh();
    return key;
  }

  /**
   * Resolves when the keys have been fetched, or cannot be, or were a moment ago: however
   * many ask, one fetch is under way, and one at the most is begun in ten seconds.
   */
  refresh(): Promise<void> {
    if (this.#fetching !== null) return this.#fetching;
    const now = momentOf(this.#options.clock);
    if (now.monotonic - this.#askedAt < COOLDOWN) return Promise.resolve();
    this.#askedAt = now.monotonic;
    this.#fetching = this.#fetch(now)
      .catch((error: unknown) => {
        // Elsewhere next time, if the issuer says so.
        this.#path = null;
        this.#failure = error;
        this.#options.onError(error);
      })
      .finally(() => {
        this.#fetching = null;
      });
    return this.#fetching;
  }

  async #fetch(now: Moment): Promise<void> {
    const { client } = this.#options;
    this.#path ??= await this.#discover();
    const { keys: published } = await client.askJson(this.#path, { timeout: TIMEOUT }, MOST_BYTES);
    if (!Array.isArray(published) || published.length > MOST_KEYS) {
      throw new IssuerFailed('the issuer answered another set of keys', null);
    }
    const keys = new Map<string, VerificationKey>();
    for (const jwk of published) {
      const key = findKey(jwk);
      if (key !== null) keys.set(key.kid, key);
    }
    if (keys.size === 0) throw new IssuerFailed('the issuer publishes no key that can be used', null);
    this.#set = { keys, fetchedAt: now };
    this.#failure = null;
  }

  /** RFC 8414 §3.3: the issuer in the answer is the one that was asked, and its keys are where it is. */
  async #discover(): Promise<string> {
    const { client, issuer } = this.#options;
    const path = '/.well-known/oauth-authorization-server';
    const metadata = await client.askJson(path, { timeout: TIMEOUT }, MOST_BYTES);
    const { issuer: said } = metadata;
    if (said !== issuer) {
      const name =
        typeof said === 'string' ? said.slice(0, LONGEST_SHOWN).replaceAll(NOT_SHOWN, '?') : 'nobody';
      throw new IssuerFailed(`it is another issuer: it calls itself ${name}, and not ${issuer}`, null);
    }
    const uri = URL.parse(textIn(metadata, 'jwks_uri', KEYS_ADDRESS));
    if (uri === null || uri.origin !== issuer) {
      throw new IssuerFailed('the keys are at another origin than the issuer', null);
    }
    return `${uri.pathname}${uri.search}`;
  }

  #usable(): KeySet | null {
    if (this.#set === null) return null;
    // By both clocks: what the log says of a key dies by the wall clock, also while a machine is suspended.
    return ageOf(this.#options.clock, this.#set.fetchedAt) < MAX_STALE ? this.#set : null;
  }
}

/** `null` for a key of an algorithm that is not ours, or one that is wrong: the others serve. */
function findKey(jwk: unknown): VerificationKey | null {
  try {
    return verificationKey(jwk);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
