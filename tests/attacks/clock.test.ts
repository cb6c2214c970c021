import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionId } from '@latchkey/verify';
import { bodyOf, openWorld } from '../http/world.ts';

for (const [direction, millis] of [
  ['forward', 600_000],
  ['back', -600_000],
] as const) {
  test(`a revoked session stays refused where the wall clock is stepped ${direction} (@fault F10)`, async () => {
    const world = await openWorld();
    const { auth, clock } = world;
    const visit = world.browser();
    await visit.signUp('clock@example.com');
    const { session } = (await bodyOf(await visit.get('/auth/me'))) as { session: { id: SessionId } };
    // Remembered by now; revoked without a check that would notice at once.
    await auth.revoke({ session: session.id });
    clock.step(millis);
    // A revocation of something else makes the tail pull under the stepped clock.
    await auth.revoke({ client: 'another' });
    assert.equal((await visit.get('/auth/me')).status, 401);
    await auth.close();
  });
}
