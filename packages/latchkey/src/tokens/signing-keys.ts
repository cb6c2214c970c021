import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto';
import {
  type Clock,
  type Millis,
  type PublicJwk,
  publicJwk,
  type SigningAlgorithm,
  type Timestamp,
  type VerificationKey,
  verificationKey,
} from '@latchkey/verify';
import { ConfigError } from '../config.ts';
import type { RootSecret } from '../foundation/root-secret.ts';
import type { SigningKeyRecord, Store, Tables } from '../stores/store.ts';
import { seal, unseal } from './seal.ts';

/** How often a process says that it signs with its key. */
const USED_EVERY: Millis = 1_800_000;

/**
 * A key that nobody has said to use for so long is deleted: well over what a
 * process takes between two times, the longest life of a token, and a minute for
 * clocks. No longer, because whoever has stolen it could go on.
 */
export const KEPT_UNUSED: Millis = 3_600_000 + 900_000 + 60_000;

/** Keys are read again at most so often, however many unknown ids are presented. */
const COOLDOWN: Millis = 5_000;

/** A key that signs. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** The first segment of every token that it signs. */
  readonly header: string;
  /** Signs as RFC 7518 §3.4 and RFC 8037 §3.1 say: 64 bytes. */
  sign(input: string): Buffer;
}

export interface SigningKeysOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rootSecret: RootSecret;
  readonly algorithm: SigningAlgorithm;
}

/** How each algorithm's keys are made and used. */
const ROWS: Record<
  SigningAlgorithm,
  { readonly generate: () => KeyObject; readonly sign: (key: KeyObject, input: Buffer) => Buffer }
> = {
  EdDSA: {
    generate: () => generateKeyPairSync('ed25519').privateKey,
    sign: (key, input) => signBytes(null, input, key),
  },
  ES256: {
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    sign: (key, input) => rawSignature(signBytes('sha256', input, key)),
  },
};

/**
 * r and s side by side, of their DER form (X.690 §8.3). Written here because
 * `dsaEncoding: 'ieee-p1363'` costs as much again as the signature.
 */
function rawSignature(der: Buffer): Buffer {
  const raw = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der.readUInt8(at + 1);
    const digits = der.subarray(at + 2, at + 2 + length);
    // A leading zero says that the number is positive; short ones are padded in front.
    const start = Math.max(0, length - 32);
    digits.copy(raw, end - (length - start), start);
    at += 2 + length;
  }
  return raw;
}

/**
 * The keys that sign access tokens: made on the first start, their private
 * halves sealed with the root secret, the public ones for everyone.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  #current: SigningKey | null = null;
  #known: ReadonlyMap<string, VerificationKey> = new Map();
  #readAt: Millis = Number.NEGATIVE_INFINITY;
  #usedAt: Timestamp = 0;
  #reading: Promise<void> | null = null;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
  }

  /** @throws {TypeError} before `open`. */
  get current(): SigningKey {
    if (this.#current === null) throw new TypeError('the signing keys have not been opened');
    return this.#current;
  }

  /** What everyone may know (RFC 7517 §5), oldest first. */
  get published(): readonly PublicJwk[] {
    return [...this.#known.values()].map(({ key }) => publicJwk(key));
  }

  /** The key of an id that somebody presented, or `null`. */
  find(kid: string): VerificationKey | null {
    return this.#known.get(kid) ?? null;
  }

  /**
   * Reads the keys, makes the first one of the configured algorithm, and seals with
   * the current root key what an older one sealed. Of several processes that start
   * at once, one makes it. Keys of another algorithm are left alone: a process that
   * is configured so may be signing with them.
   *
   * @throws {ConfigError} where a key is sealed with a root secret that is not there.
   */
  async open(): Promise<void> {
    const { store, algorithm } = this.#options;
    await store.transaction(async (tables) => {
      await tables.lock('signing_keys');
      const records = await tables.signingKeys.list();
      for (const record of records) await this.#reseal(tables, record);
      if (!records.some((record) => record.algorithm === algorithm)) await this.#add(tables);
    });
    await this.#read();
  }

  /**
   * Says that this process signs with its key, and reads what others have made. To
   * be repeated well within half an hour.
   */
  async keep(): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    if (now - this.#usedAt >= USED_EVERY || now < this.#usedAt) {
      // Deleted under a process that stood still for hours: then there is a new one.
      if (!(await store.signingKeys.use(this.current.kid, now))) return await this.open();
      this.#usedAt = now;
    }
    await this.refresh();
  }

  /**
   * Reads the keys again, since another process may have made one: at most once
   * in five seconds, so that unknown ids cost no reads.
   */
  async refresh(): Promise<void> {
    if (this.#options.clock.monotonic() - this.#readAt < COOLDOWN) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  async #add({ signingKeys }: Tables): Promise<void> {
    const { rootSecret, algorithm, clock } = this.#options;
    const privateKey = ROWS[algorithm].generate();
    const jwk = publicJwk(createPublicKey(privateKey));
    const plain = privateKey.export({ format: 'der', type: 'pkcs8' });
    const { bytes, by } = seal(rootSecret, labelOf(jwk.kid), plain);
    await signingKeys.add({
      kid: jwk.kid,
      algorithm,
      publicKey: JSON.stringify(jwk),
      sealed: bytes,
      sealedBy: by,
      createdAt: clock.now(),
      usedAt: clock.now(),
      activatesAt: clock.now(),
    });
  }

  async #reseal({ signingKeys }: Tables, record: SigningKeyRecord): Promise<void> {
    const { rootSecret } = this.#options;
    if (record.sealedBy === rootSecret.current.id) return;
    const { bytes, by } = seal(rootSecret, labelOf(record.kid), this.#unsealed(record));
    await signingKeys.reseal(record.kid, record.sealedBy, bytes, by);
  }

  async #read(): Promise<void> {
    const { store, clock, algorithm } = this.#options;
    const readAt = clock.monotonic();
    const records = await store.signingKeys.list();
    const keys = records.map(({ publicKey }) => verificationKey(JSON.parse(publicKey)));
    this.#known = new Map(keys.map((key) => [key.kid, key]));
    // The oldest of its kind, so that processes that made one each at once agree.
    const own = records.find((record) => record.algorithm === algorithm);
    if (own !== undefined && own.kid !== this.#current?.kid) {
      this.#current = this.#signing(own);
      this.#usedAt = own.usedAt;
    }
    this.#readAt = readAt;
  }

  #signing(record: SigningKeyRecord): SigningKey {
    const { kid, algorithm } = record;
    const key = createPrivateKey({ key: this.#unsealed(record), format: 'der', type: 'pkcs8' });
    if (publicJwk(createPublicKey(key)).kid !== kid)
      throw new TypeError(`the signing key ${kid} is not the private half of its public one`);
    const header = Buffer.from(JSON.stringify({ alg: algorithm, typ: 'at+jwt', kid })).toString('base64url');
    return {
      kid,
      algorithm,
      header,
      sign: (input) => ROWS[algorithm].sign(key, Buffer.from(input, 'latin1')),
    };
  }

  #unsealed({ kid, sealed, sealedBy }: SigningKeyRecord): Buffer {
    const plain = unseal(this.#options.rootSecret, labelOf(kid), { bytes: sealed, by: sealedBy });
    if (plain !== null) return plain;
    throw new ConfigError(
      `the signing key ${kid} needs the root secret ${sealedBy}; put it behind the new one: LATCHKEY_SECRET=new,old`,
    );
  }
}

function labelOf(kid: string): string {
  return `signing key ${kid}`;
}
