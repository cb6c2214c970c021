import {
  ageOf,
  type Clock,
  type Millis,
  type Moment,
  momentOf,
  type PublicJwk,
  publicJwk,
  type SigningAlgorithm,
  type Timestamp,
  type VerificationKey,
  verificationKey,
} from '@latchkey/verify';
import { subjectOf } from '../foundation/ids.ts';
import type { RootSecret } from '../foundation/root-secret.ts';
import type { SigningKeyRecord } from '../stores/records.ts';
import type { Store, Tables } from '../stores/store.ts';
import {
  currentOf,
  hasNext,
  isDue,
  type KeyState,
  LEAD,
  stateOf,
  type Turn,
  waitingOf,
} from './key-schedule.ts';
import { type KeyRotation, replaceKey, rotateKeys, type Turns, tendKeys } from './key-turns.ts';
import { type SigningKey, signingKey } from './signing-key.ts';

/** How often a process says that it signs with its key. */
const USED_EVERY: Millis = 1_800_000;

/**
 * A key that nobody has said to use for so long is deleted: well over what a
 * process takes between two times, the longest life of a token, and a minute for
 * clocks. No longer, because whoever has stolen it could go on.
 */
export const KEPT_UNUSED: Millis = 3_600_000 + 900_000 + 60_000;

/** Keys are looked for at most so often, however many unknown ids are presented. */
const COOLDOWN: Millis = 5_000;

/** Nothing is signed by what was read longer ago: the key of a process that stood still may be gone. */
const TRUSTED_FOR: Millis = LEAD;
/** From this age on of what was read no key is found: as long as a service may hold a set of them. */
const KNOWN_FOR: Millis = 86_400_000;

export interface SigningKeysOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rootSecret: RootSecret;
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs before the next one takes over. */
  readonly keyLife: Millis;
  /** Whether the log is known to speak against the key of this subject. */
  readonly isRevoked: (subject: string) => boolean;
  /** Told of a key that takes over because its time has come. */
  readonly onRotated: (rotation: KeyRotation) => void;
}

/** A key, as an administrator sees it. */
export interface ListedKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: KeyState;
  readonly createdAt: Timestamp;
  /** From when on it signs; `null` while nobody has said when. */
  readonly activatesAt: Timestamp | null;
  /** When a process last said that it signs with it, or will. */
  readonly usedAt: Timestamp;
}

/** A key as this process has read it. */
interface Known extends Turn {
  /** Under which the log speaks of it. */
  readonly subject: string;
  readonly verifies: VerificationKey;
  readonly published: PublicJwk;
}

/**
 * The keys that sign access tokens: one signs, the next one is published ahead of its
 * turn, and those before it stay while tokens of theirs may be good. Their private halves
 * are sealed with the root secret, the public ones are for everyone.
 *
 * Keys of another algorithm are left alone, but verify: a process that is configured so
 * may be signing with them.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  #known: ReadonlyMap<string, Known> = new Map();
  /** Those of them that this process signs with, now or later. */
  #signers: ReadonlyMap<string, SigningKey> = new Map();
  #readings = 0;
  #latest = 0;
  #readAt: Moment | null = null;
  #usedAt: Timestamp = Number.NEGATIVE_INFINITY;
  #refreshedAt: Millis = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | null = null;
  #renewing: Promise<void> | null = null;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /**
   * The key that signs now, as this process has read it.
   *
   * @throws {TypeError} before `open`.
   */
  get current(): SigningKey {
    const signer = this.#signers.get(this.#current()?.kid ?? '');
    if (signer === undefined) throw new TypeError('the signing keys have not been opened');
    return signer;
  }

  /** What everyone may know (RFC 7517 §5), oldest first. */
  get published(): readonly PublicJwk[] {
    return [...this.#known.values()]
      .filter(({ subject }) => !this.#options.isRevoked(subject))
      .map(({ published }) => published);
  }

  /** The key of an id that somebody presented, or `null`. */
  find(kid: string): VerificationKey | null {
    const known = this.#known.get(kid);
    return known === undefined || !this.#mayVerify() || this.#options.isRevoked(known.subject)
      ? null
      : known.verifies;
  }

  /**
   * The key to sign with. Where the log speaks against the one that this process holds,
   * where it holds none, and where it read them too long ago, the store is asked first.
   *
   * @throws `LK_STORE_UNAVAILABLE`
   * @throws {ConfigError} as `open`.
   */
  async signer(): Promise<SigningKey> {
    // The first round may be one that others began before they could know.
    for (let round = 0; round < 2 && !this.#maySign(); round += 1) {
      this.#renewing ??= this.open().finally(() => {
        this.#renewing = null;
      });
      await this.#renewing;
    }
    return this.current;
  }

  /**
   * Sees to it that all is as it should be, as `tendKeys` says, and reads the keys.
   *
   * @throws {ConfigError} where a key is sealed with a root secret that is not there.
   */
  async open(): Promise<void> {
    const { store, onRotated } = this.#options;
    const turns = this.#turns();
    const rotation = await store.transaction((tables) => tendKeys(tables, turns));
    this.#usedAt = turns.now;
    if (rotation !== null) onRotated(rotation);
    await this.read();
  }

  /**
   * Reads what others have decided, decides what is due, and says that this process signs
   * with its key. To be repeated each minute.
   */
  async keep(): Promise<void> {
    await this.read();
    const now = this.#options.clock.now();
    const keys = this.#own();
    const isUseDue = now - this.#usedAt >= USED_EVERY || now < this.#usedAt;
    const isComplete = currentOf(keys, now) !== null && hasNext(keys);
    if (isUseDue || !isComplete || isDue(keys, this.#options.keyLife, now)) await this.open();
  }

  /**
   * Looks for keys that another process may have made: at most once in five seconds,
   * so that unknown ids cost no reads.
   */
  async refresh(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonic() - this.#refreshedAt < COOLDOWN) return;
    const look = async (): Promise<void> => {
      const at = clock.monotonic();
      await this.read();
      this.#refreshedAt = at;
    };
    this.#refreshing ??= look().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  /** All keys with their states, oldest first. */
  async list(): Promise<readonly ListedKey[]> {
    const { store, clock } = this.#options;
    const records = await store.signingKeys.list();
    const now = clock.now();
    return records.map((record) => {
      const { kid, algorithm, createdAt, activatesAt, usedAt } = record;
      const state = stateOf(record, ofAlgorithm(records, algorithm), now);
      // What takes over at once does so by the slowest clock.
      const from = activatesAt === null ? null : Math.max(createdAt, activatesAt);
      return { kid, algorithm, state, createdAt, activatesAt: from, usedAt };
    });
  }

  /**
   * Has the next key take over as soon as everybody has seen it.
   *
   * @throws `LK_CONFLICT` where it was deleted meanwhile.
   */
  async rotate(tables: Tables): Promise<KeyRotation> {
    return await rotateKeys(tables, this.#turns());
  }

  /**
   * Sees to it, in the transaction that removes a key, that another one signs in its place.
   *
   * @throws `LK_NOT_FOUND`
   */
  async replace(tables: Tables, kid: string): Promise<void> {
    await replaceKey(tables, this.#turns(), kid);
  }

  /**
   * Reads the keys.
   *
   * @throws {ConfigError} where one that signs, or will, is sealed with a root secret that
   *   is not there; this process goes on with those that it has.
   */
  async read(): Promise<void> {
    const { store, clock, rootSecret } = this.#options;
    const readAt = momentOf(clock);
    const reading = (this.#readings += 1);
    const records = await store.signingKeys.list();
    // One that was sent later has been answered before.
    if (reading < this.#latest) return;
    this.#latest = reading;
    this.#known = new Map(records.map((record) => [record.kid, this.#knownOf(record)]));
    this.#readAt = readAt;
    const own = ofAlgorithm(records, this.#options.algorithm);
    const current = currentOf(own, readAt.wall);
    const signing = [...(current === null ? [] : [current]), ...waitingOf(own, readAt.wall)];
    this.#signers = new Map(
      signing.map((record) => [record.kid, this.#signers.get(record.kid) ?? signingKey(rootSecret, record)]),
    );
  }

  #maySign(): boolean {
    const current = this.#current();
    if (current === null || this.#readAt === null || this.#options.isRevoked(current.subject)) return false;
    const age = this.#options.clock.now() - this.#readAt.wall;
    return age >= 0 && age <= TRUSTED_FOR;
  }

  /** R2: what the log says of a key it says for two days, and a machine may have slept longer. */
  #mayVerify(): boolean {
    return this.#readAt !== null && ageOf(this.#options.clock, this.#readAt) < KNOWN_FOR;
  }

  #turns(): Turns {
    const { rootSecret, algorithm, keyLife, clock } = this.#options;
    return { rootSecret, algorithm, keyLife, now: clock.now() };
  }

  #own(): readonly Known[] {
    return [...this.#known.values()].filter(({ verifies }) => verifies.algorithm === this.#options.algorithm);
  }

  #current(): Known | null {
    const signing = this.#own().filter(({ kid }) => this.#signers.has(kid));
    return currentOf(signing, this.#options.clock.now());
  }

  /** A key never changes but in its turn: what costs is made once. */
  #knownOf({ kid, createdAt, activatesAt, publicKey }: SigningKeyRecord): Known {
    const before = this.#known.get(kid);
    if (before !== undefined) return { ...before, activatesAt };
    const verifies = verificationKey(JSON.parse(publicKey));
    const published = publicJwk(verifies.key);
    const subject = subjectOf('signing_key', kid);
    return { kid, createdAt, activatesAt, subject, verifies, published };
  }
}

function ofAlgorithm<Key extends { readonly algorithm: SigningAlgorithm }>(
  keys: readonly Key[],
  algorithm: SigningAlgorithm,
): readonly Key[] {
  return keys.filter((key) => key.algorithm === algorithm);
}
