import type { Clock, Millis } from '@latchkey/verify';
import { failure } from '../errors.ts';

/** About how long one password takes to hash, to tell those who are sent away when to come back. */
const ONE_HASH: Millis = 50;

/** Who has waited for longer is not served any more: jobs that wait for a silent store would keep a long line for minutes. */
const LONGEST_WAIT: Millis = 30_000;

interface Waiting {
  readonly since: Millis;
  readonly start: () => void;
  readonly shed: (error: unknown) => void;
}

/** Jobs that take a processor each, in a queue that a flood can't fill for everyone. */
export interface HashQueue {
  /** How many run. */
  readonly running: number;
  /** How many wait. */
  readonly depth: number;
  /**
   * Runs a job when its turn comes.
   *
   * @throws `LK_BUSY`, before the job has begun, where too many wait, or its turn comes too late.
   */
  run<T>(network: string, job: () => Promise<T>): Promise<T>;
}

/**
 * Makes a queue that is bounded and fair: networks take turns, and where it is
 * full, whoever waits most gives way to a network that waits less.
 */
export function hashQueue(options: {
  readonly concurrency: number;
  readonly waiting: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}): HashQueue {
  const { concurrency, waiting: most, clock } = options;
  /** Networks in the order of their turns; each has at least one job that waits. */
  const lines = new Map<string, Waiting[]>();
  let running = 0;
  let depth = 0;

  const busy = (): Error =>
    failure('LK_BUSY', { retryAfter: Math.max(1_000, (depth * ONE_HASH) / concurrency) });

  const next = (): void => {
    while (running < concurrency) {
      const [turn] = lines;
      if (turn === undefined) return;
      const [network, line] = turn;
      const job = line.shift();
      // To the back, so that each network has one turn in a round.
      lines.delete(network);
      if (line.length > 0) lines.set(network, line);
      if (job === undefined) continue;
      depth -= 1;
      if (clock.monotonic() - job.since > LONGEST_WAIT) {
        job.shed(busy());
        continue;
      }
      running += 1;
      job.start();
    }
  };

  const makeRoom = (network: string): void => {
    if (depth < most) return;
    let longest: [string, Waiting[]] | null = null;
    for (const entry of lines) if (longest === null || entry[1].length > longest[1].length) longest = entry;
    const own = lines.get(network)?.length ?? 0;
    // A newcomer takes the place of whoever has two more than it.
    if (longest === null || longest[1].length <= own + 1) throw busy();
    const [greedy, line] = longest;
    line.pop()?.shed(busy());
    depth -= 1;
    if (line.length === 0) lines.delete(greedy);
  };

  return {
    get running() {
      return running;
    },
    get depth() {
      return depth;
    },
    run: async (network, job) => {
      makeRoom(network);
      await new Promise<void>((start, shed) => {
        const line = lines.get(network) ?? [];
        line.push({ since: clock.monotonic(), start, shed });
        lines.set(network, line);
        depth += 1;
        next();
      });
      try {
        return await job();
      } finally {
        running -= 1;
        next();
      }
    },
  };
}
