import { names } from './names.ts';
import { median, pairs, range } from './statistics.ts';

/** What one call cost in one round, in microseconds: processor time of all threads, and time that passed. */
export interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

/** Measures one block of calls. */
export type Block = () => Promise<Cost>;

/**
 * A block of calls, one after another or several under way at once.
 *
 * @param prepare makes what they act on, untimed: what no call before has seen.
 */
export function block<Value>(
  prepare: () => readonly Value[],
  act: (value: Value) => unknown,
  atOnce = 1,
): Block {
  return async () => {
    const values = prepare();
    const left = values.values();
    const work = async (): Promise<void> => {
      for (const value of left) await act(value);
    };
    const before = process.cpuUsage();
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: atOnce }, work));
    const wall = ((performance.now() - startedAt) * 1_000) / values.length;
    const { user, system } = process.cpuUsage(before);
    return { cpu: (user + system) / values.length, wall };
  };
}

/**
 * Runs all blocks in each round, in an order that rotates, after a round that is
 * not counted, and answers what each cost, round by round.
 */
export async function interleave<Name extends string>(
  blocks: Readonly<Record<Name, Block>>,
  rounds: number,
): Promise<(name: Name) => readonly Cost[]> {
  const order = names(blocks);
  const costs = new Map<Name, Cost[]>(order.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < order.length; turn += 1) {
      const name = order[(round + turn) % order.length];
      if (name === undefined) continue;
      const cost = await blocks[name]();
      if (round > 0) costs.get(name)?.push(cost);
    }
  }
  return (name) => costs.get(name) ?? [];
}

/** A ratio over the rounds. */
export interface Ratio {
  readonly median: number;
  readonly range: readonly [least: number, most: number];
}

/** How many times cheaper the first is than the second, of each round; more is better for the first. */
export function cheaper(which: keyof Cost, first: readonly Cost[], second: readonly Cost[]): Ratio {
  const ratios = pairs(first, second).map(([one, other]) => other[which] / one[which]);
  return { median: median(ratios), range: range(ratios) };
}

/** The median over the rounds. */
export function typical(which: keyof Cost, costs: readonly Cost[]): number {
  return median(costs.map((cost) => cost[which]));
}
