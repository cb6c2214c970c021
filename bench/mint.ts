import type { SigningAlgorithm } from '@latchkey/verify';
import { numbersFrom, runAlone } from './processes.ts';

/** Access tokens issued in this process, and the same claims signed by jose. */
export interface MintResult {
  readonly algorithm: SigningAlgorithm;
  /** Tokens in a second, one after another; medians over the rounds. */
  readonly latchkey: number;
  readonly jose: number;
  /** By jose with eight under way, which several processors sign. */
  readonly joseAtOnce: number;
  /** Latchkey's rate to jose's in the same round, medians over the rounds. */
  readonly ofJose: number;
  readonly ofJoseAtOnce: number;
  /** Processor time of one token, in microseconds, medians over the rounds. */
  readonly latchkeyCpu: number;
  readonly joseCpu: number;
}

/** Measures what issuing an access token costs, beside `SignJWT` of jose with the same claims. */
export async function measureMint(options: {
  readonly folder: string;
  readonly rounds: number;
  readonly tokens: number;
}): Promise<readonly MintResult[]> {
  const results: MintResult[] = [];
  for (const algorithm of ['EdDSA', 'ES256'] as const) {
    const parameters = [algorithm, options.folder, String(options.rounds), String(options.tokens)];
    const figure = numbersFrom(await runAlone('mint-process.ts', parameters));
    results.push({
      algorithm,
      latchkey: figure('ours'),
      jose: figure('jose'),
      joseAtOnce: figure('joseAtOnce'),
      ofJose: figure('ofJose'),
      ofJoseAtOnce: figure('ofJoseAtOnce'),
      latchkeyCpu: figure('oursCpu'),
      joseCpu: figure('joseCpu'),
    });
  }
  return results;
}
