import { argon2 as nodeArgon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { randomBytes } from '../foundation/random.ts';
import type { RootKey, RootSecret } from '../foundation/root-secret.ts';

/** OWASP ASVS 5.0 appendix C, Argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** A hash as the store keeps it. */
export interface HashedPassword {
  /** PHC string with all its parameters. */
  readonly phc: string;
  /** Which root key's pepper went in; `null` for one that was made elsewhere, without. */
  readonly pepper: string | null;
}

/** Hashes passwords, off the event loop. */
export interface PasswordHasher {
  hash(password: string): Promise<HashedPassword>;
  /** @throws {TypeError} where the ring no longer has the root secret that the hash needs. */
  verify(password: string, hashed: HashedPassword): Promise<boolean>;
  /** Does the work of `verify` where there is nothing to verify against, so that the time does not tell. */
  dummy(password: string): Promise<false>;
  /**
   * Whether a hash has a lower cost than a new one would, or another pepper. A
   * higher cost is left alone: an older build beside a newer one must not undo its work.
   */
  needsRehash(hashed: HashedPassword): boolean;
}

/** Derives 32 bytes and more: the one thing that two implementations do. */
export type Argon2 = (job: {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly secret: Uint8Array | null;
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
  readonly length: number;
}) => Promise<Buffer>;

/** Argon2id by the native module, which is about three times as fast. */
export async function nativeArgon2(): Promise<Argon2> {
  const { hashRaw } = await import('@node-rs/argon2');
  return ({ password, secret, length, ...rest }) =>
    hashRaw(password, { ...rest, algorithm: 2, outputLen: length, ...(secret === null ? {} : { secret }) });
}

/** Argon2id by Node itself, where the native module has no build for the platform. */
export const builtInArgon2: Argon2 = async ({
  password,
  salt,
  secret,
  memoryCost,
  timeCost,
  parallelism,
  length,
}) => {
  const derived = await promisify(nodeArgon2)('argon2id', {
    message: password,
    nonce: salt,
    memory: memoryCost,
    passes: timeCost,
    parallelism,
    tagLength: length,
    ...(secret === null ? {} : { secret }),
  });
  return Buffer.from(derived);
};

/**
 * Makes the hasher. A pepper derived from the root secret goes into each hash
 * (NIST SP 800-63B-4 §3.1.1.2), so that a stolen database alone can't be searched.
 */
export function passwordHasher(options: {
  readonly rootSecret: RootSecret;
  readonly argon2?: Argon2;
}): PasswordHasher {
  const { current, ring } = options.rootSecret;
  const peppers = new Map(ring.map((key) => [key.id, pepperOf(key)]));
  let loading: Promise<Argon2> | null = options.argon2 === undefined ? null : Promise.resolve(options.argon2);
  const load = (): Promise<Argon2> => (loading ??= nativeArgon2().catch(() => builtInArgon2));
  const nobodys = encode(PARAMETERS, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));

  const verify = async (password: string, { phc, pepper }: HashedPassword): Promise<boolean> => {
    const argon2 = await load();
    const { salt, hash, ...parameters } = decode(phc);
    const secret = pepper === null ? null : peppers.get(pepper);
    if (secret === undefined)
      throw new TypeError(`a password needs the root secret ${pepper}, which is not in the ring`);
    const derived = await argon2({ password, salt, secret, ...parameters, length: hash.byteLength });
    return timingSafeEqual(derived, hash);
  };
  return {
    verify,
    hash: async (password) => {
      const argon2 = await load();
      const salt = randomBytes(SALT_BYTES);
      const hash = await argon2({
        password,
        salt,
        secret: pepperOf(current),
        ...PARAMETERS,
        length: HASH_BYTES,
      });
      return { phc: encode(PARAMETERS, salt, hash), pepper: current.id };
    },
    dummy: async (password) => {
      await verify(password, { phc: nobodys, pepper: current.id });
      return false;
    },
    needsRehash: ({ phc, pepper }) => {
      const { memoryCost, timeCost } = decode(phc);
      return pepper !== current.id || memoryCost < PARAMETERS.memoryCost || timeCost < PARAMETERS.timeCost;
    },
  };
}

function pepperOf(key: RootKey): Buffer {
  return key.derive('password-pepper/v1').export();
}

interface Parameters {
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** The PHC string format: unpadded standard base64. */
function encode({ memoryCost, timeCost, parallelism }: Parameters, salt: Buffer, hash: Buffer): string {
  const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${base64(salt)}$${base64(hash)}`;
}

/** A salt below 64 bits or a hash below 128 is none of ours, and a short one would match by chance. */
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,})\$([A-Za-z0-9+/]{22,})$/;

function decode(phc: string): Parameters & { readonly salt: Buffer; readonly hash: Buffer } {
  const match = PHC.exec(phc);
  if (match === null) throw new TypeError('a stored password is no PHC string of Argon2id');
  const [, memory, time, lanes, salt = '', hash = ''] = match;
  return {
    memoryCost: Number(memory),
    timeCost: Number(time),
    parallelism: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}
