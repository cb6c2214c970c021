import { type AuthEvent, all, latchkey, me, permissions, recent, resource, role, sqlite } from 'latchkey';
import { z } from 'zod';
import { TEST_SECRET, type TestClock } from '../world.ts';

/** What the application of the suite guards. */
export interface Document {
  readonly id: string;
  readonly ownerId: string;
  readonly public: boolean;
}

/** An application that one adapter hosts on loopback. */
export interface Hosted {
  readonly origin: string;
  close(): Promise<void>;
}

/** One adapter, and how it hosts the suite's application on the port of `auth.config.url`. */
export interface Host {
  readonly name: string;
  open(auth: SuiteAuth, documents: Documents): Promise<Hosted>;
  /** The same, where something reads bodies before Latchkey; a reason where that cannot be. */
  readonly openReadingBodies: ((auth: SuiteAuth, documents: Documents) => Promise<Hosted>) | string;
  /** Titles of cases that do not hold here, each with its reason. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** The documents of the suite's application, by id. */
export type Documents = ReadonlyMap<string, Document>;

/** What a case works with. */
export interface Scene {
  readonly auth: SuiteAuth;
  readonly origin: string;
  readonly clock: TestClock;
  readonly events: readonly AuthEvent[];
  readonly documents: Map<string, Document>;
  readonly openReadingBodies: Host['openReadingBodies'];
}

/** A system with a client of each mode, an audience besides the issuer, and something to ask for. */
export function suiteAuth(port: number, clock: TestClock, events: AuthEvent[]) {
  return latchkey({
    url: `http://localhost:${port}`,
    secret: TEST_SECRET,
    store: sqlite(':memory:'),
    clients: { web: 'session', spa: 'hybrid', mobile: 'jwt' },
    session: z.object({ cart: z.array(z.string()).default([]) }),
    tokens: { audiences: ['notes'] },
    roles: ['auditor'],
    access: {
      document: resource<Document>()({
        read: [{ public: true }, { ownerId: me.id }],
        edit: [{ ownerId: me.id }],
        remove: [all({ ownerId: me.id }, recent('5m'))],
      }),
      reports: permissions({ view: [role('auditor')] }),
    },
    throttle: {
      network: { attempts: 1_000_000, within: '1m' },
      account: { attempts: 1_000_000, within: '10m' },
    },
    onEvent: (event) => events.push(event),
    clock,
  });
}

export type SuiteAuth = ReturnType<typeof suiteAuth>;
