import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, LatchkeyError, type Verifier, type VerifierOptions, verifier } from '@latchkey/verify';
import { TestIssuer } from './issuer.ts';

/** The machine's clocks, moved on by a test. */
export class MovableClock implements Clock {
  ahead = 0;
  /** For how long the machine was suspended: its monotonic clock has stood still. */
  slept = 0;

  now(): number {
    return Date.now() + this.ahead + this.slept;
  }

  monotonic(): number {
    return performance.now() + this.ahead;
  }
}

/** An issuer and a verifier of its tokens; both end with the test. */
export interface Scene {
  readonly issuer: TestIssuer;
  readonly clock: MovableClock;
  readonly orders: Verifier;
  readonly errors: unknown[];
  /** Another verifier, with other options. */
  readonly another: (changes: Partial<VerifierOptions>) => Verifier;
}

/** Opens a scene. The verifier has asked for nothing yet. */
export async function openScene(
  t: TestContext,
  changes: Partial<VerifierOptions> = {},
  prepare: (issuer: TestIssuer) => void = () => undefined,
): Promise<Scene> {
  const issuer = await TestIssuer.open();
  prepare(issuer);
  const clock = new MovableClock();
  const errors: unknown[] = [];
  const made: Verifier[] = [];
  const another = (more: Partial<VerifierOptions>): Verifier => {
    const options = { clock, onError: (error: unknown) => void errors.push(error), ...changes, ...more };
    const orders = verifier(issuer.options(options));
    made.push(orders);
    return orders;
  };
  const orders = another({});
  t.after(async () => {
    for (const each of made) each.close();
    await issuer.close();
  });
  return { issuer, clock, orders, errors, another };
}

/** Headers that present a token. */
export const bearing = (token: string): Headers => new Headers({ authorization: `Bearer ${token}` });

/** The code with which a verifier refuses, or `null` where it does not. */
export async function refusalCode(checking: Promise<unknown>): Promise<string | null> {
  try {
    await checking;
    return null;
  } catch (error) {
    if (error instanceof LatchkeyError) return String(error.code);
    throw error;
  }
}

/** Resolves when something is so; the runner's limit ends what never is. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

/** Asserts that a verifier has a fresh copy of the log's head. */
export function assertFollows(orders: Verifier, issuer: TestIssuer): void {
  const { mode, cursor, feedError } = orders.status();
  assert.deepEqual([mode, cursor?.seq, feedError], ['following', issuer.head, null]);
}
