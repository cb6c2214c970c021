import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inside, NOBODY, statusOf } from '../attacks/scene.ts';
import {
  administrator,
  ask,
  CALLS,
  itemsOf,
  OPTIONS,
  type Somebody,
  somebody,
  users,
} from './administrators.ts';
import { Program } from './program.ts';
import { bodyOf, codeOf, openWorld, PASSWORD, type World } from './world.ts';

describe('administration over HTTP', () => {
  let world: World;
  let admin: Somebody;
  before(async () => {
    world = await openWorld(OPTIONS);
    admin = await administrator(world);
  });
  after(() => world.auth.close());
  const found = async (search: string): Promise<unknown[]> => {
    const items = await itemsOf(await admin.visit.get(`${users}?search=${encodeURIComponent(search)}`));
    return items.map((item) => inside(item, 'email'));
  };

  test('shows of a user what a console needs, and none of the application’s fields', async () => {
    const { id, email } = await somebody(world);
    const { user } = await bodyOf(await admin.visit.get(`${users}/${id}`));
    const { created_at: createdAt, ...rest } = { ...(user as Record<string, unknown>) };
    assert.match(String(createdAt), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(rest, {
      id,
      email,
      name: null,
      email_verified: false,
      roles: [],
      disabled_at: null,
    });
    await world.auth.users.disable(id);
    const after = await bodyOf(await admin.visit.get(`${users}/${id}`));
    assert.match(String(inside(after, 'user', 'disabled_at')), /Z$/);
  });

  test('creates a user who can sign in, with roles', async () => {
    const json = { email: 'New@Example.com', password: PASSWORD, name: 'New', roles: ['auditor'] };
    const response = await admin.visit.post(users, json);
    assert.equal(response.status, 201);
    assert.deepEqual(response.headers.getSetCookie(), [], 'nobody is signed in by it');
    const { user } = await bodyOf(response);
    assert.deepEqual([inside(user, 'email'), inside(user, 'roles')], ['New@Example.com', ['auditor']]);
    await world.browser().signIn('new@example.com');
    const event = world.events.findLast(({ type }) => type === 'user_created');
    assert.deepEqual([event?.user, event?.by], [inside(user, 'id'), admin.id]);
    assert.equal(await codeOf(await admin.visit.post(users, json)), 'LK_EMAIL_TAKEN');
    const weak = await admin.visit.post(users, { email: 'weak@example.com', password: 'password' });
    assert.equal(await codeOf(weak), 'LK_PASSWORD_REFUSED');
  });

  const refusesField = async (field: string): Promise<void> => {
    const json = { email: `mass-${field}@example.com`, password: PASSWORD, [field]: 'x' };
    const response = await admin.visit.post(users, json);
    assert.equal(response.status, 400);
    assert.deepEqual((await bodyOf(response))['errors'], [{ field, reason: 'is no field of this request' }]);
    assert.equal(await world.auth.users.findByEmail(json.email), null);
  };
  for (const field of [
    'id',
    'disabled_at',
    'created_at',
    'email_verified',
    'fields',
    'administrator',
    'email_key',
  ]) {
    test(`refuses the field ${field} of a new user by its name (@asvs 15.3.3)`, () => refusesField(field));
  }

  test('gives no role that is not declared, to a new user or an old one (@asvs 8.2.3)', async () => {
    const { id } = await somebody(world);
    const json = { email: 'owner@example.com', password: PASSWORD, roles: ['owner'] };
    for (const response of [
      await admin.visit.post(users, json),
      await admin.visit.post(`${users}/${id}/roles`, { add: ['owner'] }),
      await admin.visit.post(`${users}/${id}/roles`, {}),
      await admin.visit.post(`${users}/${id}/roles`, { roles: ['auditor'] }),
    ])
      assert.equal(await codeOf(response), 'LK_REQUEST_INVALID');
    assert.equal(await world.auth.users.findByEmail('owner@example.com'), null);
    assert.deepEqual((await world.auth.users.find(id))?.roles, []);
  });

  test('gives roles and takes them, those that are declared no longer as well', async () => {
    const { id } = await somebody(world);
    const change = async (json: unknown): Promise<unknown> => {
      const response = await admin.visit.post(`${users}/${id}/roles`, json);
      assert.equal(response.status, 200);
      return inside(await bodyOf(response), 'user', 'roles');
    };
    assert.deepEqual(await change({ add: ['auditor', 'administrator'] }), ['administrator', 'auditor']);
    assert.deepEqual(await change({ remove: ['administrator', 'gone'], add: [] }), ['auditor']);
    const event = world.events.findLast(({ type }) => type === 'roles_changed');
    assert.deepEqual([event?.user, event?.by], [id, admin.id]);
  });

  test('answers 404 for ids that nobody has, that are none, and that are of something else (@asvs 8.2.2)', async () => {
    const about = await somebody(world);
    const others: readonly (readonly [string, string])[] = [
      ['users', about.session],
      ['sessions', about.id],
    ];
    for (const call of CALLS.filter(({ operation }) => operation.includes('{id}'))) {
      for (const id of [NOBODY, 'x', `${about.id}A`, '%00', "'", '*']) {
        const gone = { ...about, id, session: id };
        const response = await ask(admin.visit, call, gone);
        assert.equal(await codeOf(response), 'LK_NOT_FOUND', `${call.operation} ${id}`);
      }
      for (const [kind, id] of others) {
        if (!call.operation.includes(`/${kind}/{id}`)) continue;
        const response = await ask(admin.visit, call, { ...about, id, session: id });
        assert.equal(await codeOf(response), 'LK_NOT_FOUND', `${call.operation} ${id}`);
      }
    }
    for (const name of ['nobody', 'constructor', '__proto__', '']) {
      const response = await admin.visit.post(`/auth/admin/clients/${name}/disable`);
      assert.equal(response.status, 404, name);
    }
    assert.equal(await statusOf(world, about.visit.cookie), 200);
  });

  test('searches by the beginning of address and name, and takes every character as it stands (@asvs 1.2.4)', async () => {
    await world.auth.users.create({ email: 'zoe_1@example.com', password: PASSWORD, name: 'Zoë 100%' });
    await world.auth.users.create({ email: 'zoex1@example.com', password: PASSWORD, name: 'zo\\e' });
    const both = ['zoe_1@example.com', 'zoex1@example.com'];
    const cases: readonly (readonly [string, readonly string[]])[] = [
      ['ZOE', both],
      ['zo', both],
      ['zoe_', ['zoe_1@example.com']],
      ['Zoe_1@EXAMPLE.com', ['zoe_1@example.com']],
      ['zoë 100%', ['zoe_1@example.com']],
      ['zoe\u0308 1', ['zoe_1@example.com']],
      ['zo\\', ['zoex1@example.com']],
      ['%', []],
      ['_', []],
      ['zo%1', []],
      ["zo' or 1=1 --", []],
      ['  zoe_ ', ['zoe_1@example.com']],
    ];
    for (const [search, emails] of cases) assert.deepEqual(await found(search), emails, search);
    for (const search of ['a\u0000b', '\u001b', 'x'.repeat(2_000)]) {
      const response = await admin.visit.get(`${users}?search=${encodeURIComponent(search)}`);
      assert.equal(await codeOf(response), 'LK_REQUEST_INVALID');
    }
  });

  test('pages through users, each once, while others are created and deleted', async () => {
    const made: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      const email = `paged-${index}@example.com`;
      made.push((await world.auth.users.create({ email, password: PASSWORD })).id);
    }
    const seen: unknown[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 10; page += 1) {
      const next = cursor === null ? '' : `&cursor=${cursor}`;
      const body = await bodyOf(await admin.visit.get(`${users}?search=paged&limit=3${next}`));
      const { items } = body;
      assert.ok(Array.isArray(items));
      seen.push(...items.map((item) => inside(item, 'id')));
      const after = body['next_cursor'];
      cursor = typeof after === 'string' ? after : null;
      if (cursor === null) break;
      if (page === 0) {
        await world.auth.users.create({ email: 'paged-late@example.com', password: PASSWORD });
        await world.auth.users.delete(made[2] ?? '');
      }
    }
    const late = (await world.auth.users.findByEmail('paged-late@example.com'))?.id;
    assert.deepEqual(seen, [...made, late]);
    for (const query of ['limit=0', 'limit=201', 'limit=x', 'cursor=x', 'page=2', 'limit=1&limit=2']) {
      assert.equal(await codeOf(await admin.visit.get(`${users}?${query}`)), 'LK_REQUEST_INVALID', query);
    }
  });

  test('lists sessions of one user, of one client and of all, with whose they are', async () => {
    const about = await somebody(world);
    const program = new Program(world.auth, { userAgent: 'curl/8' });
    const { session } = await program.signIn(about.email);
    const own = await itemsOf(await admin.visit.get(`${users}/${about.id}/sessions`));
    assert.deepEqual(
      own.map((item) => inside(item, 'id')),
      [session, about.session],
    );
    assert.deepEqual(inside(own[0], 'user'), { id: about.id, email: about.email });
    assert.deepEqual([inside(own[0], 'mode'), inside(own[0], 'current')], ['jwt', false]);
    const mobile = await itemsOf(await admin.visit.get('/auth/admin/sessions?client=mobile'));
    assert.ok(mobile.every((item) => inside(item, 'client') === 'mobile'));
    assert.ok(mobile.some((item) => inside(item, 'id') === session));
    const all = await itemsOf(await admin.visit.get('/auth/admin/sessions?limit=200'));
    const current = all.filter((item) => inside(item, 'current') === true);
    assert.deepEqual(
      current.map((item) => inside(item, 'id')),
      [admin.session],
    );
    assert.doesNotMatch(JSON.stringify([own, all]), /secret|hash|nonce|lkc_|lkr_/i);
  });

  test('ends any session, and one that has ended is not there (@asvs 7.4.5)', async () => {
    const about = await somebody(world);
    const path = `/auth/admin/sessions/${about.session}`;
    const { receipt } = await bodyOf(await admin.visit.delete(path));
    assert.equal(inside(receipt, 'settled'), true);
    assert.equal(await statusOf(world, about.visit.cookie), 401);
    assert.equal(await codeOf(await admin.visit.delete(path)), 'LK_NOT_FOUND');
    const event = world.events.findLast(({ type }) => type === 'session_ended');
    assert.deepEqual([event?.session, event?.user, event?.by], [about.session, about.id, admin.id]);
  });

  test('takes the cookie of an administrator who ends their own session', async () => {
    const own = await administrator(world);
    assert.equal((await own.visit.delete(`/auth/admin/sessions/${own.session}`)).status, 200);
    assert.equal(own.visit.cookie, null);
    const again = await administrator(world);
    assert.equal((await again.visit.post('/auth/admin/revoke', { user: again.id })).status, 200);
    assert.equal(again.visit.cookie, null);
  });

  test('revokes exactly one thing, that there is, and says why in the event (@asvs 7.4.5)', async () => {
    const about = await somebody(world);
    const revoke = (json: unknown): Promise<Response> => admin.visit.post('/auth/admin/revoke', json);
    const invalid: readonly unknown[] = [
      {},
      { reason: 'why' },
      { user: about.id, session: about.session },
      { all: false },
      { all: 'true' },
      { user: 'x' },
      { session: about.email },
      { user: about.id, reason: 'x'.repeat(201) },
      { everything: true },
    ];
    for (const json of invalid)
      assert.equal(await codeOf(await revoke(json)), 'LK_REQUEST_INVALID', JSON.stringify(json));
    for (const json of [{ user: NOBODY }, { session: NOBODY }, { client: 'wbe' }])
      assert.equal(await codeOf(await revoke(json)), 'LK_NOT_FOUND', JSON.stringify(json));
    assert.equal(await statusOf(world, about.visit.cookie), 200);
    const response = await revoke({ user: about.id, reason: 'lost a telephone' });
    assert.equal(response.status, 200);
    assert.equal(await statusOf(world, about.visit.cookie), 401);
    const event = world.events.findLast(({ type }) => type === 'sessions_ended');
    assert.deepEqual([event?.user, event?.by, event?.reason], [about.id, admin.id, 'lost a telephone']);
    await about.visit.signIn(about.email);
    assert.equal(await statusOf(world, about.visit.cookie), 200, 'who is not disabled begins anew');
  });

  test('revokes a signing key, and nobody is signed out by it', async () => {
    const about = await somebody(world);
    const { items } = await bodyOf(await admin.visit.get('/auth/admin/keys'));
    assert.ok(Array.isArray(items));
    const kid = inside(
      items.find((item) => inside(item, 'state') === 'current'),
      'kid',
    );
    const program = new Program(world.auth);
    const { access } = await program.signIn(about.email);
    const json = { signing_key: kid, reason: 'a stolen disk' };
    const response = await admin.visit.post('/auth/admin/revoke', json);
    assert.equal(response.status, 200, await response.clone().text());
    assert.equal(await program.status(access), 401);
    assert.equal(await statusOf(world, about.visit.cookie), 200);
    const event = world.events.findLast(({ type }) => type === 'signing_key_revoked');
    assert.deepEqual([event?.key, event?.by, event?.reason], [kid, admin.id, 'a stolen disk']);
    const gone = await admin.visit.post('/auth/admin/revoke', { signing_key: 'gone' });
    assert.equal(await codeOf(gone), 'LK_NOT_FOUND');
  });

  test('shows names in an administrator’s receipt, and counts alone in anybody else’s (@rule R9)', async () => {
    const about = await somebody(world);
    const { receipt } = await bodyOf(await about.visit.delete('/auth/sessions?except=current'));
    assert.deepEqual(Object.keys(receipt as object), [
      'id',
      'at',
      'deadline',
      'settled',
      'followers',
      'tokens_dead_by',
    ]);
    const path = `/auth/receipts/${String(inside(receipt, 'id'))}`;
    assert.deepEqual(Object.keys(await bodyOf(await about.visit.get(path))), Object.keys(receipt as object));
    const seen = await bodyOf(await admin.visit.get(`${path}?wait=1`));
    const { seq } = await world.store.log.head();
    const [follower] = await world.store.followers.list();
    assert.equal(seen['seq'], seq);
    assert.deepEqual(seen['names'], { confirmed: [follower?.name], pending: [] });
    assert.equal((await (await somebody(world)).visit.get(path)).status, 404);
    const { receipt: own } = await bodyOf(
      await admin.visit.post('/auth/admin/revoke', { session: about.session }),
    );
    assert.deepEqual(Object.keys(own as object).slice(-3), ['seq', 'epoch', 'names']);
  });

  test('lists who follows the log', async () => {
    const { epoch, head, items } = await bodyOf(await admin.visit.get('/auth/admin/followers'));
    const self = inside(items, 0);
    assert.equal(inside(items, 'length'), 1);
    const { epoch: there, seq } = await world.store.log.head();
    assert.deepEqual([epoch, head], [there, seq]);
    assert.deepEqual(
      ['self', 'fresh', 'behind', 'cursor'].map((name) => inside(self, name)),
      [true, true, 0, head],
    );
  });

  test('explains a decision with its reasons, as if the user had just signed in', async () => {
    const about = await somebody(world);
    const explain = (json: unknown): Promise<Response> => admin.visit.post('/auth/admin/explain', json);
    const permission = 'note:read';
    const yes = await bodyOf(await explain({ user: about.id, permission, resource: { ownerId: about.id } }));
    assert.equal(yes['allowed'], true);
    const no = await bodyOf(await explain({ user: about.id, permission, resource: { ownerId: admin.id } }));
    assert.deepEqual(no, {
      allowed: false,
      because: [{ rule: 'note.read[0]: ownerId is me', matched: false, missing: ['ownerId is me'] }],
      step_up: null,
    });
    const nobody = await bodyOf(await explain({ user: null, permission: 'reports:view' }));
    assert.equal(nobody['allowed'], false);
    const administers = await bodyOf(await explain({ user: admin.id, permission: 'latchkey:admin' }));
    assert.equal(administers['allowed'], true);
    for (const json of [
      { user: about.id, permission },
      { user: about.id, permission: 'note:burn', resource: {} },
      { user: about.id, permission, resource: [] },
      { user: 'x', permission: 'reports:view' },
      { permission: 'reports:view' },
    ])
      assert.equal(await codeOf(await explain(json)), 'LK_REQUEST_INVALID', JSON.stringify(json));
    assert.equal(await codeOf(await explain({ user: NOBODY, permission: 'reports:view' })), 'LK_NOT_FOUND');
  });
});
