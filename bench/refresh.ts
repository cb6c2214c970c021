import { numbersFrom, runAlone } from './processes.ts';

/** Refreshes by so many at once. */
export interface RefreshResult {
  readonly atOnce: 1 | 8;
  /** In a second, by the flow and by a request to the handler; medians over the rounds. */
  readonly flow: number;
  readonly request: number;
  /** A compare-and-swap and a signature, nothing else. */
  readonly raw: number;
  /** The rate to the raw one in the same round, medians over the rounds. */
  readonly ofRaw: number;
  readonly ofRawRange: readonly [least: number, most: number];
  readonly requestOfRaw: number;
  /** Processor time of one, in microseconds, medians over the rounds. */
  readonly flowCpu: number;
  readonly requestCpu: number;
  readonly rawCpu: number;
}

/** Measures what a refresh costs without HTTP, each of a session of its own, every write on the disk. */
export async function measureRefresh(options: {
  readonly folder: string;
  readonly rounds: number;
  readonly refreshes: number;
}): Promise<readonly RefreshResult[]> {
  const { folder, rounds, refreshes } = options;
  const sent = await runAlone('refresh-process.ts', [folder, String(rounds), String(refreshes)]);
  const figure = numbersFrom(sent);
  const result = (name: 'one' | 'atOnce', atOnce: 1 | 8): RefreshResult => ({
    atOnce,
    flow: figure(`${name}.flow`),
    request: figure(`${name}.request`),
    raw: figure(`${name}.raw`),
    ofRaw: figure(`${name}.ofRaw`),
    ofRawRange: [figure(`${name}.ofRawLeast`), figure(`${name}.ofRawMost`)],
    requestOfRaw: figure(`${name}.requestOfRaw`),
    flowCpu: figure(`${name}.flowCpu`),
    requestCpu: figure(`${name}.requestCpu`),
    rawCpu: figure(`${name}.rawCpu`),
  });
  return [result('one', 1), result('atOnce', 8)];
}
