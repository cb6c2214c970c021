import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ConfigError, isFailure, sqlite } from 'latchkey';
import { type Clients, clientsOf } from '../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import { ClientAuthenticator } from '../../packages/latchkey/src/flows/authenticate-client.ts';
import { checkToken, readToken } from '../../packages/latchkey/src/flows/check-token.ts';
import { grantToClient } from '../../packages/latchkey/src/flows/client-credentials.ts';
import { introspect } from '../../packages/latchkey/src/flows/introspect.ts';
import { rotateClientKey } from '../../packages/latchkey/src/flows/service-clients.ts';
import { subjectOf } from '../../packages/latchkey/src/foundation/ids.ts';
import type { System } from '../../packages/latchkey/src/system.ts';
import { STORES } from '../contract/stores.ts';
import { ORIGIN, openWorld } from '../http/world.ts';
import { type NodePair, openPair, withoutHints } from './node-pair.ts';
import { folder, overriding } from './scene.ts';

/*
 * Keys of services: what is good, on which node, from when to when, and that who holds
 * none learns nothing.
 */

const bearer = (key: string): string => `Bearer ${key}`;
const basic = (name: string, key: string): string =>
  `Basic ${Buffer.from(`${name}:${key}`).toString('base64')}`;

/** The name of the client that such an `Authorization` is good for on a node, or the code. */
async function askedAt(
  { services }: Pick<System, 'services'>,
  authorization: string | null,
): Promise<string> {
  try {
    return (await services.authenticate(authorization)).name;
  } catch (error) {
    if (isFailure(error)) return error.code;
    throw error;
  }
}

/** Does something at the first call, and nothing further. */
function onceOnly(act: () => Promise<unknown>): () => Promise<unknown> {
  let done: Promise<unknown> | null = null;
  return () => (done ??= act());
}

/** A body whose first piece is sent at once, and its rest when what is done meanwhile is done. */
function inTwoPieces(text: string, meanwhile: () => Promise<unknown>): ReadableStream<Uint8Array> {
  let isBegun = false;
  return new ReadableStream({
    pull: async (controller) => {
      if (!isBegun) {
        isBegun = true;
        controller.enqueue(Buffer.from(text.slice(0, 1)));
        return;
      }
      await meanwhile();
      controller.enqueue(Buffer.from(text.slice(1)));
      controller.close();
    },
  });
}

const REFUSED = 'LK_KEY_REFUSED';
let names = 0;
const newName = (): string => `service-${(names += 1)}`;

for (const [store, on] of STORES) {
  describe(`keys of services on ${store}, two nodes (@rule R3, @rule R5)`, () => {
    let pair: NodePair;
    let here: System;
    let there: System;
    let clients: Clients;
    let name: string;
    let key: string;

    /** Whether both nodes accept a key, after the second has followed the first. */
    const both = async (authorization: string): Promise<readonly string[]> => {
      const { seq } = await here.rooms.store.log.head();
      while ((there.rooms.tail.cursor?.seq ?? 0) < seq) await new Promise(setImmediate);
      return [await askedAt(here, authorization), await askedAt(there, authorization)];
    };

    before(async () => {
      pair = await openPair({ on });
      [here, there] = [pair.nodes[0].system, pair.nodes[1].system];
      clients = clientsOf(doorOf(() => here));
    });
    after(() => pair.close());
    beforeEach(async () => {
      name = newName();
      key = (await clients.create({ name, audiences: [name] })).key.reveal();
    });

    test('a key is good with Bearer and with Basic, form-encoded or not, whatever the case of the scheme', async () => {
      const encoded = [...key].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
      const good = [
        bearer(key),
        `bearer   ${key}`,
        basic(name, key),
        basic(name.replace('-', '%2D'), encoded),
      ];
      for (const authorization of good) {
        assert.deepEqual(await both(authorization), [name, name], authorization);
        assert.deepEqual(await both(authorization), [name, name], 'remembered');
      }
      assert.match(key, /^lks_[\w-]{22}\.[\w-]{43}$/);
      assert.deepEqual([...(await here.services.authenticate(bearer(key))).audiences], [name]);
    });

    test('a rotated key is good at once and the one before is not, though it was remembered on both nodes', async () => {
      for (const authorization of [bearer(key), basic(name, key)])
        assert.deepEqual(await both(authorization), [name, name]);
      const { key: next, receipt } = await clients.rotate(name);
      assert.equal(await askedAt(here, bearer(key)), REFUSED);
      for (const authorization of [bearer(key), basic(name, key)])
        assert.deepEqual(await both(authorization), [REFUSED, REFUSED]);
      assert.deepEqual(await both(bearer(next.reveal())), [name, name]);
      assert.ok((await receipt.details()).seq > 0);
    });

    test('a key that has a grace is good until it ends, remembered or not, and one rotation without ends all', async () => {
      assert.deepEqual(await both(bearer(key)), [name, name]);
      const { key: second } = await clients.rotate(name, { grace: '1h' });
      assert.deepEqual(await both(bearer(key)), [name, name]);
      assert.deepEqual(await both(bearer(second.reveal())), [name, name]);
      const { key: third } = await clients.rotate(name, { grace: '2h' });
      assert.deepEqual(await both(bearer(key)), [REFUSED, REFUSED], 'one before the last');
      assert.deepEqual(await both(bearer(second.reveal())), [name, name]);
      const { key: fourth } = await clients.rotate(name);
      for (const old of [key, second.reveal(), third.reveal()])
        assert.deepEqual(await both(bearer(old)), [REFUSED, REFUSED]);
      assert.deepEqual(await both(bearer(fourth.reveal())), [name, name]);
    });

    test('a disabled client is refused on both nodes at once, and its key is good again when it is enabled', async () => {
      assert.deepEqual(await both(bearer(key)), [name, name]);
      await clients.disable(name);
      assert.deepEqual(await both(bearer(key)), [REFUSED, REFUSED]);
      const { key: next } = await clients.rotate(name);
      assert.deepEqual(await both(bearer(next.reveal())), [REFUSED, REFUSED]);
      await clients.enable(name);
      assert.deepEqual(await both(bearer(next.reveal())), [name, name]);
      assert.deepEqual(await both(bearer(key)), [REFUSED, REFUSED]);
    });

    test('of two who rotate at once one key is good, and never both', async () => {
      const other = clientsOf(doorOf(() => there));
      const made = await Promise.all([clients.rotate(name), other.rotate(name)]);
      const good = await Promise.all(made.map(({ key: each }) => both(bearer(each.reveal()))));
      assert.deepEqual(good.flat().toSorted(), [REFUSED, REFUSED, name, name]);
    });

    test('everything that ends by name leaves a key, which begins anew', async () => {
      const revoked = here.rooms.log.change(async (_tables, trust) =>
        trust.apply('client_ended', subjectOf('client', name)),
      );
      assert.deepEqual(await both(bearer(key)), [name, name]);
      await revoked;
      assert.deepEqual(await both(bearer(key)), [name, name]);
    });
  });
}

describe('a key of a service', () => {
  let pair: NodePair;
  let here: System;
  let clients: Clients;
  before(async () => {
    pair = await openPair({ second: withoutHints });
    here = pair.nodes[0].system;
    clients = clientsOf(doorOf(() => here));
  });
  after(() => pair.close());

  test('that grace has ended for is refused, though it was remembered a moment before', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: ['a'] });
    await clients.rotate(name, { grace: '1h' });
    // Inside what an answer is remembered for, and the copy is fresh again after each step.
    pair.clock.advance(3_570_000);
    await here.rooms.tail.catchUp();
    assert.equal(await askedAt(here, bearer(key.reveal())), name);
    pair.clock.advance(29_000);
    await here.rooms.tail.catchUp();
    assert.equal(await askedAt(here, bearer(key.reveal())), name);
    pair.clock.advance(1_100);
    await here.rooms.tail.catchUp();
    assert.equal(await askedAt(here, bearer(key.reveal())), REFUSED);
  });

  test('is read once a minute, however often it is asked for, and each time where the copy is not fresh', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: ['a'] });
    let reads = 0;
    const { services } = here.rooms.store;
    const store = overriding(here.rooms.store, {
      services: overriding(services, {
        read: (subject) => {
          reads += 1;
          return services.read(subject);
        },
      }),
    });
    const counting = { services: new ClientAuthenticator({ ...here.rooms, store }) };
    for (let asked = 0; asked < 30; asked += 1)
      assert.equal(await askedAt(counting, bearer(key.reveal())), name);
    assert.equal(reads, 1);
    pair.clock.advance(60_001);
    await here.rooms.tail.catchUp();
    for (let asked = 0; asked < 30; asked += 1)
      assert.equal(await askedAt(counting, bearer(key.reveal())), name);
    assert.equal(reads, 2);
    const blind = { tail: overriding(here.rooms.tail, { check: () => 'unknown' }) };
    const unsure = { services: new ClientAuthenticator({ ...here.rooms, ...blind, store }) };
    for (let asked = 0; asked < 3; asked += 1) await askedAt(unsure, bearer(key.reveal()));
    assert.equal(reads, 5);
  });

  test('that was rotated out gets no token where it is still remembered, for the token would outlive that (@rule R1)', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: ['a'] });
    await clients.create({ name: newName(), audiences: ['b'] });
    // A copy of the log that never hears of anything.
    const deaf = { ...here.rooms, tail: overriding(here.rooms.tail, { check: () => 'ok' }) };
    const services = new ClientAuthenticator(deaf);
    const request = { authorization: bearer(key.reveal()), name: null, audience: 'b' };
    assert.ok((await grantToClient(deaf, services, request)).expiresIn > 0);
    await clients.rotate(name);
    assert.equal(await askedAt({ services }, request.authorization), name, 'it is remembered');
    await assert.rejects(grantToClient(deaf, services, request), { code: REFUSED });
  });

  test('that ends takes its tokens along, also where the copy of the log cannot tell: the row does (@rule R2)', async () => {
    await clients.create({ name: 'reader', audiences: ['reader'] });
    const unsure = overriding(here.rooms.tail, { check: () => 'unknown', isFresh: () => true });
    const rooms = { ...here.rooms, tail: unsure };
    for (const [end, good] of [
      [(name: string) => clients.rotate(name, { grace: '1h' }), true],
      [(name: string) => clients.rotate(name), false],
      [(name: string) => clients.disable(name), false],
    ] as const) {
      const name = newName();
      const { key } = await clients.create({ name, audiences: [name] });
      const request = { authorization: bearer(key.reveal()), name: null, audience: 'reader' };
      const { accessToken } = await grantToClient(here.rooms, here.services, request);
      const token = await readToken(here.rooms, accessToken.reveal(), 'reader');
      assert.equal((await checkToken(rooms, token)).principal.kind, 'client');
      await end(name);
      if (good) assert.equal((await checkToken(rooms, token)).principal.kind, 'client');
      else await assert.rejects(checkToken(rooms, token), { code: 'LK_TOKEN_REVOKED' });
    }
    const name = newName();
    await clients.create({ name, audiences: [name] });
    const { key } = await clients.rotate(name);
    const request = { authorization: bearer(key.reveal()), name: null, audience: 'reader' };
    const { accessToken } = await grantToClient(here.rooms, here.services, request);
    const token = await readToken(here.rooms, accessToken.reveal(), 'reader');
    assert.equal(
      (await checkToken(rooms, token)).principal.kind,
      'client',
      'of the very position of the end',
    );
  });

  test('of a client that is disabled, with no floor beside it, is no good for its tokens either', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: [name] });
    const request = { authorization: bearer(key.reveal()), name: null, audience: 'reader' };
    const { accessToken } = await grantToClient(here.rooms, here.services, request);
    const token = await readToken(here.rooms, accessToken.reveal(), 'reader');
    const rooms = {
      ...here.rooms,
      tail: overriding(here.rooms.tail, { check: () => 'unknown', isFresh: () => true }),
    };
    // As a restore does it, which writes no entry for each.
    await here.rooms.store.clients.disable({ subject: subjectOf('client', name), name }, 1);
    await assert.rejects(checkToken(rooms, token), { code: 'LK_TOKEN_REVOKED' });
  });

  test('makes tokens of which introspection believes the log before the rows, which a failover may have lost', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: [name] });
    const request = { authorization: bearer(key.reveal()), name: null, audience: 'reader' };
    const { accessToken } = await grantToClient(here.rooms, here.services, request);
    const reader = { name: 'reader', subject: subjectOf('client', 'reader'), audiences: new Set(['reader']) };
    const text = accessToken.reveal();
    assert.equal((await introspect(here.rooms, reader, text))?.active, true);
    const knowing = { ...here.rooms, tail: overriding(here.rooms.tail, { check: () => 'revoked' }) };
    assert.equal(await introspect(knowing, reader, text), null);
  });

  /** A node whose readings of services end in what is done meanwhile. */
  const readingWhile = (meanwhile: () => Promise<unknown>): System['rooms'] => {
    const { services } = here.rooms.store;
    const read: typeof services.read = async (subject) => {
      const reading = await services.read(subject);
      await meanwhile();
      await here.rooms.tail.catchUp();
      return reading;
    };
    const listEnabled: typeof services.listEnabled = async () => {
      const listed = await services.listEnabled();
      await meanwhile();
      return listed;
    };
    const store = overriding(here.rooms.store, { services: overriding(services, { read, listEnabled }) });
    return { ...here.rooms, store };
  };

  test('that ends while its row is on its way is refused: what was read before proves nothing (@rule R5)', async () => {
    for (const end of [(name: string) => clients.rotate(name), (name: string) => clients.disable(name)]) {
      const name = newName();
      const { key } = await clients.create({ name, audiences: ['a'] });
      const rooms = readingWhile(onceOnly(() => end(name)));
      assert.equal(
        await askedAt({ services: new ClientAuthenticator(rooms) }, bearer(key.reveal())),
        REFUSED,
      );
    }
  });

  test('whose row takes longer to come than a copy may be trusted is not believed, and no token is made of it (@rule R5)', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: [name] });
    const authorization = bearer(key.reveal());
    const late = readingWhile(async () => pair.clock.advance(5_001));
    assert.equal(
      await askedAt({ services: new ClientAuthenticator(late) }, authorization),
      'LK_STORE_UNAVAILABLE',
    );
    await here.rooms.tail.catchUp();
    const request = { authorization, name: null, audience: 'reader' };
    // Its key is read in time; it is late when it is known whom the token may be for.
    await assert.rejects(grantToClient(late, new ClientAuthenticator(here.rooms), request), {
      code: 'LK_STORE_UNAVAILABLE',
    });
    await here.rooms.tail.catchUp();
    assert.ok((await grantToClient(here.rooms, here.services, request)).expiresIn > 0);
  });

  test('gets no token of a node whose clock is wrong', async () => {
    const name = newName();
    const { key } = await clients.create({ name, audiences: [name] });
    const request = { authorization: bearer(key.reveal()), name: null, audience: 'reader' };
    const wrong = { ...here.rooms, tail: overriding(here.rooms.tail, { isClockRight: () => false }) };
    await assert.rejects(grantToClient(wrong, here.services, request), { code: 'LK_NOT_FRESH' });
  });

  test('that is refused is told of by the name of its client, where there is one', async () => {
    const [name, disabled] = [newName(), newName()];
    const { key } = await clients.create({ name, audiences: ['a'] });
    const { key: off } = await clients.create({ name: disabled, audiences: ['a'] });
    await clients.disable(disabled);
    const secret = (text: string): string => text.slice(text.indexOf('.'));
    const told: unknown[] = [];
    const services = new ClientAuthenticator({ ...here.rooms, emit: (event) => told.push(event) });
    for (const text of [
      key.reveal(),
      key.reveal().replace(secret(key.reveal()), secret(off.reveal())),
      off.reveal(),
      `lks_${subjectOf('client', 'nobody')}${secret(key.reveal())}`,
      'lks_nothing',
    ])
      await askedAt({ services }, bearer(text));
    const refused = { type: 'client_refused', code: REFUSED };
    assert.deepEqual(told, [
      { ...refused, client: name },
      { ...refused, client: disabled },
    ]);
  });

  test('that ends while the body of a request is on its way is refused', async () => {
    const disabling = (name: string) => () => clients.disable(name);
    for (const [path, body] of [
      ['/auth/feed/pull', { epoch: '', tag: 0, after: 0, follower: 'AAAAAAAAAAAAAAAAAAAAAA' }],
      ['/auth/introspect', { token: 'x' }],
      ['/auth/revoke', { token: 'x' }],
    ] as const) {
      const name = newName();
      const { key } = await clients.create({ name, audiences: ['a'] });
      const pieces = inTwoPieces(JSON.stringify(body), disabling(name));
      const headers = { Authorization: bearer(key.reveal()), 'Content-Type': 'application/json' };
      const init = { method: 'POST', headers, body: pieces, duplex: 'half' } as const;
      const response = await here.handle(new Request(`${ORIGIN}${path}`, init), { peer: '203.0.113.20' });
      assert.equal(response.status, 401, path);
    }
  });

  test('that is unknown, wrong or disabled is refused after the same work: one reading', async () => {
    const [name, disabled] = [newName(), newName()];
    const { key } = await clients.create({ name, audiences: ['a'] });
    const { key: off } = await clients.create({ name: disabled, audiences: ['a'] });
    await clients.disable(disabled);
    const { key: gone } = await clients.create({ name: newName(), audiences: ['a'] });
    const secret = (text: string): string => text.slice(text.indexOf('.'));
    const wrong = key.reveal().replace(secret(key.reveal()), secret(off.reveal()));
    const unknown = `lks_${subjectOf('client', 'nobody')}${secret(key.reveal())}`;
    const refused = [
      ['another secret', bearer(wrong)],
      ['an unknown client', bearer(unknown)],
      ['a disabled client', bearer(off.reveal())],
      ['another secret, basic', basic(name, wrong)],
      ['an unknown client, basic', basic('nobody', unknown)],
      ['a disabled client, basic', basic(disabled, off.reveal())],
      ["another's name", basic(name, gone.reveal())],
      ["a name that nobody has, with somebody's key", basic('nobody', key.reveal())],
    ] as const;
    for (const [what, authorization] of refused) {
      const reads: string[] = [];
      const { services } = here.rooms.store;
      const store = overriding(here.rooms.store, {
        services: overriding(services, {
          read: (subject) => {
            reads.push(subject);
            return services.read(subject);
          },
        }),
      });
      const counting = { services: new ClientAuthenticator({ ...here.rooms, store }) };
      for (let asked = 1; asked <= 3; asked += 1) {
        assert.equal(await askedAt(counting, authorization), REFUSED, what);
        assert.equal(reads.length, asked, `${what}: nothing refused is remembered`);
      }
    }
  });

  test('in a form that is none is refused without a look at the store', async () => {
    const { key } = await clients.create({ name: newName(), audiences: ['a'] });
    const text = key.reveal();
    const bad = [
      text,
      `Bearer ${text.slice(0, -1)}`,
      `Bearer ${text}A`,
      `Bearer ${text.toUpperCase()}`,
      `Bearer ${text} `.concat('x'),
      `Basic ${Buffer.from(text).toString('base64')}`,
      `Basic ${Buffer.from('a:%').toString('base64')}`,
      `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}`,
      'Basic',
      'Bearer',
      `Token ${text}`,
      `Bearer lks_${'A'.repeat(100_000)}`,
    ];
    const store = overriding(here.rooms.store, {
      services: overriding(here.rooms.store.services, { read: () => assert.fail('it was read') }),
    });
    const none = { services: new ClientAuthenticator({ ...here.rooms, store }) };
    for (const authorization of bad)
      assert.equal(await askedAt(none, authorization), REFUSED, authorization.slice(0, 60));
    assert.equal(await askedAt(none, null), REFUSED);
    const twice = new Headers({ Authorization: `Bearer ${text}` });
    twice.append('Authorization', `Bearer ${text}`);
    assert.equal(await askedAt(none, twice.get('authorization')), 'LK_CREDENTIALS_AMBIGUOUS');
  });

  test('is at rest as a digest alone', async () => {
    const { key } = await clients.create({ name: newName(), audiences: ['a'] });
    const [, secret = ''] = key.reveal().split('.');
    const listed = JSON.stringify(await here.rooms.store.services.list());
    assert.ok(!listed.includes(secret) && !listed.includes(Buffer.from(secret, 'base64url').toString('hex')));
    assert.doesNotMatch(JSON.stringify({ key }), /lks_/);
  });
});

describe('creating a service', () => {
  let pair: NodePair;
  let clients: Clients;
  before(async () => {
    pair = await openPair();
    clients = clientsOf(doorOf(() => pair.nodes[0].system));
  });
  after(() => pair.close());

  const refusals: readonly (readonly [string, string, readonly string[], string])[] = [
    ['the name of a configured client', 'web', ['a'], 'LK_CLIENT_EXISTS'],
    ['the name of another service', 'taken', ['b'], 'LK_CLIENT_EXISTS'],
    ['an empty name', '', ['a'], 'LK_REQUEST_INVALID'],
    ['a name with a colon', 'a:b', ['a'], 'LK_REQUEST_INVALID'],
    ['a name in upper case', 'Orders', ['a'], 'LK_REQUEST_INVALID'],
    ['a name that is too long', 'a'.repeat(33), ['a'], 'LK_REQUEST_INVALID'],
    ['no audience', 'one', [], 'LK_REQUEST_INVALID'],
    ['an audience with a space', 'one', ['a b'], 'LK_REQUEST_INVALID'],
    ['the issuer as an audience', 'one', ['http://localhost:3000'], 'LK_REQUEST_INVALID'],
    ['too many audiences', 'one', Array.from({ length: 21 }, (_, at) => `a${at}`), 'LK_REQUEST_INVALID'],
  ];
  test('is refused with what names no client and no audience, or somebody else', async () => {
    await clients.create({ name: 'taken', audiences: ['a'] });
    for (const [what, name, audiences, code] of refusals) {
      const refused = (error: unknown): boolean => isFailure(error) && error.code === code;
      await assert.rejects(clients.create({ name, audiences }), refused, what);
    }
    assert.equal((await clients.list()).filter(({ kind }) => kind === 'service').length, 1);
  });

  test('is refused under a name that was disabled and is configured no longer, for what was its is not another’s', async () => {
    const { store } = pair.nodes[0].system.rooms;
    await store.clients.disable({ subject: subjectOf('client', 'retired'), name: 'retired' }, 1);
    await assert.rejects(clients.create({ name: 'retired', audiences: ['a'] }), (error) =>
      isFailure(error, 'LK_CLIENT_EXISTS'),
    );
  });

  test('is not undone by a configuration that gives its name to people: that one does not start', async () => {
    const place = await folder();
    const before = await openWorld({}, sqlite(place.file));
    await before.auth.clients.create({ name: 'billing', audiences: ['a'] });
    await before.auth.close();
    await assert.rejects(
      openWorld({ clients: { web: 'session', billing: 'jwt' } }, sqlite(place.file)),
      (error) => error instanceof ConfigError && /billing/.test(error.message),
    );
    await place.remove();
  });

  test('of a grace that is too long, and of a name that is none, nothing is rotated', async () => {
    await clients.create({ name: 'kept', audiences: ['a'] });
    await assert.rejects(clients.rotate('kept', { grace: '8d' }), (error) =>
      isFailure(error, 'LK_REQUEST_INVALID'),
    );
    for (const grace of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(
        rotateClientKey(pair.nodes[0].system.rooms, { name: 'kept', grace }, null),
        (error) => isFailure(error, 'LK_REQUEST_INVALID'),
      );
    }
    for (const name of ['nobody', 'web'])
      await assert.rejects(clients.rotate(name), (error) => isFailure(error, 'LK_NOT_FOUND'));
    assert.equal((await clients.list()).find(({ name }) => name === 'kept')?.rotatedAt, null);
  });
});
