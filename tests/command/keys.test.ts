import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, cookieOf, run, startServer, type TestServer, temporaryFolder } from '../server/process.ts';

interface Listed {
  readonly kid: string;
  readonly state: string;
  readonly activatesAt: string | null;
}

describe('latchkey keys, beside a running server', () => {
  const folder = temporaryFolder();
  let server: TestServer;
  before(async () => {
    server = await startServer(folder.path);
  });
  after(async () => {
    await server.end('SIGTERM');
    folder.remove();
  });
  const keys = (...args: readonly string[]): ReturnType<typeof run> =>
    run(['keys', ...args], { LATCHKEY_DATA: folder.path, LATCHKEY_URL: server.url });
  const listed = async (): Promise<readonly Listed[]> => {
    const { code, stdout, stderr } = await keys('list', '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as readonly Listed[];
  };
  const published = async (): Promise<readonly string[]> => {
    const answer = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
    return (answer as { keys: readonly { kid: string }[] }).keys.map(({ kid }) => kid);
  };

  test('lists them, for people and for scripts, and nothing that signs', async () => {
    const [current, next] = await listed();
    assert.deepEqual([current?.state, next?.state, next?.activatesAt], ['current', 'next', null]);
    assert.deepEqual(await published(), [current?.kid, next?.kid]);
    const { code, stdout } = await keys('list');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^\S{43} {2}EdDSA {2}current {2}made \S+Z {2}signs from \S+Z\n\S{43} {2}EdDSA {2}next {5}made \S+Z\n$/,
    );
  });

  test('rotates, and says which key signs and when', async () => {
    const [, next] = await listed();
    const { code, stdout } = await keys('rotate', '--json');
    assert.equal(code, 0);
    const rotation = JSON.parse(stdout) as Omit<Listed, 'state'>;
    assert.equal(rotation.kid, next?.kid);
    assert.ok(Date.parse(rotation.activatesAt ?? '') > Date.now());
    const again = await keys('rotate');
    assert.equal(again.stdout, `${rotation.kid} (EdDSA) signs from ${rotation.activatesAt} on.\n`);
    assert.deepEqual(
      (await listed()).map(({ state }) => state),
      ['current', 'next', 'next'],
    );
  });

  test('revokes with --yes alone where there is no terminal, and the server goes on with the next key', async () => {
    const signUp = { email: 'ada@example.com', password: 'lantern orchid gravel seven', client: 'spa' };
    const signedUp = await call(`${server.url}/auth/sign-up`, 'POST', signUp);
    assert.equal(signedUp.status, 201);
    const { access_token: token } = (await signedUp.json()) as { access_token: string };
    const status = async (bearer: string): Promise<number> =>
      (await fetch(`${server.url}/auth/me`, { headers: { Authorization: `Bearer ${bearer}` } })).status;
    assert.equal(await status(token), 200);
    const [current, next] = await listed();
    const asked = await keys('revoke', current?.kid ?? '');
    assert.equal(asked.code, 1);
    assert.match(asked.stderr, /^latchkey: there is no terminal to ask.*--yes\n$/);
    assert.equal(await status(token), 200);

    const { code, stdout } = await keys('revoke', current?.kid ?? '', '--yes', '--json');
    assert.equal(code, 0);
    const { receipt } = JSON.parse(stdout) as {
      readonly receipt: { readonly followers: object; readonly tokensDeadBy: string };
    };
    assert.deepEqual(Object.keys(receipt.followers), ['confirmed', 'pending']);
    assert.ok(Date.parse(receipt.tokensDeadBy) > Date.now() + 240_000);
    // Asked again until the server has heard of it, which the test's own limit bounds.
    while ((await status(token)) !== 401);
    assert.ok(!(await published()).includes(current?.kid ?? ''));
    const granted = await call(
      `${server.url}/auth/token`,
      'POST',
      { grant_type: 'urn:latchkey:grant:session' },
      cookieOf(signedUp),
    );
    assert.equal(granted.status, 200, 'nobody is signed out');
    const { access_token: fresh } = (await granted.json()) as { access_token: string };
    const header = JSON.parse(Buffer.from(fresh.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string;
    };
    assert.equal(header.kid, next?.kid);
    assert.equal(await status(fresh), 200);
  });

  // A thumbprint may begin like an option.
  for (const kid of ['x'.repeat(43), `-${'x'.repeat(42)}`, '--wrong']) {
    test(`refuses in one line what is no key: ${kid.slice(0, 8)}`, async () => {
      const { code, stderr } = await keys('revoke', kid, '--yes');
      assert.equal(code, 1);
      assert.equal(
        stderr,
        `latchkey: there is no key ${kid}; latchkey keys list shows those that there are\n`,
      );
    });
  }

  test('refuses what is one word too many', async () => {
    const [key] = await listed();
    for (const args of [[key?.kid ?? '', '--yse'], [key?.kid ?? '', 'more', '--yes'], []]) {
      const { code, stderr } = await keys('revoke', ...args);
      assert.notEqual(code, 0);
      assert.match(stderr, /^error: /);
    }
    assert.ok((await listed()).some(({ kid }) => kid === key?.kid));
  });
});
