import { numbersFrom, runAlone } from './processes.ts';

/** What one remembered credential takes in memory, in bytes, on average. */
export interface MemoryResult {
  readonly what: 'session cookie' | 'access token';
  /** How many were remembered at once. */
  readonly entries: number;
  /** In the near-cache, beyond the principal: key, times, position, and what it is found by. */
  readonly nearCache: number;
  /** When the session was noted as seen, and where its idle limit was moved to. */
  readonly activity: number;
  /** The principal itself, which the application is given. */
  readonly principal: number;
}

/** What an entry of the near-cache should take at most beyond the principal, in bytes. */
export const MOST_BYTES_AN_ENTRY = 200;

/** Weighs what is remembered, each credential read twice, as in a server that goes on. */
export async function measureMemory(options: {
  readonly folder: string;
  readonly entries: number;
}): Promise<readonly MemoryResult[]> {
  const { folder, entries } = options;
  const results: MemoryResult[] = [];
  for (const [kind, what] of [
    ['cookie', 'session cookie'],
    ['token', 'access token'],
  ] as const) {
    const parameters = [kind, folder, String(entries)];
    const figure = numbersFrom(await runAlone('memory-process.ts', parameters, ['--expose-gc']));
    results.push({
      what,
      entries,
      nearCache: figure('nearCache'),
      activity: figure('activity'),
      principal: figure('principal'),
    });
  }
  return results;
}
