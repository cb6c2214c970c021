import type { AuthEvent } from 'latchkey';
import { Canary, type CanaryOptions } from '../../packages/latchkey/src/revocation/canary.ts';
import { compose, type System } from '../../packages/latchkey/src/system.ts';
import { CLIENTS } from '../http/program.ts';
import { ORIGIN, TEST_SECRET, type World } from '../http/world.ts';
import { overriding } from './scene.ts';

/** How often the canaries of tests are due. */
export const EVERY = 60_000;

/** The canary of a node, driven by the test and not by a timer, and what it told. */
export interface TestCanary {
  readonly canary: Canary;
  readonly told: AuthEvent[];
}

/** Makes the canary that a node has. */
export function canaryOf({ rooms }: System, options: Partial<CanaryOptions> = {}): TestCanary {
  const told: AuthEvent[] = [];
  const emit = (event: AuthEvent): void => void told.push(event);
  return { canary: new Canary({ ...rooms, every: EVERY, emit, ...options }), told };
}

/** Sends a canary from a process beside a node, and waits until everybody has confirmed it. */
export async function sendCanary({ store, clock }: World): Promise<readonly AuthEvent[]> {
  const shared = overriding(store, { open: async () => undefined, close: async () => undefined });
  const system = compose({ url: ORIGIN, secret: TEST_SECRET, clients: CLIENTS, store: shared }, clock);
  await system.ready();
  try {
    const { canary, told } = canaryOf(system);
    await canary.run();
    return told;
  } finally {
    await system.close();
  }
}
