import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Store, sqlite } from 'latchkey';
import { bodyOf, codeOf, OTHER_PASSWORD, openWorld, PASSWORD, type World } from './world.ts';

test('what is committed is told as done, also where its receipt cannot be written down', async () => {
  const store = sqlite(':memory:');
  const failing: Store = Object.assign(Object.create(store) as Store, {
    receipts: { ...store.receipts, create: () => Promise.reject(new Error('the disk is full')) },
  });
  const world = await openWorld({}, failing);
  const visit = world.browser();
  await visit.signUp('committed@example.com');
  const changed = await visit.post('/auth/password', {
    current_password: PASSWORD,
    new_password: OTHER_PASSWORD,
  });
  assert.equal(changed.status, 200);
  const { receipt } = (await bodyOf(changed)) as { receipt: { settled: boolean; deadline: string } };
  assert.equal(receipt.settled, false);
  assert.ok(Date.parse(receipt.deadline) > Date.now());
  assert.equal((await visit.get('/auth/me')).status, 200, 'the new cookie arrived');
  assert.ok(world.events.some(({ type }) => type === 'failed'));
  await world.auth.close();
});

test('a body that does not arrive whole is a 400, and no defect of ours', async () => {
  const world = await openWorld();
  const broken = new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode('{"email"'));
      controller.error(new Error('the client hung up'));
    },
  });
  const request = new Request('http://localhost:3000/auth/sign-in', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: broken,
    duplex: 'half',
  });
  const response = await world.auth.handler(request);
  assert.equal(response.status, 400);
  assert.equal(await codeOf(response), 'LK_REQUEST_INVALID');
  assert.deepEqual(world.events, []);
  await world.auth.close();
});

describe('people, over HTTP', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.auth.close());

  test('sign-up answers 201 with the user, the session and a cookie', async () => {
    const visit = world.browser();
    const response = await visit.signUp('Ada@Example.com');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const { user, session } = await bodyOf(response);
    assert.deepEqual(Object.keys(user as object), ['id', 'email', 'name', 'email_verified', 'roles']);
    assert.deepEqual(Object.keys(session as object), ['id', 'client', 'mode', 'created_at', 'expires_at']);
    assert.match(visit.cookie ?? '', /^latchkey-3000=lkc_/);
    assert.match(
      response.headers.getSetCookie()[0] ?? '',
      /; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000$/,
    );
  });

  test('sign-up with a known address answers 409, however it is spelled', async () => {
    await world.browser().signUp('taken@example.com');
    const response = await world
      .browser()
      .post('/auth/sign-up', { email: 'TAKEN@EXAMPLE.COM', password: PASSWORD });
    assert.equal(response.status, 409);
    assert.equal(await codeOf(response), 'LK_EMAIL_TAKEN');
  });

  test('me answers the principal, with times as RFC 3339', async () => {
    const visit = world.browser();
    await visit.signUp('me@example.com');
    const response = await visit.get('/auth/me');
    assert.equal(response.status, 200);
    const me = await bodyOf(response);
    assert.deepEqual(Object.keys(me), [
      'kind',
      'id',
      'user',
      'session',
      'claims',
      'via',
      'acr',
      'amr',
      'auth_time',
    ]);
    assert.equal(me['kind'], 'user');
    assert.equal(me['via'], 'cookie');
    assert.equal(me['acr'], 'aal1');
    assert.deepEqual(me['amr'], ['pwd']);
    assert.match(String(me['auth_time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal((me['user'] as { email: string }).email, 'me@example.com');
  });

  test('me without a credential answers 401 and names the scheme', async () => {
    const response = await world.browser().get('/auth/me');
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
  });

  test('sign-in answers an unknown address and a wrong password alike', async () => {
    await world.browser().signUp('alike@example.com');
    const wrong = await world
      .browser()
      .post('/auth/sign-in', { email: 'alike@example.com', password: OTHER_PASSWORD });
    const unknown = await world
      .browser()
      .post('/auth/sign-in', { email: 'nobody@example.com', password: OTHER_PASSWORD });
    for (const response of [wrong, unknown]) {
      assert.equal(response.status, 401);
      response.headers.delete('x-request-id');
    }
    assert.deepEqual([...wrong.headers], [...unknown.headers]);
    const bodies = await Promise.all([wrong, unknown].map(bodyOf));
    for (const body of bodies) delete body['request_id'];
    assert.deepEqual(bodies[0], bodies[1]);
    assert.equal(bodies[0]?.['code'], 'LK_CREDENTIALS_REFUSED');
  });

  test('sign-out ends the session, clears the cookie and answers a settled receipt', async () => {
    const visit = world.browser();
    await visit.signUp('out@example.com');
    const held = visit.cookie;
    const response = await visit.post('/auth/sign-out');
    assert.equal(response.status, 200);
    const { receipt } = (await bodyOf(response)) as { receipt: Record<string, unknown> };
    assert.deepEqual(Object.keys(receipt), [
      'id',
      'at',
      'deadline',
      'settled',
      'followers',
      'tokens_dead_by',
    ]);
    assert.equal(receipt['settled'], true);
    assert.deepEqual(receipt['followers'], { confirmed: 1, pending: 0 });
    assert.equal(visit.cookie, null);
    visit.cookie = held;
    assert.equal((await visit.get('/auth/me')).status, 401);
    const again = await visit.post('/auth/sign-out');
    assert.equal(again.status, 200, 'a credential that is already dead is signed out');
    assert.equal(visit.cookie, null);
  });

  test('sessions are listed newest first, the one that asks is marked, and pages hold together', async () => {
    const visits = [world.browser(), world.browser(), world.browser()];
    await visits[0]?.signUp('list@example.com');
    await visits[1]?.signIn('list@example.com');
    await visits[2]?.signIn('list@example.com');
    const all = (await bodyOf((await visits[1]?.get('/auth/sessions')) as Response)) as {
      items: Record<string, unknown>[];
      next_cursor: string | null;
    };
    assert.equal(all.items.length, 3);
    assert.equal(all.next_cursor, null);
    assert.deepEqual(
      all.items.map((item) => item['current']),
      [false, true, false],
    );
    assert.deepEqual(Object.keys(all.items[0] ?? {}), [
      'id',
      'current',
      'client',
      'mode',
      'created_at',
      'last_seen_at',
      'ip',
      'device',
      'acr',
      'amr',
    ]);
    const first = (await bodyOf((await visits[1]?.get('/auth/sessions?limit=2')) as Response)) as typeof all;
    const second = (await bodyOf(
      (await visits[1]?.get(`/auth/sessions?limit=2&cursor=${first.next_cursor}`)) as Response,
    )) as typeof all;
    assert.deepEqual(
      [...first.items, ...second.items].map((item) => item['id']),
      all.items.map((item) => item['id']),
    );
  });

  test('one session can be ended from another, and is dead at once', async () => {
    const [here, there] = [world.browser(), world.browser()];
    await here.signUp('end@example.com');
    await there.signIn('end@example.com');
    assert.equal((await there.get('/auth/me')).status, 200);
    const { session } = (await bodyOf(await there.get('/auth/me'))) as { session: { id: string } };
    assert.equal((await here.delete(`/auth/sessions/${session.id}`)).status, 200);
    assert.equal((await there.get('/auth/me')).status, 401);
    assert.equal((await here.get('/auth/me')).status, 200);
    assert.equal((await here.delete(`/auth/sessions/${session.id}`)).status, 404);
  });

  test('all others can be ended, and all', async () => {
    const [here, there] = [world.browser(), world.browser()];
    await here.signUp('others@example.com');
    await there.signIn('others@example.com');
    assert.equal((await here.delete('/auth/sessions?except=current')).status, 200);
    assert.equal((await there.get('/auth/me')).status, 401);
    assert.equal((await here.get('/auth/me')).status, 200);
    assert.equal((await here.delete('/auth/sessions')).status, 200);
    assert.equal(here.cookie, null);
  });

  test('a password is changed by whoever knows it; others end, this session gets a new secret', async () => {
    const [here, there] = [world.browser(), world.browser()];
    await here.signUp('change@example.com');
    await there.signIn('change@example.com');
    const before = here.cookie;
    const response = await here.post('/auth/password', {
      current_password: PASSWORD,
      new_password: OTHER_PASSWORD,
    });
    assert.equal(response.status, 200);
    assert.deepEqual(Object.keys(await bodyOf(response)), ['receipt']);
    assert.notEqual(here.cookie, before);
    assert.equal((await here.get('/auth/me')).status, 200);
    assert.equal((await there.get('/auth/me')).status, 401);
    const old = await world
      .browser()
      .post('/auth/sign-in', { email: 'change@example.com', password: PASSWORD });
    assert.equal(old.status, 401);
    await world.browser().signIn('change@example.com', OTHER_PASSWORD);
  });

  test('proving again who is there moves auth_time and rotates the secret', async () => {
    const visit = world.browser();
    await visit.signUp('again@example.com');
    const before = await bodyOf(await visit.get('/auth/me'));
    const cookie = visit.cookie;
    world.clock.advance(5_000);
    const response = await visit.post('/auth/reauthenticate', { password: PASSWORD });
    assert.equal(response.status, 200);
    const after = await bodyOf(response);
    assert.ok(String(after['auth_time']) > String(before['auth_time']));
    assert.notEqual(visit.cookie, cookie);
    const wrong = await visit.post('/auth/reauthenticate', { password: OTHER_PASSWORD });
    assert.equal(wrong.status, 401);
  });

  test('a receipt can be asked for by whom it was given to, and by nobody else', async () => {
    const [here, other] = [world.browser(), world.browser()];
    await here.signUp('receipt@example.com');
    await other.signUp('other@example.com');
    const { receipt } = (await bodyOf(await here.delete('/auth/sessions?except=current'))) as {
      receipt: { id: string };
    };
    const response = await here.get(`/auth/receipts/${receipt.id}?wait=1`);
    assert.equal(response.status, 200);
    assert.equal((await bodyOf(response))['settled'], true);
    assert.equal((await other.get(`/auth/receipts/${receipt.id}`)).status, 404);
  });

  test('a form is answered with a redirect, and a refused one with its page', async () => {
    const visit = world.browser();
    const refused = await visit.form('/auth/sign-up', { email: 'form@example.com', password: 'short' });
    assert.equal(refused.status, 400);
    assert.match(refused.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(await refused.text(), /value="form@example\.com"/);
    const done = await visit.form('/auth/sign-up', {
      email: 'form@example.com',
      password: PASSWORD,
      return_to: '/notes?a=1',
    });
    assert.equal(done.status, 303);
    assert.equal(done.headers.get('location'), '/notes?a=1');
    const page = await visit.get('/auth/account');
    assert.equal(page.status, 200);
    assert.match(await page.text(), /form@example\.com/);
  });

  test('the one-time link makes the first administrator once', async () => {
    const link = await world.auth.setupLink();
    const token = new URL(link?.reveal() ?? '').searchParams.get('token') ?? '';
    const visit = world.browser();
    assert.match(await (await visit.get(`/auth/setup?token=${token}`)).text(), /name="token"/);
    const body = { token, email: 'admin@example.com', password: PASSWORD };
    assert.equal((await visit.post('/auth/setup', body)).status, 201);
    const me = (await bodyOf(await visit.get('/auth/me'))) as { user: { roles: string[] } };
    assert.deepEqual(me.user.roles, ['administrator']);
    const again = await world.browser().post('/auth/setup', { ...body, email: 'second@example.com' });
    assert.equal(again.status, 401);
    assert.equal(await world.auth.setupLink(), null);
  });

  test('an unknown path and a wrong method say so', async () => {
    assert.equal((await world.browser().get('/auth/nothing')).status, 404);
    const response = await world.browser().send('PUT', '/auth/sign-in');
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), 'HEAD, POST, GET');
  });
});
