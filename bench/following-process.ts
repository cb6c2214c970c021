/*
 * Services that follow a node, in a process of their own: verifiers, and as many plain
 * streams of raw events.
 *
 *   following-process.ts <file of the node> <which of its keys> <verifiers> <tokens to check again and again>
 *
 * Told `cpu` it answers its processor time so far, told `times` when each verifier refused
 * each token and each stream heard each event, told `again` when its first verifier refuses
 * the last tokens, which it asks for without a pause. `stop` ends it.
 */
import { get } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { isVerifierFailure, type Verifier, verifier } from '@latchkey/verify';
import { readFollowed } from './followed-node.ts';
import { parameter, tellParent } from './processes.ts';
import { URL_OF_ALL } from './seed.ts';

/** Each verifier is asked for so many of the tokens that it has told were refused. */
const SAMPLE = 20;

const { via, raw, keys, accessTokens } = await readFollowed(parameter(0));
const key = keys[Number(parameter(1))] ?? '';
const count = Number(parameter(2));
const again = Number(parameter(3));
const credentials = accessTokens.map((token) => new Headers({ authorization: `Bearer ${token}` }));

/** Milliseconds, exact to less than a microsecond, on the clock that all processes share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

interface Following {
  readonly service: Verifier;
  /** When each token was refused. */
  readonly refused: number[];
}

/** The moment of `onRevoked` is the one from which on checks refuse: that is looked after below. */
async function follow(): Promise<Following> {
  const service = verifier({ issuer: URL_OF_ALL, via, audience: URL_OF_ALL, key, onUnknown: 'deny' });
  const refused: number[] = [];
  while (!service.status().hints || !service.status().fresh) {
    await service.ready();
    await setTimeout(10);
  }
  for (const [index, credential] of credentials.entries()) {
    // So many signatures at a stretch would keep the log from being asked until no copy is fresh.
    if (index % 50 === 0) await setImmediate();
    const principal = await service.require(credential);
    service.onRevoked(principal, (reason) => {
      if (reason === 'revoked') refused[index] = now();
    });
  }
  return { service, refused };
}

interface Heard {
  readonly echo: number[];
  readonly durable: number[];
}

function listen(): Promise<Heard> {
  const heard: Heard = { echo: [], durable: [] };
  return new Promise((resolve, reject) => {
    const asked = get(raw, { agent: false }, (response) => {
      response.setEncoding('latin1');
      response.on('data', (text: string) => {
        const at = now();
        for (const [, kind, index] of text.matchAll(/data: (\w+) (\d+)/g)) {
          heard[kind === 'durable' ? 'durable' : 'echo'][Number(index)] = at;
        }
      });
      resolve(heard);
    });
    asked.once('error', reject);
  });
}

async function isGood(service: Verifier, credential: Headers | undefined): Promise<boolean> {
  if (credential === undefined) return false;
  try {
    await service.require(credential);
    return true;
  } catch (error) {
    if (isVerifierFailure(error, 'LK_TOKEN_REVOKED')) return false;
    throw error;
  }
}

/** Who said that something is refused must refuse it. */
async function demandRefusal({ service, refused }: Following): Promise<void> {
  const told = [...refused.keys()].filter((index) => refused[index] !== undefined);
  const step = Math.max(1, Math.floor(told.length / SAMPLE));
  for (let place = 0; place < told.length; place += step) {
    if (await isGood(service, credentials[told[place] ?? 0])) {
      throw new TypeError('a token was told to be revoked, and is good');
    }
  }
}

const services = await Promise.all(Array.from({ length: count }, follow));
const streams = await Promise.all(Array.from({ length: count }, listen));

async function obey(message: unknown): Promise<void> {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage();
    await tellParent({ cpu: user + system });
  } else if (message === 'times') {
    for (const service of services) await demandRefusal(service);
    await tellParent({
      revoke: services.map(({ refused }) => refused),
      echo: streams.map(({ echo }) => echo),
      durable: streams.map(({ durable }) => durable),
    });
  } else if (message === 'again') {
    const [first] = services;
    if (first === undefined) throw new TypeError('nobody follows');
    const checked: number[] = [];
    for (let index = credentials.length - again; index < credentials.length; index += 1) {
      while (await isGood(first.service, credentials[index])) await setImmediate();
      checked.push(now());
    }
    await tellParent({ checked, told: first.refused.slice(-again) });
  } else if (message === 'stop') {
    for (const { service } of services) service.close();
    process.disconnect();
  }
}

process.on('message', (message) => void obey(message));
process.once('disconnect', () => process.exit());
await tellParent({});
