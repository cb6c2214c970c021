import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Entry, feedSubject, KIND_CODES, SCOPE_CODES } from '@latchkey/verify';
import type { Store } from 'latchkey';
import { type Clients, clientsOf } from '../../packages/latchkey/src/clients.ts';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import type { System } from '../../packages/latchkey/src/system.ts';
import { type NodePair, openPair } from '../attacks/node-pair.ts';
import { STORES } from '../contract/stores.ts';
import { codeOf } from '../http/world.ts';
import { type Ask, type FeedLine, followerId, Service, SNAPSHOT } from './service.ts';

const HERE = '203.0.113.20';
const askOf =
  (system: System): Ask =>
  (request) =>
    system.handle(request, { peer: HERE });

/** Waits until a node has come as far as the log. */
async function caughtUp({ rooms: { store, tail } }: System): Promise<void> {
  const { seq } = await store.log.head();
  while ((tail.cursor?.seq ?? 0) < seq) await tail.catchUp();
}

/** Holds up what a node asks the log, as a database that hangs does, until what it returns is called. */
function stall({ rooms: { log } }: System): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const pull = log.pull.bind(log);
  Object.assign(log, {
    pull: (...question: Parameters<typeof pull>) => promise.then(() => pull(...question)),
  });
  return () => {
    Object.assign(log, { pull });
    resolve();
  };
}

for (const [name, on] of STORES) {
  describe(`the feed on ${name}, two nodes (@rule R4, @rule R8, @rule R9, @rule R12)`, () => {
    let pair: NodePair;
    let here: System;
    let there: System;
    let clients: Clients;
    let key: string;
    const revokeSession = async (session = followerId()): Promise<string> => {
      await here.rooms.log.change(async (_tables, trust) => trust.apply('session_ended', session as never));
      return session;
    };

    before(async () => {
      pair = await openPair({ on });
      [here, there] = [pair.nodes[0].system, pair.nodes[1].system];
      clients = clientsOf(doorOf(() => here));
      key = (await clients.create({ name: 'orders', audiences: ['orders'] })).key.reveal();
      await caughtUp(there);
    });
    after(() => pair.close());

    test('without a cursor there is a salt, and nothing that confirms or acknowledges', async () => {
      const service = new Service(askOf(here), key);
      const answer = await service.pull();
      assert.equal(answer.entries, null);
      assert.match(answer.salt, /^[\w-]{22}$/);
      const known = here.rooms.remote.list(0).find(({ id }) => id === service.follower);
      assert.equal(known?.acknowledged, 0);
    });

    test('who has loaded the snapshot goes on from there, entry by entry, on either node', async () => {
      const service = new Service(askOf(here), key);
      const ended = await revokeSession();
      await caughtUp(here);
      const snapshot = await service.load();
      const salt = snapshot.salt;
      const subject = Buffer.from(feedSubject(salt, 'session', ended), 'base64url');
      const entry = snapshot.entries.find((each) => each.subject.equals(subject));
      assert.ok(entry !== undefined);
      assert.deepEqual([entry.kind, entry.scope], [KIND_CODES.revoke, SCOPE_CODES.session]);
      assert.deepEqual((await service.pull()).entries, []);
      for (const system of [here, there, here]) {
        const next = await revokeSession();
        await caughtUp(system);
        const moved = new Service(askOf(system), key, service.follower);
        moved.cursor = service.cursor;
        const { entries, salt: told, epoch_start: start, max_staleness_ms: staleness } = await moved.pull();
        assert.equal(told, salt.toString('base64url'), 'one salt for all nodes');
        assert.deepEqual(
          entries?.map(([, ...rest]) => rest.slice(0, 3)),
          [['revoke', 'session', feedSubject(salt, 'session', next)]],
        );
        assert.equal(start, snapshot.epochStart);
        assert.equal(staleness, 5_000);
        service.cursor = moved.cursor;
      }
    });

    test('who comes from a node that has heard more is answered from there on, not from before', async () => {
      const service = new Service(askOf(here), key);
      await service.begin();
      await revokeSession();
      await service.pull();
      // The other node may not have pulled since.
      const moved = new Service(askOf(there), key, service.follower);
      moved.cursor = service.cursor;
      const { entries, head } = await moved.pull();
      assert.deepEqual(entries, []);
      assert.ok(head >= service.cursor.after);
    });

    test('what a node has only heard of is asked for before it answers: by a hint, or by a cursor ahead of its own', async () => {
      let tell: Parameters<Store['onHint']>[0] = () => undefined;
      const silent = (store: Store): Store => ({
        ...store,
        onHint: (listener) => {
          tell = listener;
          return () => undefined;
        },
      });
      const behind = await openPair({ on, second: silent });
      const [first, second] = [behind.nodes[0].system, behind.nodes[1].system];
      const made = await clientsOf(doorOf(() => first)).create({ name: 'orders', audiences: ['orders'] });
      const revoke = async (subject: string): Promise<Entry> => {
        const { cursor } = await first.rooms.log.change(async (_tables, trust) =>
          trust.apply('session_ended', subject as never),
        );
        assert.ok(cursor !== null);
        const expiresAt = behind.clock.now() + 900_000;
        return { seq: cursor.seq, kind: 'revoke', scope: 'session', subject, expiresAt };
      };
      await revoke(followerId());
      await caughtUp(second);
      const service = new Service(askOf(first), made.key.reveal());
      const moved = new Service(askOf(second), made.key.reveal(), service.follower);
      for (const each of [service, moved]) await each.begin();
      // Its own timer must not be what brings it.
      await second.rooms.tail.stop();
      await second.rooms.tail.start();
      const hinted = await revoke(followerId());
      tell([hinted], false);
      const { entries: told } = await moved.pull();
      assert.deepEqual(
        told?.map(([position]) => position),
        [hinted.seq],
      );
      const { seq } = await revoke(followerId());
      for (let pulls = 0; pulls < 2; pulls += 1) await service.pull();
      moved.cursor = service.cursor;
      const { head, entries } = await moved.pull();
      assert.deepEqual([head, entries], [seq, []]);
      await behind.close();
    });

    test('a cursor of another history, with another tag or above the head loads the whole', async () => {
      const service = new Service(askOf(here), key);
      await service.begin();
      const good = service.cursor;
      await service.pull();
      for (const wrong of [
        { ...good, epoch: 'AAAAAAAAAAAAAAAAAAAAAA' },
        { ...good, tag: good.tag + 1 },
        { ...good, after: good.after - 1 },
        { ...good, after: good.after + 1 },
        { ...good, after: Number.MAX_SAFE_INTEGER, tag: Number.MAX_SAFE_INTEGER },
      ]) {
        service.cursor = wrong;
        assert.equal((await service.pull()).entries, null, JSON.stringify(wrong));
      }
      const acknowledged = here.rooms.remote.list(0).find(({ id }) => id === service.follower)?.acknowledged;
      assert.equal(acknowledged, good.after, 'nothing above what was is acknowledged');
    });

    test('a hint comes with the commit on either node, and a pull that is sent after it brings it', async () => {
      const services = [new Service(askOf(here), key), new Service(askOf(there), key)] as const;
      for (const service of services) await service.begin();
      const streams = [await services[0].listen(), await services[1].listen()] as const;
      for (const stream of streams) assert.equal(await stream.next(), 'retry: 1000\n: open');
      await revokeSession();
      const hints: (FeedLine | null)[] = [];
      for (const [index, service] of services.entries()) {
        hints.push((await streams[index]?.entry()) ?? null);
        assert.deepEqual((await service.pull()).entries, [hints.at(-1)]);
      }
      assert.deepEqual(hints[0], hints[1]);
      await revokeSession();
      // The pull has told of the first as well, of which the hint had told.
      for (const stream of streams) assert.equal((await stream.entry())?.[0], (hints[0]?.[0] ?? 0) + 1);
      for (const stream of streams) await stream.close();
      for (const { rooms } of [here, there]) assert.equal(rooms.feed.streams, 0);
    });

    test('what was missed goes first, asked for by either name; what the client last saw counts', async () => {
      const service = new Service(askOf(here), key);
      const { head } = await service.begin();
      await revokeSession();
      await revokeSession();
      await caughtUp(here);
      for (const [query, headers, expected] of [
        [`?after=${head}`, {}, head + 1],
        ['', { 'Last-Event-ID': String(head) }, head + 1],
        [`?after=${head}`, { 'Last-Event-ID': String(head + 1) }, head + 2],
      ] as const) {
        const stream = await service.listen(query, headers);
        assert.equal((await stream.entry())?.[0], expected);
        await stream.close();
      }
    });

    test('a node that cannot tell how old its copy is vouches for nothing, and ends its streams', async () => {
      const service = new Service(askOf(there), key);
      await service.begin();
      const stream = await service.listen();
      const goOn = stall(there);
      pair.clock.advance(5_001);
      await stream.ended();
      const followers = there.rooms.remote.size;
      for (const response of [
        await service.post(),
        await new Service(askOf(there), key).post(),
        await service.send('GET', '/auth/feed'),
        await service.send('GET', '/auth/feed/snapshot', {
          headers: { Accept: 'application/vnd.latchkey.revlog' },
        }),
      ]) {
        assert.equal(response.status, 503);
        assert.equal(response.headers.get('retry-after'), '1');
        assert.equal(await codeOf(response), 'LK_NOT_FRESH');
      }
      assert.equal(there.rooms.remote.size, followers, 'nobody begins to follow through it');
      goOn();
      await there.rooms.tail.catchUp();
      assert.notEqual((await service.pull()).entries, null);
    });

    test('the age of an answer is that of the copy, as it is written', async () => {
      const service = new Service(askOf(there), key);
      await service.begin();
      const goOn = stall(there);
      pair.clock.advance(3_000);
      const { age_ms: age } = await service.pull();
      assert.ok(age >= 3_000 && age < 5_000, String(age));
      goOn();
    });

    test('a new history ends streams and loads the whole, and its salt is the one of the store', async () => {
      const service = new Service(askOf(here), key);
      const before = await service.begin();
      const stream = await service.listen();
      await here.rooms.store.meta.put('feed_salt', Buffer.alloc(16, 7).toString('base64url'));
      const { epoch } = await here.rooms.store.log.head();
      await here.rooms.store.transaction(async (tables) => {
        await tables.log.beginEpoch(epoch, 'failover', pair.clock.now());
      });
      await here.rooms.tail.catchUp();
      await stream.ended();
      const answer = await service.pull();
      assert.equal(answer.entries, null);
      assert.notEqual(answer.salt, before.salt);
      assert.ok(answer.epoch_start > before.head);
      const snapshot = await service.load();
      assert.deepEqual(snapshot.salt, Buffer.alloc(16, 7));
      assert.equal(snapshot.epoch, answer.epoch);
      assert.deepEqual((await service.pull()).entries, []);
    });

    test('a snapshot has the salt of its own history, though another begins while it is asked for', async () => {
      const { store, tail } = here.rooms;
      const begin = async (salt: Buffer): Promise<void> => {
        await store.meta.put('feed_salt', salt.toString('base64url'));
        const { epoch } = await store.log.head();
        await store.transaction(async (tables) => {
          await tables.log.beginEpoch(epoch, 'failover', pair.clock.now());
        });
        await tail.catchUp();
      };
      const service = new Service(askOf(here), key);
      await begin(Buffer.alloc(16, 8));
      const { meta } = store;
      const putOnce = meta.putOnce.bind(meta);
      const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      // A database that answers late.
      meta.putOnce = async (...fields) => {
        const text = await putOnce(...fields);
        asked.resolve();
        await held.promise;
        return text;
      };
      const loading = service.send('GET', '/auth/feed/snapshot', { headers: { Accept: SNAPSHOT } });
      await asked.promise;
      await begin(Buffer.alloc(16, 6));
      meta.putOnce = putOnce;
      held.resolve();
      const response = await loading;
      assert.equal(response.status, 503);
      assert.equal(await codeOf(response), 'LK_NOT_FRESH');
      assert.deepEqual((await service.load()).salt, Buffer.alloc(16, 6));
      assert.notEqual((await service.pull()).entries, null);
    });

    test('who asks for a snapshot without its name is refused, and a HEAD opens nothing', async () => {
      const service = new Service(askOf(here), key);
      for (const accept of ['*/*', 'application/json', '', 'application/vnd.latchkey.revlog;q=0']) {
        const response = await service.send('GET', '/auth/feed/snapshot', { headers: { Accept: accept } });
        assert.equal(response.status, 406, accept);
        assert.equal(await codeOf(response), 'LK_NOT_ACCEPTABLE');
      }
      const head = await service.send('HEAD', '/auth/feed');
      assert.equal(head.status, 200);
      assert.equal(here.rooms.feed.streams, 0);
    });

    // Ten thousand entries take a while on PostgreSQL, and where they are counted is the same.
    if (name !== 'SQLite') return;

    test('a HEAD of the snapshot takes the place of nobody who loads it', async () => {
      const service = new Service(askOf(here), key);
      const accept = { headers: { Accept: SNAPSHOT } };
      // As many as one client may load at once.
      for (let asked = 0; asked < 64; asked += 1) {
        assert.equal((await service.send('HEAD', '/auth/feed/snapshot', accept)).status, 200);
      }
      await service.load();
    });

    test('nothing of it is kept by who stands between, and what is heard at once is not collected', async () => {
      const service = new Service(askOf(here), key);
      const accept = { headers: { Accept: SNAPSHOT } };
      for (const [response, control, accel] of [
        [await service.post(), 'no-store', null],
        [await service.send('GET', '/auth/feed/snapshot', accept), 'no-store, no-transform', null],
        [await service.send('HEAD', '/auth/feed/snapshot', accept), 'no-store, no-transform', null],
        [await service.send('GET', '/auth/feed'), 'no-store, no-transform', 'no'],
        [await service.send('HEAD', '/auth/feed'), 'no-store, no-transform', 'no'],
      ] as const) {
        assert.equal(response.headers.get('cache-control'), control);
        assert.equal(response.headers.get('x-accel-buffering'), accel);
        await response.body?.cancel();
      }
    });

    test('who is further behind than 5,000 entries loads the whole, and who is as far goes on', async () => {
      const service = new Service(askOf(here), key);
      const end = async (count: number): Promise<void> => {
        await here.rooms.log.change(async (_tables, trust) => {
          for (let index = 0; index < count; index += 1) trust.apply('session_ended', followerId() as never);
        });
        await caughtUp(here);
      };
      // Where a history begins there is no entry that a cursor could be told by.
      await end(1);
      await service.begin();
      await end(5_000);
      const { entries } = await service.pull();
      assert.equal(entries?.length, 5_000);
      await end(5_001);
      assert.equal((await service.pull()).entries, null);
      const { entries: all } = await service.load();
      assert.ok(all.length >= 10_001);
      assert.deepEqual((await service.pull()).entries, []);
    });
  });
}
