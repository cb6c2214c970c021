/** The middle of some numbers: a single slow round does not move it. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The least and the most of some numbers, to show how much they vary. */
export function range(values: readonly number[]): readonly [least: number, most: number] {
  return [Math.min(...values), Math.max(...values)];
}

/** What two things measured in the same rounds came to, round by round. */
export function pairs<Value>(left: readonly Value[], right: readonly Value[]): (readonly [Value, Value])[] {
  return left.flatMap((value, round) => {
    const other = right[round];
    return other === undefined ? [] : [[value, other] as const];
  });
}

/** The value that so many of a hundred are not above. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}
