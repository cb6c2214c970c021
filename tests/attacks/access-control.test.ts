import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type LatchkeyOptions, me, permissions, resource, role, signedIn } from 'latchkey';
import { bodyOf, codeOf, openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';

interface Note {
  readonly ownerId: string;
}

const OPTIONS: Partial<LatchkeyOptions> = {
  clients: { web: 'session', spa: 'hybrid', mobile: 'jwt' },
  tokens: { audiences: ['notes'] },
  roles: ['auditor', 'editor'],
  access: {
    note: resource<Note>()({
      read: [{ ownerId: me.id }, role('auditor')],
      edit: [{ ownerId: me.id }],
      never: [],
    }),
    reports: permissions({ view: [role('auditor')], ask: [signedIn()] }),
  },
};

describe('what nobody has allowed', () => {
  let world: World;
  let ada: string;
  let bob: string;
  const browsers = new Map<string, Visit>();

  before(async () => {
    world = await openWorld(OPTIONS);
    for (const email of ['ada@example.com', 'bob@example.com']) {
      const browser = world.browser();
      await browser.signUp(email);
      browsers.set(email, browser);
    }
    ada = (await idOf('ada@example.com')) ?? '';
    bob = (await idOf('bob@example.com')) ?? '';
    await world.auth.users.changeRoles(bob, { add: ['auditor'] });
  });
  after(() => world.auth.close());

  const idOf = async (email: string): Promise<string | null> =>
    (await world.auth.users.findByEmail(email))?.id ?? null;
  const post = (path: string, body: unknown): Promise<Response> => world.browser().post(path, body);
  const who = (email: string) => {
    const cookie = browsers.get(email)?.cookie ?? '';
    return world.auth.require(new Headers({ cookie }));
  };

  test('is allowed to nobody: each permission against each kind of caller (@asvs 8.2.1, @asvs 8.2.2)', async () => {
    const callers = { nobody: null, ada: await who('ada@example.com'), bob: await who('bob@example.com') };
    const own = { nobody: { ownerId: '' }, ada: { ownerId: ada }, bob: { ownerId: bob } };
    const allowed: string[] = [];
    for (const [name, principal] of Object.entries(callers)) {
      for (const permission of ['note:read', 'note:edit', 'note:never'] as const) {
        for (const [whose, note] of Object.entries(own)) {
          if (await world.auth.can(principal, permission, note))
            allowed.push(`${name} ${permission} of ${whose}`);
        }
      }
      for (const permission of ['reports:view', 'reports:ask', 'latchkey:admin'] as const) {
        if (await world.auth.can(principal, permission, undefined)) allowed.push(`${name} ${permission}`);
      }
    }
    assert.deepEqual(allowed, [
      'ada note:read of ada',
      'ada note:edit of ada',
      'ada reports:ask',
      'bob note:read of nobody',
      'bob note:read of ada',
      'bob note:read of bob',
      'bob note:edit of bob',
      'bob reports:view',
      'bob reports:ask',
    ]);
  });

  test('throws 401 for nobody and 403 for somebody, and says so to whoever reads the log (@asvs 8.2.1, @asvs 16.3.2)', async () => {
    await assert.rejects(world.auth.authorize(null, 'reports:view', undefined), {
      code: 'LK_UNAUTHENTICATED',
    });
    const principal = await who('ada@example.com');
    await assert.rejects(world.auth.authorize(principal, 'reports:view', undefined), {
      code: 'LK_FORBIDDEN',
    });
    const denied = world.events.filter(({ type }) => type === 'access_denied');
    assert.deepEqual(
      denied.map(({ code, permission, user }) => [code, permission, user]),
      [
        ['LK_UNAUTHENTICATED', 'reports:view', undefined],
        ['LK_FORBIDDEN', 'reports:view', ada],
      ],
    );
  });

  test('ends at once with the role that allowed it, for cookies and for tokens (@asvs 8.3.2)', async () => {
    const program = world.browser({ 'Sec-Fetch-Site': '' });
    const signIn = { email: 'bob@example.com', password: PASSWORD, client: 'mobile' };
    const { access_token: token } = await bodyOf(
      await program.post('/auth/sign-in', signIn, { headers: { 'Sec-Fetch-Site': '' } }),
    );
    const asked = async (): Promise<boolean[]> => {
      const byToken = await world.auth.require(new Headers({ authorization: `Bearer ${String(token)}` }));
      const byCookie = await who('bob@example.com');
      return [
        await world.auth.can(byCookie, 'reports:view', undefined),
        await world.auth.can(byToken, 'reports:view', undefined),
      ];
    };
    assert.deepEqual(await asked(), [true, true]);
    await world.auth.users.changeRoles(bob, { remove: ['auditor'] });
    assert.deepEqual(await asked(), [false, false]);
    await world.auth.users.changeRoles(bob, { add: ['auditor'] });
    assert.deepEqual(await asked(), [true, true]);
  });

  for (const field of [
    'roles',
    'fields',
    'email_verified',
    'emailVerified',
    'id',
    'tenantId',
    'disabled_at',
    'administrator',
  ]) {
    test(`cannot be asked for in the field ${field} of a sign-up (@asvs 8.2.3, @asvs 15.3.3)`, async () => {
      const input = { email: `${field}@example.com`, password: PASSWORD, [field]: ['administrator'] };
      const response = await post('/auth/sign-up', input);
      assert.equal(response.status, 400);
      assert.equal(await codeOf(response), 'LK_REQUEST_INVALID');
      assert.equal(await idOf(input.email), null);
    });
  }

  test('a role that is not declared is given to nobody, and one that is to those who exist (@asvs 8.2.3)', async () => {
    const wrong = Object.assign({ add: ['owner'] }, {});
    await assert.rejects(world.auth.users.changeRoles(ada, wrong), { code: 'LK_REQUEST_INVALID' });
    await assert.rejects(world.auth.users.changeRoles('AZr4k2mXcQqk3yT0v8FhXw', { add: ['editor'] }), {
      code: 'LK_NOT_FOUND',
    });
    assert.deepEqual((await world.auth.users.find(ada))?.roles, []);
  });

  test('a token for another audience opens nothing of ours, and ours nothing of theirs (@asvs 9.2.3, @asvs 9.2.4)', async () => {
    const program = world.browser({ 'Sec-Fetch-Site': '' });
    const signIn = { email: 'ada@example.com', password: PASSWORD, client: 'mobile' };
    const first = await bodyOf(
      await program.post('/auth/sign-in', signIn, { headers: { 'Sec-Fetch-Site': '' } }),
    );
    const exchange = (audience: string) =>
      program.post(
        '/auth/token',
        { grant_type: 'refresh_token', refresh_token: first['refresh_token'], audience },
        { headers: { 'Sec-Fetch-Site': '' } },
      );
    const { access_token: forNotes } = await bodyOf(await exchange('notes'));
    const notes = new Headers({ authorization: `Bearer ${String(forNotes)}` });
    assert.equal((await world.auth.require(notes, { audience: 'notes' })).id, ada);
    await assert.rejects(world.auth.require(notes), { code: 'LK_TOKEN_REFUSED' });
    const answer = await program.get('/auth/me', {
      headers: { Authorization: notes.get('authorization') ?? '' },
    });
    assert.equal(answer.status, 401);
    const ours = new Headers({ authorization: `Bearer ${String(first['access_token'])}` });
    await assert.rejects(world.auth.require(ours, { audience: 'notes' }), { code: 'LK_TOKEN_REFUSED' });
    const refused = await bodyOf(await exchange('orders'));
    assert.deepEqual([refused['error'], refused['code']], ['invalid_target', 'LK_AUDIENCE_REFUSED']);
  });

  const grants: readonly (readonly [title: string, body: Readonly<Record<string, string>>, error: string])[] =
    [
      ['no refresh token', { grant_type: 'refresh_token' }, 'invalid_request'],
      ['an empty one', { grant_type: 'refresh_token', refresh_token: '' }, 'invalid_request'],
      ['one that is none', { grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_grant'],
      ['no cookie', { grant_type: 'urn:latchkey:grant:session' }, 'invalid_grant'],
      ['a client alone', { grant_type: 'client_credentials', client_id: 'mobile' }, 'invalid_client'],
      [
        'a token exchange',
        { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: '' },
        'unsupported_grant_type',
      ],
      [
        'a password',
        { grant_type: 'password', username: 'ada@example.com', password: PASSWORD },
        'unsupported_grant_type',
      ],
    ];
  for (const [title, body, error] of grants) {
    test(`no grant comes of ${title}: an error, never the caller's own rights (@incident K10, @asvs 10.4.4)`, async () => {
      const response = await post('/auth/token', body);
      assert.equal(response.status, error === 'invalid_client' ? 401 : 400);
      assert.equal((await bodyOf(response))['error'], error);
    });
  }
});
