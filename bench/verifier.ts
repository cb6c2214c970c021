import { join } from 'node:path';
import { startNode } from './followed-node.ts';
import { numbersFrom, runAlone } from './processes.ts';

/** What a check costs in a service: processor time in microseconds, medians over the rounds, the loop around it taken off. */
export interface VerifierResult {
  /** Live revocations that each check is held against. */
  readonly live: number;
  /** From what Node's server holds, with a fresh `Authorization`, to a principal; all tokens remembered. */
  readonly hit: number;
  /** The same from `Headers`. */
  readonly headers: number;
  /** Of a token that is not remembered: its signature is verified. */
  readonly miss: number;
  /** `jwtVerify` of jose for the same tokens. */
  readonly jose: number;
  /** SHA-256 of the token, the key under which it is remembered. */
  readonly sha: number;
  /** How many times cheaper than jose, of the same rounds. */
  readonly hitOfJose: number;
  readonly missOfJose: number;
}

/** What a check of a remembered token should cost at most, in microseconds. */
export const MOST_OF_HIT = 5;

/** Measures what a check costs in a service, without HTTP. */
export async function measureVerifier(options: {
  readonly folder: string;
  readonly rounds: number;
  readonly live: number;
}): Promise<VerifierResult> {
  const { folder, rounds, live } = options;
  const file = join(folder, 'verifier.json');
  const node = await startNode({ database: join(folder, 'verifier.db'), file, sessions: 1_000, live });
  const figure = numbersFrom(await runAlone('verifier-process.ts', [file, String(rounds)]));
  node.tell('stop');
  const loop = figure('nothing');
  return {
    live,
    hit: figure('hit') - loop,
    headers: figure('headers') - loop,
    miss: figure('miss') - loop,
    jose: figure('jose') - loop,
    sha: figure('sha') - loop,
    hitOfJose: figure('hitOfJose'),
    missOfJose: figure('missOfJose'),
  };
}
