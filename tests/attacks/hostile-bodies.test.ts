import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { bodyOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import { folder, inside, type Operation, operationsOf, rowsOf, send, statusOf } from './scene.ts';

const FORM = 'application/x-www-form-urlencoded';
const bytes = (...parts: (string | number[])[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat(parts.map((part) => Buffer.from(typeof part === 'string' ? part : Uint8Array.from(part)))),
  );

const GOOD: Readonly<Record<string, string>> = {
  email: 'hostile-new@example.com',
  password: PASSWORD,
  current_password: PASSWORD,
  new_password: 'another good one, quite long',
  name: 'Ada',
  token: 'x',
  client: 'web',
  grant_type: 'refresh_token',
};

/** JSON texts that must be refused, each made from the fields of a route. */
const JSONS: Readonly<Record<string, (fields: readonly string[]) => string | Uint8Array<ArrayBuffer>>> = {
  'nothing but white space': () => '  ',
  'half an object': () => '{"email":',
  'depth of a hundred thousand arrays': () => '['.repeat(30_000),
  'closed depth': (fields) => `{"${fields[0]}":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
  'objects in objects': () => `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`,
  array: () => '[]',
  number: () => '1',
  null: () => 'null',
  string: () => '"x"',
  true: () => 'true',
  'a key twice': (fields) => whole(fields).replace('{', `{"${fields[0]}":"x",`),
  'a key twice, once by escapes': (fields) =>
    whole(fields).replace(
      '{',
      `{"\\u00${(fields[0] ?? '').charCodeAt(0).toString(16)}${(fields[0] ?? '').slice(1)}":"x",`,
    ),
  'an unknown field': (fields) => whole(fields).replace('{', '{"admin":true,'),
  'the key __proto__': (fields) => whole(fields).replace('{', '{"__proto__":{"admin":true},'),
  'an escaped __proto__': (fields) => whole(fields).replace('{', '{"\\u005f_proto__":{"admin":true},'),
  'the key constructor': (fields) =>
    whole(fields).replace('{', '{"constructor":{"prototype":{"admin":true}},'),
  'a byte order mark': (fields) => bytes([0xef, 0xbb, 0xbf], whole(fields)),
  'UTF-16': (fields) => new Uint8Array(Buffer.from(whole(fields), 'utf16le')),
  'bytes that are not UTF-8': (fields) => bytes(`{"${fields[0]}":"`, [0xff, 0xfe], '"}'),
  'an overlong slash': (fields) => bytes(`{"${fields[0]}":"`, [0xc0, 0xaf], '"}'),
  'an encoded surrogate': (fields) => bytes(`{"${fields[0]}":"`, [0xed, 0xa0, 0x80], '"}'),
  'a lone surrogate in a value': (fields) => `{"${fields[0]}":"\\ud800"}`,
  'a lone surrogate in a key': () => '{"\\udc00":1}',
  'a trailing comma': (fields) => whole(fields).replace('}', ',}'),
  'a comment': (fields) => `${whole(fields)}//`,
  'two values': (fields) => `${whole(fields)}{}`,
  NaN: (fields) => `{"${fields[0]}":NaN}`,
};

function whole(fields: readonly string[]): string {
  return JSON.stringify(Object.fromEntries(fields.map((field) => [field, GOOD[field] ?? 'x'])));
}

const FORMS: Readonly<Record<string, (fields: readonly string[]) => string>> = {
  'a field twice': (fields) => `${fields[0]}=a&${fields[0]}=b`,
  'a field twice, once by escapes': (fields) =>
    `${fields[0]}=a&%${(fields[0] ?? '').charCodeAt(0).toString(16)}${(fields[0] ?? '').slice(1)}=b`,
  'a byte that is not UTF-8': (fields) => `${fields[0]}=%ff`,
  'an encoded surrogate': (fields) => `${fields[0]}=%ed%a0%80`,
  'a lone per cent sign': (fields) => `${fields[0]}=100%`,
  'an unfinished escape': (fields) => `${fields[0]}=%4`,
  'an unknown field': (fields) =>
    `${fields.map((field) => `${field}=${encodeURIComponent(GOOD[field] ?? '')}`).join('&')}&admin=1`,
  brackets: (fields) => `${fields[0]}[]=a&${fields[0]}[x]=b`,
  constructor: () => 'constructor=1&__proto__=2&constructor[prototype][admin]=1',
  nothing: () => '',
};

/** What is refused elsewhere by its name, and what an OAuth client may send (RFC 6749 §3.2): it is ignored. */
const IGNORED_BY_OAUTH: ReadonlySet<string> = new Set([
  'an unknown field',
  'the key __proto__',
  'an escaped __proto__',
  'the key constructor',
]);

const WRONG: readonly unknown[] = [
  1,
  0,
  -1,
  1e308,
  true,
  false,
  null,
  [],
  ['x'],
  {},
  { length: 5 },
  { toString: 'x' },
  [[]],
];

describe('bodies that are made to be misread', () => {
  let world: World;
  let place: Awaited<ReturnType<typeof folder>>;
  let cookie: string;
  let rows: string;
  /** What is sent to routes for services. */
  const keys = new Map<string, string>();
  before(async () => {
    place = await folder();
    world = await openWorld({}, sqlite(place.file));
    const visit = world.browser();
    await visit.signUp('hostile@example.com');
    const id = String(inside(await bodyOf(await visit.get('/auth/me')), 'id'));
    // So that what administrators send is looked at as well.
    await world.auth.users.changeRoles(id, { add: ['administrator'] });
    cookie = visit.cookie ?? '';
    const { key } = await world.auth.clients.create({ name: 'orders', audiences: ['orders'] });
    for (const { path, service } of routes()) if (service) keys.set(path, `Bearer ${key.reveal()}`);
    rows = rowsOf(place.file);
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });

  const routes = (): Operation[] =>
    operationsOf(world.auth).filter(({ method, fields }) => method === 'POST' && fields.length > 0);
  const post = (path: string, type: string, body: NonNullable<RequestInit['body']>): Promise<Response> =>
    send(world.auth, path, {
      method: 'POST',
      headers: {
        'Sec-Fetch-Site': 'same-origin',
        'Content-Type': type,
        Cookie: cookie,
        ...(keys.has(path) ? { Authorization: keys.get(path) ?? '' } : {}),
      },
      body,
    });
  const refused = async (
    response: Response,
    what: string,
    statuses: readonly number[] = [400],
  ): Promise<string> => {
    const text = await response.text();
    assert.ok(statuses.includes(response.status), `${what}: ${response.status}`);
    assert.ok(
      !/\bat .*\.ts|\n\s+at |node_modules|node:internal|file:\/\//.test(text),
      `${what} shows a stack`,
    );
    assert.deepEqual(response.headers.getSetCookie(), [], what);
    assert.equal(Reflect.get({}, 'admin'), undefined, 'no prototype was written to');
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('application/')) {
      const problem: unknown = JSON.parse(text);
      if (type === 'application/json') {
        assert.match(String(inside(problem, 'error')), /^[a-z_]+$/, `${what}: RFC 6749 §5.2`);
      } else assert.equal(type, 'application/problem+json', what);
      assert.match(String(inside(problem, 'code')), /^LK_[A-Z_]+$/, what);
      return String(inside(problem, 'code'));
    }
    return '';
  };
  /** Whether a person's form may ask for it, too. */
  const page = (path: string): boolean => !/^\/auth\/(?:admin|feed)\//.test(path);
  const untouched = async (): Promise<void> => {
    assert.equal(rowsOf(place.file), rows, 'no row was written');
    assert.equal(await statusOf(world, cookie), 200);
  };

  /** Answered as if the field that nobody knows were not there. */
  const assertIgnored = async (response: Response, without: Response): Promise<void> => {
    const [body, expected] = [await response.text(), await without.text()];
    assert.deepEqual([response.status, body], [without.status, expected]);
    assert.doesNotMatch(body, /admin|constructor|__proto__/);
    assert.equal(Reflect.get({}, 'admin'), undefined, 'no prototype was written to');
  };

  for (const [what, make] of Object.entries(JSONS)) {
    test(`JSON: ${what} (@incident D1, @asvs 1.5.3, @asvs 15.3.6)`, async () => {
      for (const { path, fields, oauth } of routes()) {
        const response = await post(path, 'application/json', make(fields));
        if (oauth && IGNORED_BY_OAUTH.has(what)) {
          await assertIgnored(response, await post(path, 'application/json', whole(fields)));
        } else assert.equal(await refused(response, path), 'LK_REQUEST_INVALID', path);
      }
      await untouched();
    });
  }

  for (const [what, make] of Object.entries(FORMS)) {
    test(`form: ${what} (@incident D1, @asvs 15.3.7)`, async () => {
      for (const { path, fields, required, oauth } of routes()) {
        // Where nothing is required, an empty form is a good one.
        if (what === 'nothing' && required.length === 0) continue;
        const response = await post(path, FORM, make(fields));
        if (oauth && IGNORED_BY_OAUTH.has(what)) {
          await assertIgnored(response, await post(path, FORM, make(fields).replace('&admin=1', '')));
        } else await refused(response, `${path} ${make(fields)}`, page(path) ? [400, 422] : [415]);
      }
      await untouched();
    });
  }

  test('a value of the wrong type in any field of any route (@incident D1, @asvs 15.3.5)', async () => {
    for (const { path, fields } of routes()) {
      for (const field of fields) {
        for (const value of WRONG) {
          if (value === null && field === 'name') continue;
          // A number is what it takes.
          if (field === 'grace_in' && (value === 0 || value === 1)) continue;
          // A list of none is a list.
          if (Array.isArray(value) && value.length === 0 && field === 'roles') continue;
          const rest = fields.filter((name) => name !== 'client').map((name) => [name, GOOD[name] ?? 'x']);
          const body = JSON.stringify({ ...Object.fromEntries(rest), [field]: value });
          const response = await post(path, 'application/json', body);
          // RFC 7009 §2.1: a server may ignore the hint, and this one never reads it.
          if (field === 'token_type_hint') assert.equal(response.status, 200, body);
          else assert.equal(await refused(response, `${path} ${body}`), 'LK_REQUEST_INVALID');
        }
      }
    }
    await untouched();
  });

  test('an unknown field is refused by its name, and its value is not told (@incident D1, @asvs 15.3.3)', async () => {
    const response = await post(
      '/auth/sign-in',
      'application/json',
      '{"email":"a@example.com","password":"x","role":"told?"}',
    );
    const text = await response.text();
    const problem: unknown = JSON.parse(text);
    assert.deepEqual(inside(problem, 'errors'), [{ field: 'role', reason: 'is no field of this request' }]);
    assert.ok(!text.includes('told?'));
  });

  test('a body of a megabyte, announced or not (@incident D1)', async () => {
    const large = `{"email":"${'x'.repeat(1_000_000)}"}`;
    for (const { path } of routes()) {
      for (const type of ['application/json', FORM, 'text/plain']) {
        assert.ok(
          ['LK_BODY_TOO_LARGE', ''].includes(await refused(await post(path, type, large), path, [413])),
        );
        let sent = 0;
        const chunks = new ReadableStream<Uint8Array>({
          pull: (controller) => {
            sent += 1;
            controller.enqueue(new Uint8Array(16_384).fill(0x20));
            if (sent === 64) controller.close();
          },
        });
        await refused(await post(path, type, chunks), `${path} in chunks`, [413]);
        assert.ok(sent < 10, `${sent} chunks of 16 kB were read`);
      }
    }
    await untouched();
  });

  test('an announced length that is a lie (@incident D1)', async () => {
    for (const length of ['99999999999', '-1', '1e3', 'x', '']) {
      const response = await send(world.auth, '/auth/sign-in', {
        method: 'POST',
        headers: {
          'Sec-Fetch-Site': 'same-origin',
          'Content-Type': 'application/json',
          'Content-Length': length,
        },
        body: '{"email":1}',
      });
      await refused(response, length, [400, 413]);
    }
  });

  test('a query with a field twice, unknown or of the wrong form (@incident D1, @asvs 15.3.7)', async () => {
    const queries = [
      'limit=1&limit=2',
      'limit=0',
      'limit=201',
      'limit=-1',
      'limit=1e1',
      'limit=',
      'limit=%ff',
      'cursor=x',
      'cursor=',
      'admin=1',
      'constructor=1',
      '__proto__=1',
      'limit[]=1',
      '%00=1',
    ];
    for (const query of queries) {
      const response = await send(world.auth, `/auth/sessions?${query}`, { headers: { Cookie: cookie } });
      assert.equal(await refused(response, query), 'LK_REQUEST_INVALID', query);
    }
    for (const query of ['except=all', 'except=', 'except=current&except=current', 'Except=current']) {
      const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' };
      const response = await send(world.auth, `/auth/sessions?${query}`, { method: 'DELETE', headers });
      assert.equal(await refused(response, query), 'LK_REQUEST_INVALID', query);
    }
    await untouched();
  });

  test('a path that is made to be misread (@incident D1)', async () => {
    for (const path of [
      '/auth/sessions/%ff',
      '/auth/sessions/%00',
      '/auth/sessions/a%2fb',
      '/auth//me',
      '/auth/me/',
      '/auth/me%00',
      '/auth/me;x=1',
      '/auth/ME',
      `/auth/${'a'.repeat(10_000)}`,
      '/auth/%2e%2e/x',
    ]) {
      for (const method of ['GET', 'DELETE', 'POST']) {
        const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' };
        await refused(await send(world.auth, path, { method, headers }), `${method} ${path}`, [404, 405]);
      }
    }
    await untouched();
  });
});
