declare const unit: unique symbol;

/** A length of time in milliseconds. */
export type Millis = number & { readonly [unit]?: 'milliseconds' };

/** A length of time in seconds. */
export type Seconds = number & { readonly [unit]?: 'seconds' };

/** A point in time: milliseconds since 1970-01-01T00:00:00Z. */
export type Timestamp = number & { readonly [unit]?: 'milliseconds since the epoch' };

/**
 * Where time enters. Everything that decides by time receives one of these, so
 * that a test can move it.
 */
export interface Clock {
  /** The wall clock. It may step, forwards and backwards. */
  now(): Timestamp;
  /** Never steps back, but stands still while a virtual machine is suspended. */
  monotonic(): Millis;
}

/** A moment, by both clocks. */
export interface Moment {
  readonly wall: Timestamp;
  readonly monotonic: Millis;
}

/** This moment. */
export function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * How long ago a moment was, by whichever clock says more: the monotonic one stands still
 * while a machine is suspended, the wall clock can step back.
 */
export function ageOf(clock: Clock, { wall, monotonic }: Moment): Millis {
  return Math.max(clock.monotonic() - monotonic, clock.now() - wall);
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
