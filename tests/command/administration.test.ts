import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inside } from '../attacks/scene.ts';
import { PASSWORD } from '../http/world.ts';
import {
  call,
  cookieOf,
  type Ended,
  run,
  startServer,
  type TestServer,
  temporaryFolder,
} from '../server/process.ts';

/** Standard input that says that it is a terminal, as far as a question asks. */
const TERMINAL = `--import=data:text/javascript,${encodeURIComponent(
  'process.stdin.isTTY = true; process.stdin.setRawMode = () => process.stdin;',
)}`;

describe('the command beside a running server', () => {
  const place = temporaryFolder();
  const environment = {
    LATCHKEY_DATA: `${place.path}/data`,
    // The same program starts some eighty times.
    NODE_COMPILE_CACHE: `${place.path}/compiled`,
  };
  let server: TestServer;
  let ada: string;
  let bob: string;
  before(async () => {
    server = await startServer(environment.LATCHKEY_DATA, { LATCHKEY_LOG_LEVEL: 'info' });
    ada = await created('ada@example.com', '--admin', '--name', 'Ada');
    bob = await created('bob@example.com');
  });
  after(async () => {
    await server.end('SIGTERM');
    place.remove();
  });

  const latchkey = (...args: string[]): Promise<Ended> => run(args, environment);
  /** Runs a command that ends well, and answers the one line of JSON that it prints. */
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await latchkey(...args, '--json');
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.match(stdout, /^[^\n]+\n$/, args.join(' '));
    return JSON.parse(stdout);
  };
  const lines = async (...args: string[]): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await latchkey(...args);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    return stdout.trimEnd().split('\n');
  };
  /** Runs a command that is refused, and answers its one line. */
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await latchkey(...args);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, /^latchkey: [^\n]+\n$/, args.join(' '));
    return stderr;
  };
  /** The same of many at once, each refused with a line that says so. */
  const allRefused = async (commands: readonly (readonly string[])[], why: RegExp): Promise<void> => {
    for (const line of await Promise.all(commands.map((args) => refused(...args)))) assert.match(line, why);
  };
  const created = async (email: string, ...options: string[]): Promise<string> => {
    const args = ['users', 'create', email, '--password-stdin', '--json', ...options];
    const { code, stdout } = await run(args, environment, PASSWORD);
    assert.equal(code, 0);
    return String(inside(JSON.parse(stdout), 'id'));
  };
  const signIn = (email: string, client = 'web'): Promise<Response> =>
    call(`${server.url}/auth/sign-in`, 'POST', { email, password: PASSWORD, client });
  const status = async (cookie: string): Promise<number> =>
    (await call(`${server.url}/auth/me`, 'GET', undefined, cookie)).status;
  const signedIn = async (email: string): Promise<string> => {
    const response = await signIn(email);
    assert.equal(response.status, 200);
    return cookieOf(response);
  };
  const clientsNow = async (): Promise<readonly unknown[]> => {
    const items = inside(await json('clients', 'list'), 'items');
    assert.ok(Array.isArray(items));
    return items.map((item: unknown) => item);
  };
  const follower = async (): Promise<string> => {
    const items = inside(await json('followers'), 'items');
    assert.ok(Array.isArray(items));
    return String(
      inside(
        items.find((item: unknown) => inside(item, 'self') === false),
        'name',
      ),
    );
  };

  test('lists users, and those who are searched for, in pages', async () => {
    const [first = '', second = '', ...rest] = await lines('users', 'list');
    assert.match(first, new RegExp(`^${ada} +ada@example\\.com +Ada +administrator$`));
    assert.match(second, new RegExp(`^${bob} +bob@example\\.com$`));
    assert.deepEqual(rest, []);
    const page = await json('users', 'list', '--limit', '1');
    assert.equal(inside(page, 'next'), ada);
    assert.match(String(inside(page, 'items', 0, 'createdAt')), /^\d{4}-.*Z$/);
    const next = await json('users', 'list', '--limit', '1', '--cursor', ada);
    assert.deepEqual([inside(next, 'items', 0, 'id'), inside(next, 'next')], [bob, null]);
    assert.match((await lines('users', 'list', '--limit', '1'))[1] ?? '', new RegExp(`add --cursor ${ada}$`));
    assert.deepEqual(await lines('users', 'list', 'BO'), [second.replace(/ +/g, '  ')]);
    assert.deepEqual(await lines('users', 'list', '%'), ['There is none.']);
    const wrong = [
      ['--limit', '0'],
      ['--limit', 'x'],
      ['--limit', '201'],
      ['--cursor', 'x'],
    ];
    await allRefused(
      wrong.map((args) => ['users', 'list', ...args]),
      /--(limit|cursor) takes/,
    );
  });

  test('ends at once what a user holds at the server, who then cannot sign in, and says who has confirmed', async () => {
    const cookie = await signedIn('bob@example.com');
    assert.equal(await status(cookie), 200);
    const [done, confirmed = ''] = await lines('users', 'disable', 'BOB@example.com', '--yes');
    assert.equal(done, 'Disabled bob@example.com.');
    assert.equal(confirmed, `Confirmed by all who follow the log: ${await follower()}. It is certain.`);
    assert.equal(await status(cookie), 401);
    assert.equal((await signIn('bob@example.com')).status, 401);
    assert.match((await lines('users', 'list', 'bob'))[0] ?? '', / disabled \d{4}-.*Z$/);
    assert.deepEqual(await lines('users', 'enable', bob), ['bob@example.com may sign in again.']);
    assert.equal(await status(cookie), 401, 'nothing came back');
    assert.equal(await status(await signedIn('bob@example.com')), 200);
  });

  const asking: readonly (readonly string[])[] = [
    ['users', 'disable', 'bob@example.com'],
    ['users', 'delete', 'bob@example.com'],
    ['sessions', 'end', 'AZr4k2mXcQqk3yT0v8FhXw'],
    ['clients', 'disable', 'web'],
    ['clients', 'disable', 'orders'],
    ['clients', 'rotate', 'orders'],
    ['revoke', '--user', 'bob@example.com'],
    ['revoke', '--session', 'AZr4k2mXcQqk3yT0v8FhXw'],
    ['revoke', '--client', 'web'],
    ['revoke', '--all'],
  ];
  const introspects = async (key: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/x-www-form-urlencoded' };
    const response = await fetch(`${server.url}/auth/introspect`, {
      method: 'POST',
      headers,
      body: 'token=x',
    });
    return response.status;
  };

  test('creates services, prints their keys once, rotates, disables and enables them at the server', async () => {
    const [said = '', key = '', ...more] = await lines(
      'clients',
      'create',
      'orders',
      '--audience',
      'orders',
      '--audience',
      'o2',
    );
    assert.match(said, /^orders may ask with this key, which is shown once:$/);
    assert.deepEqual(more, []);
    assert.equal(await introspects(key), 200);
    const listed = await lines('clients', 'list');
    assert.ok(
      listed.some((line) => /^orders +service for orders, o2/.test(line)),
      listed.join('\n'),
    );
    assert.ok(!listed.join().includes('lks_'));
    const made = await json('clients', 'create', 'billing', '--audience', 'billing');
    assert.equal(await introspects(String(inside(made, 'key'))), 200);
    const graced = await json('clients', 'rotate', 'orders', '--grace', '1h', '--yes');
    const second = String(inside(graced, 'key'));
    const service = (await clientsNow()).find((item) => inside(item, 'name') === 'orders');
    const rotatedAt = inside(service, 'rotatedAt');
    assert.match(String(rotatedAt), /^\d{4}-.*Z$/);
    const hourLater = new Date(Date.parse(String(rotatedAt)) + 3_600_000).toISOString();
    assert.equal(inside(graced, 'previousUntil'), hourLater);
    assert.deepEqual([await introspects(key), await introspects(second)], [200, 200]);
    const [, third = '', done, confirmed = ''] = await lines('clients', 'rotate', 'orders', '--yes');
    assert.equal(done, 'Rotated the key of orders.');
    assert.match(confirmed, /^Confirmed by all who follow the log/);
    assert.deepEqual(await Promise.all([key, second, third].map(introspects)), [401, 401, 200]);
    assert.equal((await lines('clients', 'disable', 'orders', '--yes'))[0], 'Disabled orders.');
    assert.equal(await introspects(third), 401);
    const [warned, fourth = '', ...rest] = await lines(
      'clients',
      'rotate',
      'orders',
      '--grace',
      '2h',
      '--yes',
    );
    assert.equal(
      warned,
      'orders is disabled; after latchkey clients enable orders it may ask with this key, which is shown once:',
    );
    assert.equal(rest[0], 'Rotated the key of orders.');
    assert.match(
      rest[1] ?? '',
      /^The key before stays good until \d{4}-.*Z; any that had a grace has ended\.$/,
    );
    assert.equal(rest.length, 2, 'nothing of how far an end has come: none has been asked for');
    assert.equal(await introspects(fourth), 401);
    assert.deepEqual(await lines('clients', 'enable', 'orders'), ['orders may be used again.']);
    assert.equal(await introspects(third), 200);
    assert.match(
      await refused('clients', 'create', 'orders', '--audience', 'x'),
      /there is a client "orders" already: choose another name, or .*: latchkey clients rotate orders$/m,
    );
    assert.match(
      await refused('clients', 'create', 'web', '--audience', 'x'),
      /there is a client "web" already: choose another name$/m,
    );
    assert.match(
      await refused('revoke', '--client', 'orders', '--yes'),
      /orders is a service: latchkey clients rotate orders .* latchkey clients disable orders/,
    );
    assert.match(
      await refused('clients', 'create', 'Orders', '--audience', 'x'),
      /name must be lower-case letters/,
    );
    assert.match(
      await refused('clients', 'create', 'x', '--audience', 'a b'),
      /--audience has one that is not/,
    );
    assert.match(await refused('clients', 'rotate', 'web', '--yes'), /there is no service "web"/);
    assert.match(
      await refused('clients', 'rotate', 'orders', '--grace', 'soon', '--yes'),
      /--grace takes a number/,
    );
    assert.match(
      await refused('clients', 'rotate', 'orders', '--grace', '8d', '--yes'),
      /--grace must be 7 days at most/,
    );
  });

  test('does nothing that ends something unless it was asked and somebody said yes', async () => {
    const cookie = await signedIn('bob@example.com');
    await allRefused(asking, /there is no terminal to ask; if you mean it, add --yes/);
    assert.equal(await status(cookie), 200);
    const answer = (keys: string, ...args: string[]): Promise<Ended> =>
      run(args, { ...environment, NODE_OPTIONS: TERMINAL }, keys);
    const no = await answer('n', 'users', 'disable', 'bob@example.com', '--json');
    assert.deepEqual([no.code, no.stdout], [1, '']);
    assert.match(no.stderr, /Disable bob@example\.com\? \d+ sessions will end, and they cannot sign in\./);
    assert.match(no.stderr, /latchkey: cancelled; nothing was changed\n$/);
    const enter = await answer('\r', 'revoke', '--all');
    assert.equal(enter.code, 1, 'who only presses Enter has not said yes');
    assert.equal(await status(cookie), 200);
    const yes = await answer('y', 'revoke', '--user', bob, '--json');
    assert.equal(yes.code, 0, yes.stderr);
    assert.equal(
      inside(JSON.parse(yes.stdout), 'receipt', 'settled'),
      true,
      'the question is not in the answer',
    );
    assert.equal(await status(cookie), 401);
  });

  test('keeps the last administrator', async () => {
    const commands = [
      ['users', 'disable', ada, '--yes'],
      ['users', 'delete', 'ada@example.com', '--yes'],
      ['users', 'roles', 'ada@example.com', '--remove', 'administrator'],
    ];
    await allRefused(commands, /would lock out who administers \(LK_LOCKOUT\)/);
  });

  test('lists sessions with whose they are, and ends one', async () => {
    const [mine, other] = [await signedIn('bob@example.com'), await signedIn('ada@example.com')];
    const own = inside(await json('sessions', 'list', '--user', 'bob@example.com'), 'items');
    assert.ok(Array.isArray(own) && own.length === 1);
    const id = String(inside(own, 0, 'id'));
    assert.deepEqual(inside(own, 0, 'user'), { id: bob, email: 'bob@example.com' });
    const all = await lines('sessions', 'list');
    assert.ok(all.some((line) => line.startsWith(`${id}  bob@example.com  web  since `)));
    assert.ok(all.some((line) => line.includes('  ada@example.com  ')));
    assert.deepEqual(await lines('sessions', 'list', '--client', 'mobile'), ['There is none.']);
    assert.equal((await lines('sessions', 'end', id, '--yes'))[0], `Ended ${id}.`);
    assert.deepEqual([await status(mine), await status(other)], [401, 200]);
    assert.match(await refused('sessions', 'end', id, '--yes'), /no living session has the id/);
    assert.match(await refused('sessions', 'list', '--user', ada, '--client', 'web'), /do not go together/);
  });

  test('disables a client at the server, and enables it', async () => {
    const cookie = await signedIn('bob@example.com');
    const receipt = await json('clients', 'disable', 'web', '--yes');
    assert.deepEqual(inside(receipt, 'receipt', 'followers'), { confirmed: 2, pending: 0 });
    assert.equal(await status(cookie), 401);
    assert.equal((await signIn('bob@example.com')).status, 400);
    assert.match((await lines('clients', 'list'))[0] ?? '', /^web +session +disabled /);
    assert.deepEqual(await lines('clients', 'enable', 'web'), ['web may be used again.']);
    assert.equal(await status(cookie), 401);
    assert.equal(await status(await signedIn('bob@example.com')), 200);
    assert.deepEqual(inside(await json('clients', 'list'), 'items', 0), {
      name: 'web',
      kind: 'configured',
      mode: 'session',
      audiences: [],
      createdAt: null,
      rotatedAt: null,
      disabledAt: null,
    });
    await allRefused(
      ['enable', 'disable'].map((verb) => ['clients', verb, 'wbe']),
      /there is no client "wbe"/,
    );
  });

  test('revokes exactly one thing, that there is', async () => {
    const [mine, other] = [await signedIn('bob@example.com'), await signedIn('ada@example.com')];
    const revoke = (args: readonly string[]): readonly string[] => ['revoke', ...args, '--yes'];
    const vague = [[], ['--all', '--user', bob], ['--reason', 'x']];
    await allRefused(vague.map(revoke), /name exactly one of/);
    const nobody = [
      ['--user', 'nobody@example.com'],
      ['--user', 'nobody'],
      ['--client', 'wbe'],
      ['--session', 'x'],
    ];
    await allRefused(nobody.map(revoke), /latchkey: (no user|there is no|"x" is)/);
    assert.deepEqual([await status(mine), await status(other)], [200, 200]);
    const [done] = await lines('revoke', '--user', 'bob@example.com', '--reason', 'lost', '--yes');
    assert.equal(done, 'Ended all sessions of bob@example.com.');
    assert.deepEqual([await status(mine), await status(other)], [401, 200]);
    assert.equal(
      (await lines('revoke', '--client', 'web', '--yes'))[0],
      'Ended all that was given out through web.',
    );
    assert.equal(await status(other), 401);
    const again = await signedIn('ada@example.com');
    assert.equal((await lines('revoke', '--all', '--yes'))[0], 'Ended everything.');
    assert.equal(await status(again), 401);
  });

  test('gives and takes roles, unlocks, and deletes', async () => {
    assert.deepEqual(await lines('users', 'roles', bob), ['bob@example.com: no roles']);
    assert.deepEqual(await json('users', 'roles', bob, '--add', 'administrator'), {
      id: bob,
      email: 'bob@example.com',
      roles: ['administrator'],
    });
    assert.match(await refused('users', 'roles', bob, '--add', 'owner'), /roles knows no "owner"/);
    assert.deepEqual(await json('users', 'unlock', bob), { id: bob, email: 'bob@example.com' });
    const cookie = await signedIn('bob@example.com');
    assert.equal((await lines('users', 'delete', bob, '--yes'))[0], 'Deleted bob@example.com.');
    assert.equal(await status(cookie), 401);
    const verbs = ['disable', 'enable', 'delete', 'roles', 'unlock'];
    await allRefused(
      verbs.map((verb) => ['users', verb, bob]),
      /no user has the id/,
    );
  });

  test('shows who follows the log', async () => {
    const name = await follower();
    assert.match(name, / \d+$/, 'with the number of its process');
    const [server, head] = await lines('followers');
    const ids = inside(await json('followers'), 'items');
    assert.ok(Array.isArray(ids));
    const id = String(
      inside(
        ids.find((item) => inside(item, 'name') === name),
        'id',
      ),
    );
    assert.ok(server?.startsWith(`${name}  ${id.slice(-8)}  at `));
    assert.match(head ?? '', /^The log stands at \d+\.$/);
  });

  // The last, since nobody pulls for these processes again and receipts wait for them.
  test('tells the processes of one service apart, and names them once in a receipt', async () => {
    const key = String(inside(await json('clients', 'create', 'stock', '--audience', 'stock'), 'key'));
    const ids = ['AAAAAAAAAAAAAAABBBBBBQ', 'AAAAAAAAAAAAAAACCCCCCQ'];
    for (const follower of ids) {
      const response = await fetch(`${server.url}/auth/feed/pull`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ epoch: '', tag: 0, after: 0, follower }),
      });
      assert.equal(response.status, 200);
    }
    const shown = (await lines('followers')).filter((line) => line.startsWith('stock '));
    assert.deepEqual(
      shown.map((line) => line.split(/ {2,}/)[1] ?? '').toSorted((a, b) => a.localeCompare(b)),
      ids.map((id) => id.slice(-8)),
    );
    const [, standing = ''] = await lines('revoke', '--all', '--yes');
    assert.match(standing, /^Confirmed by .*; not by stock \(2 processes\)\. It is certain from .* on\.$/);
  });
});
