import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { bodyOf, codeOf, openWorld, type World } from '../http/world.ts';
import { BUTTONS, folder, inside, operationsOf, rowsOf, send } from './scene.ts';

const FIELDS = ['userId', 'user_id', 'sub', 'accountId', 'tenantId', 'actor'];

describe('fields that name somebody', () => {
  let world: World;
  let place: Awaited<ReturnType<typeof folder>>;
  let victim: string;
  let cookie: string;
  before(async () => {
    place = await folder();
    world = await openWorld({}, sqlite(place.file));
    const visit = world.browser();
    await visit.signUp('victim@example.com');
    cookie = visit.cookie ?? '';
    victim = String(inside(await bodyOf(await visit.get('/auth/me')), 'id'));
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });

  test('sign nobody in, wherever they stand, and write nothing (@incident B1, @asvs 7.2.1)', async () => {
    const operations = [...operationsOf(world.auth), ...BUTTONS].filter(({ signedIn }) => signedIn);
    assert.ok(operations.length >= 9);
    const rows = rowsOf(place.file);
    const same = { 'Sec-Fetch-Site': 'same-origin' };
    for (const { method, path, fields } of operations) {
      const rest = Object.fromEntries(fields.map((field) => [field, 'x']));
      const button = BUTTONS.some((known) => known.path === path);
      for (const field of FIELDS) {
        const named = { ...rest, [field]: victim };
        const type = button ? 'application/x-www-form-urlencoded' : 'application/json';
        const body = button ? new URLSearchParams(named).toString() : JSON.stringify(named);
        const tries: [string, { headers: Record<string, string>; body?: string }][] = [
          [`${path}?${field}=${victim}`, { headers: same }],
          [path, { headers: { ...same, [field]: victim } }],
          [path, { headers: { ...same, [`x-${field.replaceAll('_', '-')}`]: victim } }],
        ];
        if (method !== 'GET') {
          tries.push([path, { headers: { ...same, 'Content-Type': type }, body }]);
          tries.push([
            `${path}?${field}=${victim}`,
            { headers: { ...same, [field]: victim, 'Content-Type': type }, body },
          ]);
        }
        for (const [where, init] of tries) {
          const filled =
            button && init.body === undefined
              ? { ...init, body: '', headers: { ...init.headers, 'Content-Type': type } }
              : init;
          const response = await send(world.auth, where, { method, ...filled });
          assert.equal(response.status, 401, `${method} ${where} ${JSON.stringify(init)}`);
          assert.deepEqual(response.headers.getSetCookie(), []);
        }
      }
    }
    assert.equal(rowsOf(place.file), rows, 'no row was written');
  });

  test('are refused by name with a good cookie, so that none of them can ever take effect (@incident B1, @asvs 15.3.3)', async () => {
    // So that the bodies of administrators are looked at as well.
    await world.auth.users.changeRoles(victim, { add: ['administrator'] });
    const rows = rowsOf(place.file);
    for (const { method, path, fields, signedIn } of operationsOf(world.auth)) {
      if (!signedIn || method === 'GET' || fields.length === 0) continue;
      for (const field of FIELDS) {
        const body = JSON.stringify({
          ...Object.fromEntries(fields.map((name) => [name, 'x'])),
          [field]: victim,
        });
        const headers = {
          'Sec-Fetch-Site': 'same-origin',
          'Content-Type': 'application/json',
          Cookie: cookie,
        };
        const response = await send(world.auth, path, { method, headers, body });
        assert.equal(await codeOf(response), 'LK_REQUEST_INVALID', `${path} ${field}`);
      }
    }
    assert.equal(rowsOf(place.file), rows);
  });
});
