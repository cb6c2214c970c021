import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Line, newSubject, sendJson, type TestIssuer } from './issuer.ts';
import { assertFollows, bearing, openScene, refusalCode, until } from './scene.ts';

const SNAPSHOT = '/auth/feed/snapshot';
const PULL = '/auth/feed/pull';
const STREAM = '/auth/feed';

/** Some entries, so that a snapshot has sections. */
function fill(issuer: TestIssuer): void {
  for (let index = 0; index < 600; index += 1) issuer.append('session', newSubject());
  issuer.append('user', newSubject(), 'changed');
  issuer.append('all', '', 'changed');
}

/** Another snapshot than the true one. */
function altered(change: (bytes: Buffer) => Buffer) {
  return (issuer: TestIssuer): void => {
    fill(issuer);
    issuer.lies.set(SNAPSHOT, (_, res) => {
      res.writeHead(200, { 'Content-Type': 'application/vnd.latchkey.revlog' });
      res.end(change(issuer.snapshot()));
    });
  };
}

const edited = (edit: (bytes: Buffer) => unknown) =>
  altered((bytes) => {
    edit(bytes);
    return bytes;
  });

describe('a snapshot that is wrong is refused whole, and nothing is fresh by it', () => {
  const cases: readonly (readonly [string, (issuer: TestIssuer) => void])[] = [
    ['cut in its head', altered((bytes) => bytes.subarray(0, 40))],
    ['cut by one byte', altered((bytes) => bytes.subarray(0, -1))],
    ['cut in a section', altered((bytes) => bytes.subarray(0, 5_000))],
    ['longer by one byte', altered((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]))],
    ['of another magic', edited((bytes) => bytes.write('LKREVLOK'))],
    ['of another version', edited((bytes) => bytes.writeUInt16LE(2, 8))],
    ['with something where nothing is', edited((bytes) => bytes.writeUInt32LE(1, 12))],
    ['with a head above 2^53', edited((bytes) => bytes.writeBigUInt64LE(2n ** 53n, 40))],
    ['with a position above 2^53', edited((bytes) => bytes.writeBigUInt64LE(2n ** 53n, 88 + 16 * 600))],
    ['with more sections than it says', edited((bytes) => bytes.writeUInt16LE(2, 10))],
    ['with fewer sections than it says', edited((bytes) => bytes.writeUInt16LE(4, 10))],
    ['with a section of four milliards', edited((bytes) => bytes.writeUInt32LE(2 ** 32 - 1, 84))],
    ['with no name of its epoch', edited((bytes) => bytes.writeUInt16LE(0, 64))],
    ['with subjects in another order', edited((bytes) => bytes.fill(255, 88, 104))],
    ['with a subject twice', edited((bytes) => bytes.copy(bytes, 104, 88, 104))],
    ['with its sections in another order', edited((bytes) => bytes.writeUInt8(9, 80))],
  ];
  for (const [title, prepare] of cases) {
    test(title, async (t) => {
      const { orders, issuer } = await openScene(t, { onUnknown: 'deny' }, prepare);
      await orders.ready();
      const { fresh, entries, feedError } = orders.status();
      assert.deepEqual([fresh, entries], [false, 0]);
      assert.match(feedError ?? '', /snapshot/);
      issuer.lies.clear();
      await until(() => orders.status().fresh);
      assert.equal(orders.status().entries, issuer.lines.length);
    });
  }

  test('of another type, or with a redirect', async (t) => {
    const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
    issuer.lies.set(SNAPSHOT, (_, res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'));
    await orders.ready();
    assert.match(orders.status().feedError ?? '', /another type/);
  });

  test('and knows a section of a kind that it does not know by its length alone', async (t) => {
    const { orders } = await openScene(
      t,
      {},
      altered((bytes) => {
        const section = Buffer.alloc(8 + 24 + 8);
        section.writeUInt8(3, 0);
        section.writeUInt8(1, 1);
        section.writeUInt32LE(1, 4);
        bytes.writeUInt16LE(4, 10);
        return Buffer.concat([bytes, section]);
      }),
    );
    await orders.ready();
    assert.deepEqual([orders.status().mode, orders.status().entries], ['following', 602]);
  });
});

describe('an answer to a pull that is wrong proves nothing', () => {
  const line: Line = [12, 'revoke', 'session', newSubject(), 2_000_000_000];
  for (const [title, change] of [
    ['no object', () => []],
    ['a position that is none', () => ({ head: -1 })],
    ['a position in letters', () => ({ head: '10' })],
    ['a tag above 2^53', () => ({ tag: 2 ** 53 })],
    ['no age', () => ({ age_ms: undefined })],
    ['an age below zero', () => ({ age_ms: -1 })],
    ['trust for an hour', () => ({ max_staleness_ms: 3_600_000 })],
    ['trust for no time', () => ({ max_staleness_ms: 0 })],
    ['a salt that is too short', () => ({ salt: 'AAAA' })],
    ['entries that are none', () => ({ entries: {} })],
    ['an entry that is too short', () => ({ head: 12, entries: [line.slice(0, 4)] })],
    ['an entry of no subject', () => ({ head: 12, entries: [[12, 'revoke', 'session', '', 2_000_000_000]] })],
    [
      'an entry of a subject that is too long',
      () => ({ head: 12, entries: [[12, 'revoke', 'session', `${newSubject()}A`, 1]] }),
    ],
    ['an entry that was there before', () => ({ head: 12, entries: [[10, ...line.slice(1)]] })],
    ['entries in another order', () => ({ head: 12, entries: [line, [11, ...line.slice(1)]] })],
    [
      'more entries than are handed out',
      () => ({
        head: 9_999,
        entries: Array.from({ length: 5_001 }, (_, index) => [11 + index, ...line.slice(1)]),
      }),
    ],
    ['the clock of last week', () => ({ now: 1_600_000_000 })],
    ['an age of a minute', () => ({ age_ms: 60_000 })],
  ] as const) {
    test(title, async (t) => {
      const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
      issuer.lies.set(PULL, (req, res) => {
        const truth = issuer.pull({ epoch: issuer.epoch, tag: issuer.head * 7 + 3, after: issuer.head });
        const lie: object = change();
        sendJson(res, Array.isArray(lie) ? lie : { ...truth, ...lie });
        return req;
      });
      const token = issuer.token();
      assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_NOT_FRESH');
      assert.equal(orders.status().fresh, false);
      issuer.lies.clear();
      await until(() => orders.status().fresh);
      assert.equal(await refusalCode(orders.require(bearing(token))), null);
    });
  }

  test('a redirect, which is never followed, and an answer that does not end (@incident S1)', async (t) => {
    const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
    const other = await openScene(t);
    issuer.lies.set(PULL, (_, res) => res.writeHead(307, { Location: `${other.issuer.url}${PULL}` }).end());
    await orders.ready();
    assert.match(orders.status().feedError ?? '', /307/);
    assert.equal(other.issuer.requests.length, 0);
    issuer.lies.set(PULL, (_, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json' });
      const more = (): void => void (res.writable && res.write(' '.repeat(65_536), more));
      more();
    });
    await until(() => (orders.status().feedError ?? '').includes('more than can be read'));
  });

  test('one that repeats itself, as a cache between does: the copy grows old (@rule R4)', async (t) => {
    const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
    await orders.ready();
    const replay = { ...issuer.pull({ epoch: issuer.epoch, tag: issuer.head * 7 + 3, after: issuer.head }) };
    const sid = newSubject();
    const token = issuer.token({ sid, rs: 5 });
    issuer.append('session', sid, 'revoke', false);
    await until(() => orders.status().cursor?.seq === issuer.head);
    issuer.lies.set(PULL, (_, res) => sendJson(res, replay));
    issuer.lies.set(SNAPSHOT, (_, res) => {
      const { head } = issuer;
      issuer.head = 10;
      res.writeHead(200, { 'Content-Type': 'application/vnd.latchkey.revlog' }).end(issuer.snapshot());
      issuer.head = head;
    });
    await until(() => (orders.status().feedError ?? '').includes('older than what is held'));
    assert.equal(
      await refusalCode(orders.require(bearing(token))),
      'LK_TOKEN_REVOKED',
      'nothing is taken back',
    );
  });

  test('one of whose kinds and scopes something is not known, which is passed by', async (t) => {
    const { orders, issuer } = await openScene(t);
    await orders.ready();
    const sid = newSubject();
    issuer.lies.set(PULL, (_, res) => {
      issuer.lies.clear();
      const unknown = [11, 'forget', 'galaxy', 'x', 1];
      issuer.head = 11;
      const known = issuer.append('session', sid, 'revoke', false);
      const truth = issuer.pull({ epoch: issuer.epoch, tag: 11 * 7 + 3, after: 11 });
      sendJson(res, { ...truth, entries: [unknown, known] });
    });
    await until(() => orders.status().cursor?.seq === 12);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({ sid })))), 'LK_TOKEN_REVOKED');
  });
});

describe('a copy of the feed', () => {
  test('names its process and its cursor in each pull, and says who it is (@rule R9)', async (t) => {
    const { orders, issuer, another } = await openScene(t);
    const other = another({});
    await Promise.all([orders.ready(), other.ready()]);
    const pulls = issuer.requests
      .filter(({ path }) => path === PULL)
      .map(({ body }) => JSON.parse(body) as object);
    const followers = new Set(pulls.map((body) => String(Reflect.get(body, 'follower'))));
    assert.equal(followers.size, 2);
    for (const follower of followers) assert.match(follower, /^[\w-]{22}$/);
    assert.deepEqual(Object.keys(pulls[0] ?? {}), ['epoch', 'tag', 'after', 'follower']);
  });

  test('is loaded anew where its salt is another, by which what was remembered is judged (@rule R12)', async (t) => {
    const { orders, issuer } = await openScene(t);
    const [dead, alive] = [newSubject(), newSubject()];
    const tokens = [dead, alive].map((sid) => issuer.token({ sid }));
    for (const token of tokens) await orders.require(bearing(token));
    issuer.salt = randomBytes(16);
    issuer.append('session', dead, 'revoke', false);
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.equal(await refusalCode(orders.require(bearing(tokens[0] ?? ''))), 'LK_TOKEN_REVOKED');
    assert.equal(await refusalCode(orders.require(bearing(tokens[1] ?? ''))), null);
    assert.equal(issuer.asked(SNAPSHOT), 2);
  });

  test('is loaded anew where what came after its cursor is of another history, and takes nothing from that (@rule R8)', async (t) => {
    const { orders, issuer } = await openScene(t);
    await orders.ready();
    issuer.lies.set(PULL, (_, res) => {
      issuer.lies.clear();
      const entries = [[issuer.head + 1, 'revoke', 'all', '', 2_000_000_000]];
      const truth = issuer.pull({ epoch: issuer.epoch, tag: issuer.head * 7 + 3, after: issuer.head });
      sendJson(res, { ...truth, epoch: 'another', head: issuer.head + 1, entries });
    });
    const asked = issuer.asked(PULL);
    await until(() => issuer.asked(PULL) > asked + 2);
    assert.equal(issuer.asked(SNAPSHOT), 2);
    assertFollows(orders, issuer);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
  });

  test('is none where snapshot and pull differ in their salt (@rule R12)', async (t) => {
    const { orders, issuer } = await openScene(t, { onUnknown: 'deny' });
    issuer.lies.set(PULL, (_, res) => {
      const truth = issuer.pull({ epoch: issuer.epoch, tag: issuer.head * 7 + 3, after: issuer.head });
      sendJson(res, { ...truth, salt: newSubject() });
    });
    await orders.ready();
    assert.equal(orders.status().fresh, false);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), 'LK_NOT_FRESH');
  });

  test('keeps what another history held until it expires, also where a failover has lost it (@rule R8)', async (t) => {
    const { orders, issuer } = await openScene(t);
    const sid = newSubject();
    issuer.append('session', sid);
    await orders.ready();
    issuer.beginEpoch('second');
    await until(() => orders.status().cursor?.epoch === 'second');
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({ sid })))), 'LK_TOKEN_REVOKED');
    assert.equal(await refusalCode(orders.require(bearing(issuer.token()))), null);
  });

  test('is loaded anew where it is too far behind', async (t) => {
    const { orders, issuer } = await openScene(t);
    await orders.ready();
    const sid = newSubject();
    issuer.append('session', sid, 'revoke', false);
    issuer.lies.set(PULL, (_, res) => {
      issuer.lies.clear();
      sendJson(res, { ...issuer.pull({ epoch: '', tag: 0, after: 0 }), entries: null });
    });
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.equal(issuer.asked(SNAPSHOT), 2);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({ sid })))), 'LK_TOKEN_REVOKED');
  });

  test('grows old where answers are lost one way, whatever the stream says (@rule R4)', async (t) => {
    const { orders, issuer, clock } = await openScene(t, { onUnknown: 'deny' });
    const token = issuer.token();
    await orders.require(bearing(token));
    await until(() => orders.status().hints);
    // What is asked arrives; what is answered does not.
    issuer.lies.set(PULL, () => undefined);
    clock.ahead = 5_001;
    issuer.append('user', newSubject());
    for (const stream of issuer.streams) stream.write(':\n\n');
    await until(() => issuer.asked(PULL) > 1);
    assert.equal(await refusalCode(orders.require(bearing(token))), 'LK_NOT_FRESH');
  });

  test('hears again when its stream has ended, and pulls because it may have missed something', async (t) => {
    const { orders, issuer } = await openScene(t);
    await orders.ready();
    await until(() => orders.status().hints);
    for (const stream of issuer.streams) stream.destroy();
    await until(() => !orders.status().hints);
    await until(() => orders.status().hints);
    assert.ok(issuer.asked(STREAM) > 1);
    const sid = newSubject();
    issuer.append('session', sid);
    await until(() => orders.status().cursor?.seq === issuer.head);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({ sid })))), 'LK_TOKEN_REVOKED');
  });

  test('is not moved by hints, however wrong they are, and ends a stream that has no end of a line (@rule R4)', async (t) => {
    const { orders, issuer } = await openScene(t);
    await orders.ready();
    await until(() => orders.status().hints);
    const [stream] = issuer.streams;
    for (const data of [
      'x',
      '{}',
      '[]',
      '[99,"revoke","session","x",1]',
      '[1e99,"revoke","all","",1]',
      '[[[[',
    ]) {
      stream?.write(`event: entry\ndata: ${data}\n\n`);
    }
    stream?.write('event: other\ndata: [1,"revoke","all","",2000000000]\n\n');
    const pulled = issuer.asked(PULL);
    await until(() => issuer.asked(PULL) > pulled);
    assertFollows(orders, issuer);
    assert.equal(await refusalCode(orders.require(bearing(issuer.token({ rs: 0 })))), null);
    stream?.write(`data: ${'x'.repeat(5_000)}`);
    await until(() => issuer.asked(STREAM) > 1);
  });

  test('is let go of with its verifier: nothing is asked any more', async (t) => {
    const { orders, issuer } = await openScene(t);
    await orders.ready();
    await until(() => issuer.streams.size === 1);
    orders.close();
    await until(() => issuer.streams.size === 0);
    const asked = issuer.requests.length;
    issuer.lies.set(PULL, () => assert.fail('it goes on'));
    assert.equal(
      await refusalCode(orders.require(bearing(issuer.token({ rs: issuer.head + 1 })))),
      'LK_ISSUER_UNAVAILABLE',
    );
    assert.equal(issuer.requests.length, asked);
  });
});
