import { after, before, describe, test } from 'node:test';
import type { AuthEvent } from 'latchkey';
import { freePort } from '../../../tools/own-server.mjs';
import { testClock } from '../world.ts';
import type { Case } from './case.ts';
import { CREDENTIAL_CASES } from './credential-cases.ts';
import { GUARD_CASES } from './guard-cases.ts';
import { ROUTE_CASES } from './route-cases.ts';
import { type Document, type Host, type Hosted, type Scene, suiteAuth } from './scene.ts';
import { SESSION_CASES } from './session-cases.ts';

export type { Document, Documents, Host, Hosted, SuiteAuth } from './scene.ts';

const CASES: readonly Case[] = [...ROUTE_CASES, ...CREDENTIAL_CASES, ...GUARD_CASES, ...SESSION_CASES];

/** Runs every case through one adapter, but for those that its host says, with the reason, cannot arise there. */
export function runSuite(host: Host): void {
  describe(`adapter ${host.name}`, () => {
    let scene: Scene;
    let hosted: Hosted;
    before(async () => {
      const clock = testClock();
      const events: AuthEvent[] = [];
      const documents = new Map<string, Document>();
      const auth = suiteAuth(await freePort(), clock, events);
      hosted = await host.open(auth, documents);
      const { openReadingBodies } = host;
      scene = { auth, origin: hosted.origin, clock, events, documents, openReadingBodies };
    });
    after(async () => {
      await hosted.close();
      await scene.auth.close();
    });

    const run = (act: Case['run']) => (): Promise<void> => act(scene);
    const without = new Set(Object.keys(host.skips ?? {}));
    for (const { title, run: act } of CASES) {
      if (!without.delete(title)) test(title, run(act));
    }
    if (without.size > 0) throw new TypeError(`there is no case ${[...without].join(', ')}`);
  });
}
