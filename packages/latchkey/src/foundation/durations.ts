import type { Millis } from '@latchkey/verify';

/** A duration as configuration writes it: a whole number and its unit. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Milliseconds of a duration such as `'15m'`.
 *
 * @throws {TypeError} where the text is not a whole number and a unit.
 */
export function parseDuration(text: string): Millis {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2];
  if (match === null || (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd')) {
    throw new TypeError(
      `not a duration: ${JSON.stringify(text)}; write a number and ms, s, m, h or d, such as '15m'`,
    );
  }
  return Number(match[1]) * UNITS[unit];
}

/** The shortest text of a duration: the inverse of `parseDuration`. */
export function formatDuration(millis: Millis): Duration {
  const [unit, size] = Object.entries(UNITS)
    .toReversed()
    .find(([, each]) => millis % each === 0) ?? ['ms', 1];
  return `${millis / size}${unit}` as Duration;
}
