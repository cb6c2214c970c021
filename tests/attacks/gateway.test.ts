import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { type Latchkey, type Store, sqlite } from 'latchkey';
import { clientsOf } from '../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import { failure } from '../../packages/latchkey/src/errors.ts';
import { LEAD } from '../../packages/latchkey/src/tokens/key-schedule.ts';
import { STORES } from '../contract/stores.ts';
import { Gateway, type Original, tokenFor } from '../http/gateway.ts';
import { CLIENTS, Program } from '../http/program.ts';
import { bodyOf, codeOf, ORIGIN, openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';
import { keyOf, kidOf, type NodePair, openPair } from './node-pair.ts';
import { confirmLog, counting, door, overriding, sessionIn } from './scene.ts';

/*
 * What somebody tries who is behind a gateway, in front of it, or beside it.
 */

const LISTED = 'https://app.example.com';

async function edgeOf(auth: Pick<Latchkey, 'handler' | 'clients'>): Promise<Gateway> {
  const { key } = await auth.clients.create({ name: 'edge', audiences: ['orders'] });
  return new Gateway(auth, key.reveal());
}

describe('who is no gateway', () => {
  let world: World;
  let visit: Visit;
  before(async () => {
    world = await openWorld({ clients: CLIENTS });
    visit = world.browser();
    await visit.signUp('ada@example.com');
  });
  after(() => world.auth.close());

  const keys: readonly (readonly [string, () => Promise<string | null>])[] = [
    ['no key', async () => null],
    ['an empty one', async () => ''],
    ['one that is none', async () => 'x'],
    ["somebody's cookie", async () => (visit.cookie ?? '').split('=')[1] ?? ''],
    ['one that nobody has', async () => `lks_${'A'.repeat(22)}.${'A'.repeat(43)}`],
    [
      'two',
      async () => {
        const { key } = await world.auth.clients.create({ name: 'two', audiences: ['orders'] });
        return `${key.reveal()}, ${key.reveal()}`;
      },
    ],
    [
      'one of a client that is disabled',
      async () => {
        const { key } = await world.auth.clients.create({ name: 'disabled', audiences: ['orders'] });
        assert.equal((await new Gateway(world.auth, key.reveal()).ask({ Cookie: visit.cookie })).status, 200);
        await world.auth.clients.disable('disabled');
        return key.reveal();
      },
    ],
    [
      'one that was rotated out',
      async () => {
        const { key } = await world.auth.clients.create({ name: 'rotated', audiences: ['orders'] });
        assert.equal((await new Gateway(world.auth, key.reveal()).ask({ Cookie: visit.cookie })).status, 200);
        await world.auth.clients.rotate('rotated');
        return key.reveal();
      },
    ],
    [
      'one of a client with another audience',
      async () => (await world.auth.clients.create({ name: 'other', audiences: ['billing'] })).key.reveal(),
    ],
  ];
  const showing = async (make: () => Promise<string | null>): Promise<Gateway> =>
    new Gateway(world.auth, await make());
  const cookies = (): readonly (string | null)[] => [visit.cookie, null, `${visit.cookie}; ${visit.cookie}`];
  for (const [title, make] of keys) {
    test(`but shows ${title} learns nothing, by whatever method, and with whatever cookie`, async () => {
      const asked = await showing(make);
      for (const Cookie of cookies()) {
        for (const method of ['GET', 'POST', 'OPTIONS']) {
          const response = await asked.ask(
            { Cookie, Origin: ORIGIN, Accept: 'text/html' },
            undefined,
            method,
          );
          assert.equal(response.status, 403, `${method} ${Cookie}`);
          assert.equal(response.headers.get('authorization'), null);
          assert.equal(response.headers.get('location'), null);
          if (!response.headers.get('content-type')?.startsWith('text/html'))
            assert.equal(await codeOf(response), 'LK_GATEWAY_REFUSED');
        }
      }
    });
  }

  test('gets no answer by OPTIONS that a gateway would take for a yes, from a listed origin neither', async () => {
    const own = await openWorld({ origins: [LISTED] });
    const gateway = await edgeOf(own.auth);
    const preflight = {
      Origin: LISTED,
      'Access-Control-Request-Method': 'POST',
      'X-Forwarded-Method': 'OPTIONS',
    };
    assert.equal((await gateway.ask(preflight, undefined, 'OPTIONS')).status, 401);
    assert.equal((await new Gateway(own.auth, null).ask(preflight, undefined, 'OPTIONS')).status, 403);
    await own.auth.close();
  });
});

describe('a page of another site, behind a gateway', () => {
  let world: World;
  let gateway: Gateway;
  let cookie: string | null;
  let bearer: string;
  before(async () => {
    world = await openWorld({ clients: CLIENTS, origins: [LISTED] });
    gateway = await edgeOf(world.auth);
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    cookie = visit.cookie;
    const program = new Program(world.auth);
    const { refresh } = await program.signUp('bob@example.com');
    bearer = (await program.renewed(refresh, { audience: 'orders' })).access;
  });
  after(() => world.auth.close());

  const EVIL = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  const requests: readonly (readonly [string, Original, number])[] = [
    ['reads by GET', { ...EVIL }, 200],
    ['reads by HEAD', { ...EVIL, 'X-Forwarded-Method': 'HEAD' }, 200],
    ['writes by POST', { ...EVIL, 'X-Forwarded-Method': 'POST' }, 403],
    ['writes by DELETE', { ...EVIL, 'X-Forwarded-Method': 'DELETE' }, 403],
    ['spells its method in another way', { ...EVIL, 'X-Forwarded-Method': 'get' }, 403],
    ['asks by a method that the gateway does not name', { ...EVIL, 'X-Forwarded-Method': null }, 403],
    ['sends the method along', { ...EVIL, 'X-Forwarded-Method': 'POST', 'X-Original-Method': 'GET' }, 403],
    ['sends the other one along', { ...EVIL, 'X-Forwarded-Method': 'GET', 'X-Original-Method': 'POST' }, 403],
    ['has its method added to', { ...EVIL, 'X-Forwarded-Method': 'GET, POST' }, 403],
    ['has no origin', { Origin: 'null', 'X-Forwarded-Method': 'POST' }, 403],
    ['is of the same site', { 'Sec-Fetch-Site': 'same-site', 'X-Forwarded-Method': 'POST' }, 403],
    ['has an older browser', { Origin: 'https://evil.example', 'X-Forwarded-Method': 'POST' }, 403],
    ['sends a form with neither header', { 'Content-Type': 'text/plain', 'X-Forwarded-Method': 'POST' }, 403],
    ['opens a WebSocket', { ...EVIL, 'Sec-WebSocket-Key': 'x' }, 403],
    ['opens one, and the gateway drops its key', { ...EVIL, 'Sec-Fetch-Mode': 'websocket' }, 403],
    ['is a program that opens a WebSocket', { 'Sec-WebSocket-Key': 'x' }, 200],
    ['is our own that opens a WebSocket', { Origin: ORIGIN, 'Sec-WebSocket-Key': 'x' }, 200],
    ['is our own that writes', { Origin: ORIGIN, 'X-Forwarded-Method': 'POST' }, 200],
    ['is a listed one that writes', { ...EVIL, Origin: LISTED, 'X-Forwarded-Method': 'POST' }, 200],
    ['is a program that writes', { 'Content-Type': 'application/json', 'X-Forwarded-Method': 'POST' }, 200],
  ];
  const asked = (original: Original, withToken = false): Promise<Response> =>
    gateway.ask({
      ...original,
      Cookie: cookie,
      ...(withToken ? { Authorization: `Bearer ${bearer}` } : {}),
    });
  for (const [title, original, status] of requests) {
    test(`which ${title} is answered with ${status} (@incident C1)`, async () => {
      const response = await asked(original);
      assert.equal(response.status, status);
      if (status === 403) assert.equal(await codeOf(response), 'LK_ORIGIN_REFUSED');
      // A token is nothing that a browser adds by itself.
      assert.equal((await asked(original, true)).status, 200);
    });
  }

  test('is told by the gateway’s own method, where that takes it over', async () => {
    const said = { ...EVIL, Cookie: cookie, 'X-Forwarded-Method': 'GET' };
    assert.equal((await gateway.ask(said, undefined, 'POST')).status, 403);
    assert.equal((await gateway.ask(said, undefined, 'GET')).status, 200);
  });
});

describe('the token that a gateway hands on', () => {
  test('is paid for once in half a minute, in readings and in signatures (@rule R5)', async () => {
    const counted = counting(sqlite(':memory:'));
    const world = await openWorld({}, counted.store);
    const gateway = await edgeOf(world.auth);
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    const tokens = new Set<string>();
    const before = counted.reads();
    for (let turn = 0; turn < 50; turn += 1) tokens.add(await gateway.token({ Cookie: visit.cookie }));
    assert.equal(tokens.size, 1);
    assert.equal(counted.reads() - before, 2, 'one for the cookie, one for the token');
    await world.auth.close();
  });

  test('is not one whose reading a revocation has overtaken (@rule R5)', async () => {
    const inner = sqlite(':memory:');
    let held: ReturnType<typeof door> | null = null;
    const sessions = overriding(inner.sessions, {
      read: async (id) => {
        const wait = held;
        const reading = await inner.sessions.read(id);
        await wait?.pass();
        return reading;
      },
    });
    const world = await openWorld({}, { ...inner, sessions });
    const gateway = await edgeOf(world.auth);
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    // The cookie is remembered; the reading for the token waits.
    assert.equal((await visit.get('/auth/me')).status, 200);
    const shut = door();
    held = shut;
    const slow = gateway.ask({ Cookie: visit.cookie });
    await shut.reached;
    held = null;
    await world.auth.revoke({ session: sessionIn(visit.cookie) });
    shut.open();
    assert.equal((await slow).status, 401);
    assert.equal((await gateway.ask({ Cookie: visit.cookie })).status, 401);
    await world.auth.close();
  });

  test('for a secret before a rotation is of the old proof, and for nobody else (@rule R11)', async () => {
    const world = await openWorld();
    const gateway = await edgeOf(world.auth);
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    const old = visit.cookie;
    const before = decodeJwt(await gateway.token({ Cookie: old }));
    world.clock.advance(5_000);
    await visit.post('/auth/reauthenticate', { password: PASSWORD });
    const first = await gateway.token({ Cookie: old });
    assert.equal(decodeJwt(first)['auth_time'], before['auth_time']);
    assert.notEqual(await gateway.token({ Cookie: old }), first, 'it is not remembered');
    const now = decodeJwt(await gateway.token({ Cookie: visit.cookie }));
    assert.ok(Number(now['auth_time']) >= Number(before['auth_time']) + 5);
    const unsafe = { Cookie: old, Origin: ORIGIN, 'X-Forwarded-Method': 'POST' };
    assert.equal((await gateway.ask(unsafe)).status, 401);
    world.clock.advance(10_001);
    await confirmLog(world);
    assert.equal((await gateway.ask({ Cookie: old })).status, 401);
    await world.auth.close();
  });

  test('is not signed by another key than the token that it replaces, which may be trusted no more', async () => {
    const pair = await openPair();
    const [node] = pair.nodes;
    const clients = clientsOf(doorOf(() => node.system));
    const { key } = await clients.create({ name: 'edge', audiences: ['orders'] });
    const gateway = new Gateway(
      { handler: (request) => node.system.handle(request, { peer: null }) },
      key.reveal(),
    );
    const { refresh } = await node.program.signUp('ada@example.com');
    await node.keys.rotate();
    pair.clock.advance(LEAD - 60_000);
    const { access, refresh: next } = await node.program.renewed(refresh, { audience: 'orders' });
    const given = { Authorization: `Bearer ${access}` };
    const handed = await gateway.token(given);
    assert.equal(kidOf(handed), kidOf(access));
    assert.notEqual(handed, access);
    // The other key's turn comes while the token is good.
    pair.clock.advance(120_000);
    await node.maintain();
    const newer = await node.program.renewed(next, { audience: 'orders' });
    assert.notEqual(kidOf(newer.access), kidOf(access));
    assert.equal(await gateway.token(given), access, 'it is handed on as it is');
    await node.keys.revoke(kidOf(access));
    assert.equal((await gateway.ask(given)).status, 401);
    assert.equal(await keyOf(node, 'current'), kidOf(newer.access));
    await pair.close();
  });

  test('is outlived by entries and receipts, where nobody was issued any before (@rule R6, @rule R9)', async () => {
    const world = await openWorld({ clients: { web: 'session' } });
    const gateway = await edgeOf(world.auth);
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    const { exp = 0 } = decodeJwt(await gateway.token({ Cookie: visit.cookie }));
    const receipt = await (await world.auth.revoke({ session: sessionIn(visit.cookie) })).details();
    assert.ok(receipt.tokensDeadBy >= exp * 1_000);
    const { entries } = await world.store.log.pull(null, world.clock.now());
    assert.ok((entries.at(-1)?.expiresAt ?? 0) > exp * 1_000);
    await world.auth.close();
  });

  test('is counted with the second that a gateway may remember the answer (@rule R9)', async () => {
    const world = await openWorld({ clients: { web: 'session' }, log: { maxStaleness: '60s' } });
    const { deadline, tokensDeadBy } = await (await world.auth.revoke({ client: 'web' })).details();
    assert.equal(tokensDeadBy, deadline + 1_000);
    await world.auth.close();
  });
});

for (const [name, on] of STORES) {
  describe(`two nodes behind a gateway on ${name}`, () => {
    let pair: NodePair;
    let gateways: readonly [Gateway, Gateway];
    let visit: Visit;
    before(async () => {
      pair = await openPair({ on });
      const { key } = await clientsOf(doorOf(() => pair.nodes[0].system)).create({
        name: 'edge',
        audiences: ['orders'],
      });
      const at = ({ system }: NodePair['nodes'][number]): Gateway =>
        new Gateway({ handler: (request) => system.handle(request, { peer: null }) }, key.reveal());
      gateways = [at(pair.nodes[0]), at(pair.nodes[1])];
    });
    after(() => pair.close());
    let people = 0;
    beforeEach(async () => {
      people += 1;
      visit = pair.nodes[0].browser();
      await visit.signUp(`person-${people}@example.com`);
    });

    /** What both answer, after the second has followed the first. */
    const both = async (original: Original): Promise<readonly Response[]> => {
      const [here, there] = pair.nodes;
      const { seq } = await here.system.rooms.store.log.head();
      while ((there.system.rooms.tail.cursor?.seq ?? 0) < seq) await new Promise(setImmediate);
      return [await gateways[0].ask(original), await gateways[1].ask(original)];
    };

    const endings: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['its owner signs out', () => visit.post('/auth/sign-out')],
      ['its owner ends all sessions', () => visit.delete('/auth/sessions')],
      [
        'its user is disabled',
        async () => {
          const me = await bodyOf(await visit.get('/auth/me'));
          const { rooms } = pair.nodes[0].system;
          await rooms.log.change(async (tables, trust) => {
            const user = (await tables.users.findByEmail(`person-${people}@example.com`))?.id;
            assert.equal(user, me['id']);
            trust.apply('user_disabled', user ?? assert.fail());
          });
        },
      ],
    ];
    const mine = (): Original => ({ Cookie: visit.cookie });
    for (const [title, end] of endings) {
      test(`a remembered token is not handed on any more when ${title} (@rule R3)`, async () => {
        const original = mine();
        for (let turn = 0; turn < 2; turn += 1)
          for (const response of await both(original)) tokenFor(response);
        await end();
        for (const response of await both(original)) assert.equal(response.status, 401);
      });
    }
  });
}

test('a store that is away is answered with 503 by a gateway’s route, never with a token', async () => {
  const inner = sqlite(':memory:');
  let away = false;
  const gone = async (): Promise<never> => {
    throw failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 });
  };
  const store: Store = {
    ...inner,
    sessions: overriding(inner.sessions, { read: (id) => (away ? gone() : inner.sessions.read(id)) }),
    log: overriding(inner.log, { pull: (...given) => (away ? gone() : inner.log.pull(...given)) }),
  };
  const world = await openWorld({}, store);
  const gateway = await edgeOf(world.auth);
  const visit = world.browser();
  await visit.signUp('ada@example.com');
  assert.equal((await gateway.ask({ Cookie: visit.cookie })).status, 200);
  away = true;
  world.clock.advance(20_000);
  const response = await gateway.ask({ Cookie: visit.cookie });
  assert.equal(response.status, 503);
  assert.equal(await codeOf(response), 'LK_STORE_UNAVAILABLE');
  assert.equal(response.headers.get('authorization'), null);
  away = false;
  await world.auth.close();
});
