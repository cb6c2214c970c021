import type { Clock, Millis } from './clock.ts';

/** For so long the same is not said again. */
const QUIET: Millis = 600_000;
/** So many are told apart. */
const MOST = 100;

/**
 * Says what fails as a warning of the process, each thing once in ten minutes: what is asked
 * each second fails each second.
 */
export function warningsOf(clock: Clock): (error: unknown) => void {
  const said = new Map<string, Millis>();
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    const now = clock.monotonic();
    if (now - (said.get(message) ?? Number.NEGATIVE_INFINITY) < QUIET) return;
    if (said.size >= MOST) said.clear();
    said.set(message, now);
    process.emitWarning(message, 'LatchkeyWarning');
  };
}
