import { join } from 'node:path';
import { startNode } from './followed-node.ts';
import { numbersFrom, runAlone } from './processes.ts';
import { median, range } from './statistics.ts';

/** A verifier that begins to follow a log with many live revocations, each time in a process of its own. */
export interface LiveSetResult {
  readonly entries: number;
  readonly processes: number;
  /** Bytes held, heap and buffers after collection, beyond those before the verifier was made: the most of all processes. */
  readonly bytes: number;
  /** How much more memory the process had at its most than before, as the system counts it. */
  readonly peak: number;
  /** From when the answer with the snapshot begins to when the first token is found good, in milliseconds; median. */
  readonly fromBytes: number;
  readonly fromBytesRange: readonly [least: number, most: number];
  /** The same from when the verifier is made: keys, connections and the request are in it. */
  readonly fromNothing: number;
}

/** What a million live entries should take at most, in bytes. */
export const MOST_BYTES_OF_MILLION = 45_000_000;
/** How long it should take at most until the first checked answer, in milliseconds. */
export const MOST_UNTIL_CHECKED = 500;

/** Measures what live revocations take in a verifier, and how soon it checks by them. */
export async function measureLiveSet(options: {
  readonly folder: string;
  readonly entries: number;
  readonly processes: number;
}): Promise<LiveSetResult> {
  const { folder, entries, processes } = options;
  const file = join(folder, 'live-set.json');
  const node = await startNode({ database: join(folder, 'live-set.db'), file, sessions: 1, live: entries });
  const follow = async () =>
    numbersFrom(await runAlone('live-set-process.ts', [file, String(entries)], ['--expose-gc']));
  // For the first of all the node makes the snapshot.
  await follow();
  const all: ReturnType<typeof numbersFrom>[] = [];
  for (let nr = 0; nr < processes; nr += 1) all.push(await follow());
  node.tell('stop');
  const figures = (name: string): readonly number[] => all.map((figure) => figure(name));
  return {
    entries,
    processes,
    bytes: Math.max(...figures('bytes')),
    peak: Math.max(...figures('peak')),
    fromBytes: median(figures('fromBytes')),
    fromBytesRange: range(figures('fromBytes')),
    fromNothing: median(figures('fromNothing')),
  };
}
