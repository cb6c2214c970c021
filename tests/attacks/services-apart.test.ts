import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { isFailure, type Store, sqlite } from 'latchkey';
import { clientsOf } from '../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import { Authenticator } from '../../packages/latchkey/src/flows/authenticate.ts';
import { handler } from '../../packages/latchkey/src/http/handler.ts';
import { compose, type System } from '../../packages/latchkey/src/system.ts';
import { Program } from '../http/program.ts';
import { bodyOf, ORIGIN, TEST_SECRET, testClock } from '../http/world.ts';
import { inside, overriding } from './scene.ts';

/*
 * Services beside each other: each has ids and tokens of the others in its hands, and gains
 * nothing by them, not even what became of them.
 */

const OPTIONS = { url: ORIGIN, secret: TEST_SECRET, clients: { web: 'hybrid', mobile: 'jwt' } } as const;
const NAMES = ['orders', 'billing', 'shipping'] as const;
type Name = (typeof NAMES)[number];

/** What was done to answer: readings of the store, and signatures that were verified. */
interface Work {
  readonly reads: string[];
  signatures: number;
}

/** A deployment with three services whose work can be counted. */
async function openServices() {
  const clock = testClock();
  const work: Work = { reads: [], signatures: 0 };
  const counting = <T extends object>(name: string, table: T): T =>
    new Proxy(table, {
      get: (from, method) => {
        const value: unknown = Reflect.get(from, method);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]): unknown => {
          work.reads.push(`${name}.${String(method)}`);
          return Reflect.apply(value, from, given);
        };
      },
    });
  const inner = sqlite(':memory:');
  const store: Store = {
    ...inner,
    sessions: counting('sessions', inner.sessions),
    users: counting('users', inner.users),
    services: counting('services', inner.services),
    signingKeys: counting('signingKeys', inner.signingKeys),
    clients: counting('clients', inner.clients),
  };
  const rate = { attempts: 1_000_000, within: '1m' } as const;
  const system = compose({ ...OPTIONS, throttle: { network: rate, account: rate }, store }, clock);
  await system.ready();
  const clients = clientsOf(doorOf(() => system));
  const keys = new Map<Name, string>();
  for (const name of NAMES) keys.set(name, (await clients.create({ name, audiences: [name] })).key.reveal());
  const signingKeys = overriding(system.rooms.signingKeys, {
    find: (kid) => {
      const found = system.rooms.signingKeys.find(kid);
      if (found === null) return null;
      return {
        ...found,
        get key() {
          work.signatures += 1;
          return found.key;
        },
      };
    },
  });
  const rooms: System['rooms'] = { ...system.rooms, signingKeys };
  const { services, authorizer, forwarder, allowed } = system;
  const authenticator = new Authenticator(rooms);
  const answer = handler({ rooms, authenticator, services, authorizer, forwarder, allowed }, system.ready);
  return {
    system,
    clock,
    clients,
    keys,
    work,
    auth: { handler: (request: Request) => answer(request, { peer: '203.0.113.5' }) },
  };
}

describe('services beside each other', () => {
  let place: Awaited<ReturnType<typeof openServices>>;
  let program: Program;
  /** By what it is: a token of each kind for each audience. */
  let tokens: Map<string, string>;
  before(async () => {
    place = await openServices();
    program = new Program(place.auth);
  });
  after(() => place.system.close());

  const keyOf = (name: Name): string => place.keys.get(name) ?? assert.fail(name);
  const ask = (path: string, name: Name | null, form: Readonly<Record<string, string>>): Promise<Response> =>
    program.send('POST', path, { form, ...(name === null ? {} : { bearer: keyOf(name) }) });
  const textOf = async (response: Response): Promise<string> => {
    const headers = [...response.headers].filter(([header]) => header !== 'x-request-id');
    return JSON.stringify([response.status, headers, await response.text()]);
  };
  const own = async (name: Name, audience: Name): Promise<string> => {
    const response = await ask('/auth/token', name, { grant_type: 'client_credentials', audience });
    return String((await bodyOf(response))['access_token']);
  };
  let people = 0;
  const person = async (): Promise<{ refresh: string; access: string }> => {
    people += 1;
    return await program.signUp(`person-${people}@example.com`);
  };
  const addressed = async (refresh: string, audience: string): Promise<string> =>
    (await program.renewed(refresh, { audience })).access;
  const isActive = async (name: Name, token: string): Promise<boolean> =>
    (await bodyOf(await ask('/auth/introspect', name, { token })))['active'] === true;

  beforeEach(async () => {
    tokens = new Map();
    for (const audience of NAMES) {
      const { refresh } = await person();
      tokens.set(`user:${audience}`, await addressed(refresh, audience));
      for (const name of NAMES)
        if (name !== audience) tokens.set(`${name}:${audience}`, await own(name, audience));
    }
    tokens.set('user:issuer', (await person()).access);
    tokens.set('refresh', (await person()).refresh);
  });

  test('each learns of the tokens for itself alone, by whatever name or id it asks (@incident K9, @asvs 10.3.1)', async () => {
    for (const asking of NAMES) {
      for (const [what, token] of tokens) {
        assert.equal(await isActive(asking, token), what.endsWith(`:${asking}`), `${asking} asks of ${what}`);
      }
      for (const other of NAMES) {
        const ids = [
          keyOf(other),
          `client_${other}`,
          other,
          ...[...tokens.values()].map((token) => String(claimOf(token, 'sid'))),
        ];
        for (const id of ids) assert.equal(await isActive(asking, id), false);
      }
    }
  });

  test('each ends what is addressed to it and what is its own, and nothing of the others (@incident K9, @asvs 10.4.9)', async () => {
    const alive = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const [what, token] of tokens) {
        const audience = NAMES.find((name) => what.endsWith(`:${name}`));
        const is =
          audience === undefined
            ? what === 'refresh' || (await program.status(token)) === 200
            : await isActive(audience, token);
        if (is) found.push(what);
      }
      return found;
    };
    assert.deepEqual(await alive(), [...tokens.keys()]);
    for (const [what, token] of tokens) {
      const [owner = '', audience = ''] = what.split(':');
      const may = (name: Name): boolean => (owner === 'user' ? audience === name : owner === name);
      const before = await alive();
      for (const name of NAMES.filter((each) => !may(each))) {
        const response = await ask('/auth/revoke', name, { token });
        assert.deepEqual(
          [response.status, await bodyOf(response)],
          [200, { receipt: null }],
          `${name} ${what}`,
        );
      }
      assert.deepEqual(await alive(), before, `nobody else ends ${what}`);
      const entitled = NAMES.find(may);
      if (entitled === undefined || !before.includes(what)) continue;
      const { receipt } = await bodyOf(await ask('/auth/revoke', entitled, { token }));
      assert.ok(receipt !== null, what);
      const isEnded = (each: string): boolean =>
        owner === 'user' ? each === what : each.startsWith(`${owner}:`);
      const left = before.filter((each) => !isEnded(each));
      assert.deepEqual(await alive(), left, what);
    }
    assert.equal((await program.refresh(tokens.get('refresh') ?? '')).status, 200);
  });

  test('the receipt of what one revoked is for it, and for nobody else but administrators (@rule R9)', async () => {
    const held = await person();
    const token = await addressed(held.refresh, 'orders');
    const { receipt } = await bodyOf(await ask('/auth/revoke', 'orders', { token }));
    const path = `/auth/receipts/${String(inside(receipt, 'id'))}`;
    const stateFor = async (bearer: string | undefined): Promise<unknown> => {
      const response = await program.send('GET', path, bearer === undefined ? {} : { bearer });
      const body = await bodyOf(response);
      return response.status === 200 ? Object.keys(body) : [response.status, body['code']];
    };
    assert.deepEqual(await stateFor(keyOf('orders')), Object.keys(receipt as object), 'counts, and no names');
    assert.deepEqual(await stateFor(keyOf('billing')), [404, 'LK_NOT_FOUND']);
    assert.deepEqual(await stateFor((await person()).access), [404, 'LK_NOT_FOUND']);
    for (const nobody of [undefined, held.access, `${keyOf('orders')}x`]) {
      assert.deepEqual(await stateFor(nobody), [401, 'LK_UNAUTHENTICATED']);
    }
  });

  test('none acts as another by its name beside a key of its own (@incident K9)', async () => {
    for (const [asking, other] of [
      ['orders', 'billing'],
      ['billing', 'orders'],
    ] as const) {
      const headers = {
        Authorization: `Basic ${Buffer.from(`${other}:${keyOf(asking)}`).toString('base64')}`,
      };
      for (const path of ['/auth/introspect', '/auth/revoke', '/auth/token']) {
        const form = { token: 'x', grant_type: 'client_credentials', audience: 'shipping' };
        assert.equal((await program.send('POST', path, { form, headers })).status, 401, path);
      }
      const form = { grant_type: 'client_credentials', client_id: other, audience: 'shipping' };
      assert.equal((await ask('/auth/token', asking, form)).status, 400);
    }
  });

  const answerOf = async (headers: Headers, audience: string): Promise<string> => {
    try {
      const found = await place.system.authenticator.authenticate(headers, { safe: true, audience });
      return found === null ? 'nobody' : 'good';
    } catch (error) {
      return isFailure(error) ? error.code : String(error);
    }
  };

  test('no token of a service opens another’s door, nor the issuer’s (@incident K9, @asvs 10.3.1)', async () => {
    for (const [what, token] of tokens) {
      if (what === 'refresh') continue;
      for (const audience of [...NAMES, ORIGIN]) {
        const right = what.endsWith(`:${audience === ORIGIN ? 'issuer' : audience}`);
        const headers = new Headers({ Authorization: `Bearer ${token}` });
        assert.equal(
          await answerOf(headers, audience),
          right ? 'good' : 'LK_TOKEN_REFUSED',
          `${what} at ${audience}`,
        );
      }
    }
  });

  /** What a service must not tell apart, each of one shape: of users, and of clients. */
  const dead = async (): Promise<ReadonlyMap<string, readonly (readonly [string, string])[]>> => {
    const user = tokens.get('user:orders') ?? '';
    const client = tokens.get('billing:orders') ?? '';
    const flipped = (token: string): string =>
      token.slice(0, -8) + (token.endsWith('AAAAAAAA') ? 'BBBBBBBA' : 'AAAAAAAA');
    const { access, refresh } = await person();
    const signedOut = await addressed(refresh, 'orders');
    await program.send('POST', '/auth/sign-out', { bearer: access });
    const gone = await person();
    const deleted = await addressed(gone.refresh, 'orders');
    await place.system.rooms.log.change(async (tables, trust) => {
      const id = String(claimOf(deleted, 'sub')) as Parameters<typeof tables.users.remove>[0];
      await tables.users.remove(id);
      trust.apply('user_deleted', id);
    });
    return new Map([
      [
        'a user',
        [
          ['for another audience', tokens.get('user:billing') ?? ''],
          ['for the issuer', tokens.get('user:issuer') ?? ''],
          ['with a bad signature', flipped(user)],
          ['of a session that ended', signedOut],
          ['of a user who was deleted', deleted],
          ['with another payload', withPayload(user, { aud: 'orders', exp: 9_999_999_999 })],
          ['of an unknown key', withHeader(user, { kid: 'A'.repeat(43) })],
          ['of another type', withHeader(user, { typ: 'JWT' })],
          ['of another algorithm', withHeader(user, { alg: 'ES256' })],
          ['garbage', 'x'],
          ['three garbled parts', 'a.b.c'],
          ['a refresh token', tokens.get('refresh') ?? ''],
          ['a key', keyOf('billing')],
          ['too long', 'x'.repeat(4_096)],
        ],
      ],
      [
        'a client',
        [
          ['for another audience', tokens.get('billing:shipping') ?? ''],
          ['with a bad signature', flipped(client)],
          ['of a client that there is not', withPayload(client, { sub: 'client_x', client_id: 'x' })],
        ],
      ],
    ]);
  };

  /** What it takes to answer, besides what it takes to know who asks. */
  const effortOf = async (path: string, token: string): Promise<readonly [string, string]> => {
    // What anybody may know, and once in five seconds at most: an unknown key is looked for.
    await ask(path, 'orders', {
      token: withHeader(tokens.get('user:orders') ?? '', { kid: 'B'.repeat(43) }),
    });
    place.work.reads.length = 0;
    place.work.signatures = 0;
    const answer = await textOf(await ask(path, 'orders', { token }));
    const tables = place.work.reads.map((read) => read.replace(/^(sessions|services)\.read$/, 'row.read'));
    return [answer, `${tables.toSorted().join()} and ${place.work.signatures} signatures`];
  };

  const allAlike = async (path: string): Promise<void> => {
    const client = await dead();
    for (const [kind, cases] of client) {
      const seen = new Map<string, string>();
      for (const [what, token] of cases) {
        const [answer, effort] = await effortOf(path, token);
        seen.set(`${answer} ${effort}`, what);
        const body = path.endsWith('revoke') ? '{\\"receipt\\":null}' : '{\\"active\\":false}';
        assert.ok(answer.includes(body), `${kind} ${what}: ${answer}`);
        assert.equal(seen.size, 1, `${kind} ${what}: ${[...seen].join('\n')}`);
      }
      assert.match([...seen.keys()].join(), /row\.read,signingKeys\.find and 1 signatures/);
    }
    // And one that has expired, all else of it good; the copy of the log is fresh all the while.
    const user = tokens.get('user:orders') ?? '';
    const [garbage] = await effortOf(path, 'x');
    place.clock.advance(301_000);
    await place.system.rooms.tail.catchUp();
    assert.deepEqual(await effortOf(path, user), await effortOf(path, 'x'));
    assert.equal((await effortOf(path, user))[0], garbage);
  };
  test('introspection answers everything that is not good in the same bytes, after the same work (@rfc 7662 §2.2, @incident E1)', () =>
    allAlike('/auth/introspect'));
  test('revocation answers everything that is not good in the same bytes, after the same work (@rfc 7009 §2.2, @incident E1)', () =>
    allAlike('/auth/revoke'));

  test('nobody without a good key is told or ends anything on the back channel (@asvs 10.4.10)', async () => {
    const token = tokens.get('user:orders') ?? '';
    const client = tokens.get('billing:orders') ?? '';
    const bad = [
      {},
      { Authorization: `Bearer ${keyOf('orders').slice(0, -4)}AAAA` },
      { Authorization: `Basic ${Buffer.from(`orders:${keyOf('billing')}`).toString('base64')}` },
      { Authorization: `Basic ${Buffer.from('orders:').toString('base64')}` },
      { Authorization: `Basic ${Buffer.from(`nobody:${keyOf('orders')}`).toString('base64')}` },
    ];
    const answers = new Map<string, Set<string>>();
    for (const headers of bad) {
      const key = 'Authorization' in headers ? (headers.Authorization ?? '').slice(0, 6) : 'none';
      for (const [path, form] of [
        ['/auth/introspect', { token }],
        ['/auth/introspect', { token: 'x' }],
        ['/auth/introspect', {}],
        ['/auth/token', { grant_type: 'client_credentials', audience: 'shipping' }],
        // Who has no key may revoke a token of a user that they hold, and of nobody else.
        ['/auth/revoke', { token: key === 'none' ? client : token }],
      ] as const) {
        const response = await program.send('POST', path, { form, headers });
        assert.equal(response.status, 401, `${path} ${JSON.stringify(headers)}`);
        const challenge = response.headers.get('www-authenticate') ?? '';
        assert.match(challenge, key === 'Basic ' ? /^Basic realm=/ : /^Bearer/);
        assert.deepEqual(inOrder(await bodyOf(response)), ['LK_UNAUTHENTICATED', 'invalid_client']);
        answers.set(key, (answers.get(key) ?? new Set()).add(challenge));
      }
    }
    for (const [key, challenges] of answers) assert.equal(challenges.size, 1, key);
    assert.equal(await isActive('orders', token), true);
    assert.equal(await isActive('orders', client), true);
  });

  test('what its user revokes is worth nothing to the service that holds it (@asvs 10.4.9)', async () => {
    for (const revoke of [
      (held: { access: string; refresh: string }) =>
        program.send('POST', '/auth/revoke', { form: { token: held.refresh } }),
      (held: { access: string; refresh: string }) =>
        program.send('POST', '/auth/revoke', { form: { token: held.access } }),
      (held: { access: string; refresh: string }) =>
        program.send('POST', '/auth/sign-out', { bearer: held.access }),
    ]) {
      const held = await person();
      const token = await addressed(held.refresh, 'orders');
      assert.equal(await isActive('orders', token), true);
      assert.equal((await revoke(held)).status, 200);
      assert.equal(await isActive('orders', token), false);
      assert.equal((await ask('/auth/introspect', 'orders', { token })).status, 200);
    }
    const held = await person();
    const token = await addressed(held.refresh, 'orders');
    assert.equal((await program.send('POST', '/auth/revoke', { form: { token } })).status, 200);
    assert.equal(await isActive('orders', token), false, 'also by the very token that the service holds');
  });
});

const inOrder = (body: Record<string, unknown>): string[] => [String(body['code']), String(body['error'])];

function claimOf(token: string, name: string): unknown {
  try {
    return decodeJwt(token)[name];
  } catch {
    return undefined;
  }
}

function withPart(token: string, at: 0 | 1, changes: object): string {
  const parts = token.split('.');
  const part: unknown = JSON.parse(Buffer.from(parts[at] ?? '', 'base64url').toString());
  parts[at] = Buffer.from(JSON.stringify(Object.assign({}, part, changes))).toString('base64url');
  return parts.join('.');
}
const withHeader = (token: string, changes: object): string => withPart(token, 0, changes);
const withPayload = (token: string, changes: object): string => withPart(token, 1, changes);
