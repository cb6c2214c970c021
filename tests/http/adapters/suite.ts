import { after, before, describe, test } from 'node:test';
import type { AuthEvent } from 'latchkey';
import { freePort } from '../../server/process.ts';
import { testClock } from '../world.ts';
import { CASES, type Case } from './cases.ts';
import { type Document, type Host, type Hosted, type Scene, suiteAuth } from './scene.ts';

export type { Document, Documents, Host, Hosted, SuiteAuth } from './scene.ts';

/** Runs every case through one adapter. */
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
    for (const { title, run: act } of CASES) {
      const reason = host.skips?.[title];
      if (reason === undefined) test(title, run(act));
      else test(`${title}: not here, because ${reason}`);
    }
  });
}
