import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import {
  bodyOf,
  codeOf,
  ORIGIN,
  OTHER_PASSWORD,
  openWorld,
  PASSWORD,
  type Visit,
  type World,
} from '../http/world.ts';
import { confirmLog, cookieOf, holding, inside, sessionIn, statusOf } from './scene.ts';

describe('the secret before a rotation', () => {
  let world: World;
  before(async () => {
    world = await openWorld({}, sqlite(':memory:'));
  });
  after(() => world.auth.close());
  let people = 0;
  const rotated = async (): Promise<{ visit: Visit; old: string | null; authTime: string }> => {
    people += 1;
    const visit = world.browser();
    await visit.signUp(`rotated-${people}@example.com`);
    const authTime = String((await bodyOf(await visit.get('/auth/me')))['auth_time']);
    const old = visit.cookie;
    world.clock.advance(60_000);
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    return { visit, old, authTime };
  };

  test('is good for safe requests for ten seconds, at the old auth_time (@rule R11)', async () => {
    const { visit, old, authTime } = await rotated();
    world.clock.advance(9_000);
    const response = await holding(world, old).get('/auth/me');
    assert.equal(response.status, 200);
    assert.equal((await bodyOf(response))['auth_time'], authTime);
    assert.notEqual((await bodyOf(await visit.get('/auth/me')))['auth_time'], authTime);
    world.clock.advance(1_001);
    assert.equal(await statusOf(world, old), 401);
    assert.equal(await statusOf(world, visit.cookie), 200);
  });

  test('is good for nothing unsafe, not even in its ten seconds (@rule R11)', async () => {
    const { visit, old } = await rotated();
    const unsafe: readonly [string, string, unknown][] = [
      ['POST', '/auth/reauthenticate', { password: PASSWORD }],
      ['POST', '/auth/password', { current_password: PASSWORD, new_password: OTHER_PASSWORD }],
      ['DELETE', '/auth/sessions', undefined],
      ['DELETE', '/auth/sessions?except=current', undefined],
      ['DELETE', `/auth/sessions/${sessionIn(old)}`, undefined],
    ];
    for (const [method, path, json] of unsafe) {
      const response = await holding(world, old).send(method, path, json === undefined ? {} : { json });
      assert.equal(response.status, 401, path);
      assert.deepEqual(response.headers.getSetCookie(), []);
    }
    assert.equal(await statusOf(world, visit.cookie), 200);
  });

  test('is no current one any more to a node that remembered it as such (@rule R5, @rule R11)', async () => {
    const visit = world.browser();
    await visit.signUp('remembered@example.com');
    const old = visit.cookie;
    await confirmLog(world);
    assert.equal(await statusOf(world, old), 200);
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    const response = await holding(world, old).delete('/auth/sessions');
    assert.equal(response.status, 401);
    assert.equal(await statusOf(world, visit.cookie), 200);
  });

  test('is never answered with a cookie (@rule R11)', async () => {
    const { old } = await rotated();
    for (const path of ['/auth/me', '/auth/sessions', '/auth/account', '/auth/sign-in', '/auth/sign-out']) {
      const response = await holding(world, old).get(path);
      assert.ok(response.status < 400, path);
      assert.deepEqual(response.headers.getSetCookie(), [], path);
    }
  });

  test("does not lose the new one to an application's write in the same moment (@rule R11)", async () => {
    const { visit, old } = await rotated();
    const set: string[] = [];
    const headers = { Cookie: old ?? '', 'Sec-Fetch-Site': 'same-origin' };
    const request = new Request(`${ORIGIN}/cart`, { method: 'POST', headers });
    await assert.rejects(
      async () => (await world.auth.session(request, (line) => set.push(line))).set('cart', ['tea']),
      { code: 'LK_SESSION_ROTATED' },
    );
    assert.deepEqual(set, []);
    assert.equal(await statusOf(world, visit.cookie), 200);
  });

  test('still signs out, for whoever held it may end the session (@rule R11)', async () => {
    const { visit, old } = await rotated();
    world.clock.advance(3_600_000);
    const response = await holding(world, old).post('/auth/sign-out');
    assert.equal(response.status, 200);
    assert.notEqual(inside(await bodyOf(response), 'receipt'), null);
    assert.equal(await statusOf(world, visit.cookie), 401);
  });

  test('is the last but one: the one before it is dead at once (@rule R11)', async () => {
    const { visit, old } = await rotated();
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    assert.equal(await statusOf(world, old), 401);
  });

  test('of twenty re-authentications at once one rotates, and the browser keeps a good cookie (@rule R11, @incident R1)', async () => {
    const visit = world.browser();
    await visit.signUp('twenty@example.com');
    const old = visit.cookie;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        holding(world, old).post('/auth/reauthenticate', { password: PASSWORD }),
      ),
    );
    const won = answers.filter((response) => response.status === 200);
    assert.equal(won.length, 1);
    for (const response of answers) {
      if (won.includes(response)) continue;
      assert.equal(response.status, 401);
      assert.deepEqual(response.headers.getSetCookie(), [], 'who loses takes no cookie away');
      assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
    }
    const [winner] = won;
    assert.ok(winner !== undefined);
    assert.equal(await statusOf(world, cookieOf(winner)), 200);
    assert.equal(await statusOf(world, old), 200, 'and the old one is in its grace');
    world.clock.advance(10_001);
    assert.equal(await statusOf(world, old), 401);
    assert.equal(await statusOf(world, cookieOf(winner)), 200);
  });

  test('of ten changes of the password at once one is made, whole (@rule R11)', async () => {
    const visit = world.browser();
    await visit.signUp('ten@example.com');
    const old = visit.cookie;
    const words = Array.from({ length: 10 }, (_, index) => `a password of try ${index}, long`);
    const answers = await Promise.all(
      words.map((word) =>
        holding(world, old).post('/auth/password', { current_password: PASSWORD, new_password: word }),
      ),
    );
    const winner = answers.findIndex((response) => response.status === 200);
    assert.equal(answers.filter((response) => response.status === 200).length, 1);
    const [answer, word] = [answers[winner], words[winner]];
    assert.ok(answer !== undefined && word !== undefined);
    assert.equal(await statusOf(world, cookieOf(answer)), 200);
    await world.browser().signIn('ten@example.com', word);
  });
});
