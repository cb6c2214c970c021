import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bodyOf, codeOf, openWorld, type Visit, type World } from '../http/world.ts';
import { inside, NOBODY, sessionIn, sessionsOf, statusOf } from './scene.ts';

describe("other people's sessions", () => {
  let world: World;
  let mine: Visit;
  let theirs: Visit;
  before(async () => {
    world = await openWorld();
    [mine, theirs] = [world.browser(), world.browser()];
    await mine.signUp('mine@example.com');
    await theirs.signUp('theirs@example.com');
  });
  after(() => world.auth.close());

  test('cannot be ended: they answer 404 as an id that nobody has (@asvs 7.5.2)', async () => {
    for (const id of [sessionIn(theirs.cookie), NOBODY, 'x', '', '..', '%2e%2e', '*', `${NOBODY}A`]) {
      const response = await mine.delete(`/auth/sessions/${id}${id === '' ? '/' : ''}`);
      if (id === '..' || id === '%2e%2e') {
        // A browser resolves the dots before it sends anything.
        assert.ok([404, 405].includes(response.status));
        continue;
      }
      assert.equal(response.status, 404, id);
      assert.equal(await codeOf(response), 'LK_NOT_FOUND');
      assert.deepEqual(response.headers.getSetCookie(), []);
    }
    assert.equal(await statusOf(world, theirs.cookie), 200);
  });

  test('cannot be ended by the button on the account page (@asvs 7.5.2)', async () => {
    const response = await mine.form('/auth/account/end-session', { session: sessionIn(theirs.cookie) });
    assert.equal(response.headers.get('location'), '/auth/account?done=session-gone');
    assert.equal(await statusOf(world, theirs.cookie), 200);
  });

  test('are not listed, whatever the cursor (@asvs 7.5.2)', async () => {
    assert.deepEqual(await sessionsOf(mine), [sessionIn(mine.cookie)]);
    const after = await bodyOf(await mine.get(`/auth/sessions?cursor=${sessionIn(theirs.cookie)}`));
    for (const item of Array.isArray(after['items']) ? after['items'] : []) {
      assert.equal(inside(item, 'id'), sessionIn(mine.cookie));
    }
  });

  test('outlive that somebody ends all of their own (@asvs 7.5.2)', async () => {
    const visit = world.browser();
    await visit.signUp('bulk@example.com');
    assert.equal((await visit.delete('/auth/sessions')).status, 200);
    assert.equal(await statusOf(world, theirs.cookie), 200);
  });

  test('have receipts that answer 404 to anyone else (@asvs 7.5.2)', async () => {
    const { receipt } = await bodyOf(await theirs.delete('/auth/sessions?except=current'));
    const path = `/auth/receipts/${String(inside(receipt, 'id'))}`;
    assert.equal((await theirs.get(path)).status, 200);
    for (const asked of [path, `${path}?wait=0`, `/auth/receipts/${NOBODY}`, '/auth/receipts/x']) {
      const response = await mine.get(asked);
      assert.equal(response.status, 404, asked);
      assert.equal(await codeOf(response), 'LK_NOT_FOUND');
    }
    assert.equal((await world.browser().get(path)).status, 401);
  });
});
