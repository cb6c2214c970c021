import type { Millis, SigningAlgorithm, Timestamp } from '@latchkey/verify';
import { failure } from '../errors.ts';
import type { RootSecret } from '../foundation/root-secret.ts';
import type { SigningKeyRecord } from '../stores/records.ts';
import type { Tables } from '../stores/store.ts';
import {
  announced,
  createdAfter,
  currentOf,
  hasNext,
  isDue,
  pastEverywhere,
  readyAt,
  stateOf,
  waitingOf,
} from './key-schedule.ts';
import { newKeyPair, sealedAnew } from './signing-key.ts';

/*
 * What is decided about keys, each in one transaction and under one lock, by what stands
 * in the store: of many processes that decide at once, one does.
 */

/** By what keys are made and decided about. */
export interface Turns {
  readonly rootSecret: RootSecret;
  /** Of this process; the others' keys are theirs. */
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs before the next one takes over. */
  readonly keyLife: Millis;
  readonly now: Timestamp;
}

/** Keys of one algorithm, oldest first. */
type Keys = readonly SigningKeyRecord[];

/** Which key signs from when on. */
export interface KeyRotation {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly activatesAt: Timestamp;
}

/**
 * Sees to it that there is a key that signs and one that is next, that those are not
 * deleted as unused, that the next one takes over when it is due, and that all are sealed
 * with the current root key.
 *
 * @returns the key that was said to take over; `null` where none was due.
 * @throws {ConfigError} where a key is sealed with a root secret that is not there.
 */
export async function tendKeys(tables: Tables, turns: Turns): Promise<KeyRotation | null> {
  const { rootSecret, algorithm, keyLife, now } = turns;
  const { signingKeys } = tables;
  await tables.lock('signing_keys');
  for (const key of await signingKeys.list()) {
    const sealed = sealedAnew(rootSecret, key);
    if (sealed !== null) await signingKeys.reseal(key.kid, key.sealedBy, sealed.bytes, sealed.by);
  }
  const before = await keysOf(tables, algorithm);
  for (const key of before) {
    if (stateOf(key, before, now) !== 'retired') await signingKeys.use(key.kid, now);
  }
  const keys = await complete(tables, await keysOf(tables, algorithm), turns);
  return isDue(keys, keyLife, now) ? await handOver(tables, keys, turns) : null;
}

/**
 * Has the next key take over as soon as everybody has seen it, and makes another next
 * one. Where it has been said already which key takes over, that is the answer.
 *
 * @throws `LK_CONFLICT` where the next key was deleted meanwhile.
 */
export async function rotateKeys(tables: Tables, turns: Turns): Promise<KeyRotation> {
  await tables.lock('signing_keys');
  const keys = await complete(tables, await keysOf(tables, turns.algorithm), turns);
  const said = announced(keys, turns.now);
  return said === null ? await handOver(tables, keys, turns) : { ...said, algorithm: turns.algorithm };
}

/**
 * Has another key sign in the place of one that is about to be removed, at once, whether
 * everybody has seen it or not: what the removed one signs is good nowhere.
 *
 * @throws `LK_NOT_FOUND`
 */
export async function replaceKey(tables: Tables, turns: Turns, kid: string): Promise<void> {
  const { now } = turns;
  await tables.lock('signing_keys');
  const lost = await tables.signingKeys.find(kid);
  if (lost === null) throw failure('LK_NOT_FOUND');
  const keys = await keysOf(tables, lost.algorithm);
  const others = keys.filter((key) => key.kid !== kid);
  // Not one that is retired: it may be deleted before the tokens that it would sign now are dead.
  const left =
    currentOf(keys, now)?.kid === kid
      ? await takeOver(tables, others, { ...turns, algorithm: lost.algorithm })
      : others;
  if (lost.algorithm === turns.algorithm) await complete(tables, left, turns);
}

/** Says when the next key takes over, and makes another next one. */
async function handOver(tables: Tables, keys: Keys, turns: Turns): Promise<KeyRotation> {
  const { now, algorithm } = turns;
  const [next] = waitingOf(keys, now);
  if (next === undefined) throw new TypeError('there is no next key: complete() makes one');
  const activatesAt = readyAt(next, now);
  const { kid } = next;
  if (!(await tables.signingKeys.activate(kid, activatesAt))) throw failure('LK_CONFLICT');
  await complete(tables, activated(keys, kid, activatesAt), turns);
  return { kid, algorithm, activatesAt };
}

/** Makes what is missing, and answers what is there then. */
async function complete(tables: Tables, keys: Keys, turns: Turns): Promise<Keys> {
  const signing = currentOf(keys, turns.now) === null ? await takeOver(tables, keys, turns) : keys;
  return hasNext(signing) ? signing : await add(tables, signing, turns, null);
}

/** Has the next key sign from now on, by every node's clock; where there is none, a new one. */
async function takeOver(tables: Tables, keys: Keys, turns: Turns): Promise<Keys> {
  const at = pastEverywhere(turns.now);
  for (const { kid } of waitingOf(keys, turns.now)) {
    if (await tables.signingKeys.activate(kid, at)) return activated(keys, kid, at);
  }
  return await add(tables, keys, turns, at);
}

async function add(
  { signingKeys }: Tables,
  keys: Keys,
  { rootSecret, algorithm, now }: Turns,
  activatesAt: Timestamp | null,
): Promise<Keys> {
  const pair = newKeyPair(rootSecret, algorithm);
  const key = { ...pair, createdAt: createdAfter(keys, now), usedAt: now, activatesAt };
  await signingKeys.add(key);
  return [...keys, key];
}

function activated(keys: Keys, kid: string, activatesAt: Timestamp): Keys {
  return keys.map((key) => (key.kid === kid ? { ...key, activatesAt } : key));
}

async function keysOf({ signingKeys }: Tables, algorithm: SigningAlgorithm): Promise<Keys> {
  return (await signingKeys.list()).filter((key) => key.algorithm === algorithm);
}
