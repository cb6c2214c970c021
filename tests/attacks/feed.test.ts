import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { subjectOf } from '@latchkey/verify';
import { followerId, type Hints, Service, SNAPSHOT } from '../feed/service.ts';
import { CLIENTS, Program } from '../http/program.ts';
import { bodyOf, codeOf, ORIGIN, openWorld, type World } from '../http/world.ts';

/*
 * What a service, or somebody who poses as one, may try at the feed: to be let in, to speak
 * for others, to learn who was revoked, and to use up what a node has.
 */

describe('the feed', () => {
  let world: World;
  let made = 0;

  const ask = (request: Request): Promise<Response> => world.auth.handler(request, { peer: '203.0.113.30' });
  const newKey = async (): Promise<{ name: string; key: string }> => {
    const name = `service-${(made += 1)}`;
    const { key } = await world.auth.clients.create({ name, audiences: [name] });
    return { name, key: key.reveal() };
  };
  const status = async (): Promise<{ services: number; streams: number }> => world.auth.status();
  const refusal = async (response: Response): Promise<string> =>
    `${response.status} ${await codeOf(response)}`;

  before(async () => {
    world = await openWorld({ clients: CLIENTS });
  });
  after(() => world.auth.close());

  test('lets in nobody but clients with a key, and registers nobody else', async () => {
    const program = new Program(world.auth);
    const { access } = await program.signUp('ada@example.com');
    const browser = world.browser();
    await browser.signUp('bob@example.com');
    const { name } = await newKey();
    const presented: readonly (readonly [string, Record<string, string>])[] = [
      ['nothing', {}],
      ["a person's token", { Authorization: `Bearer ${access}` }],
      ["a person's cookie", { Cookie: browser.cookie ?? '' }],
      ['a key of nobody', { Authorization: `Bearer lks_${followerId()}.${'A'.repeat(43)}` }],
      ['a name without a key', { Authorization: `Basic ${Buffer.from(`${name}:`).toString('base64')}` }],
    ];
    for (const [what, headers] of presented) {
      for (const [method, path, extra] of [
        ['POST', '/auth/feed/pull', { 'Content-Type': 'application/json' }],
        ['GET', '/auth/feed', {}],
        ['GET', '/auth/feed/snapshot', { Accept: SNAPSHOT }],
      ] as const) {
        const body =
          method === 'POST'
            ? { body: JSON.stringify({ epoch: '', tag: 0, after: 0, follower: followerId() }) }
            : {};
        const response = await ask(
          new Request(`${ORIGIN}${path}`, { method, headers: { ...headers, ...extra }, ...body }),
        );
        assert.equal(await refusal(response), '401 LK_UNAUTHENTICATED', `${what} at ${path}`);
      }
    }
    const { services, streams } = await status();
    assert.deepEqual([services, streams], [0, 0]);
  });

  test('reads a question by its exact shape, and registers nobody by another', async () => {
    const service = new Service(ask, (await newKey()).key);
    const wrong: readonly object[] = [
      { epoch: 'A'.repeat(10_000) },
      { epoch: 'A'.repeat(65) },
      { epoch: "'; drop table follower; --" },
      { epoch: null },
      { tag: -1 },
      { tag: 1.5 },
      { tag: 2 ** 53 },
      { after: -1 },
      { after: 0.5 },
      { after: 1e300 },
      { after: '7' },
      { after: [7] },
      { follower: '' },
      { follower: 'A'.repeat(23) },
      { follower: `${'A'.repeat(21)}B` },
      { follower: '../../../../etc/passwd' },
      { follower: { $ne: '' } },
      { extra: true },
      { client: 'orders' },
    ];
    for (const fields of wrong) {
      assert.equal(
        await refusal(await service.post(fields)),
        '400 LK_REQUEST_INVALID',
        JSON.stringify(fields).slice(0, 80),
      );
    }
    for (const missing of ['epoch', 'tag', 'after', 'follower']) {
      assert.equal((await service.post({ [missing]: undefined })).status, 400, missing);
    }
    for (const query of [
      '?after=-1',
      '?after=1.5',
      '?after=9007199254740992',
      '?after=1&after=2',
      '?before=1',
      '?after=',
    ]) {
      assert.equal((await service.send('GET', `/auth/feed${query}`)).status, 400, query);
    }
    assert.equal(
      (await service.send('GET', '/auth/feed', { headers: { 'Last-Event-ID': 'x' } })).status,
      400,
    );
    const { services, streams } = await status();
    assert.deepEqual([services, streams], [0, 0]);
    assert.equal((await service.post({ after: Number.MAX_SAFE_INTEGER, tag: 0 })).status, 200);
  });

  test('shows no id and no name of what was revoked, in no spelling, byte by byte (@rule R12)', async () => {
    // So that the log has an entry to stand at.
    await world.auth.revoke({ client: 'web' });
    const service = new Service(ask, (await newKey()).key);
    await service.begin();
    const stream = await service.listen();
    const program = new Program(world.auth);
    const subjects: string[] = [subjectOf('client', 'mobile')];
    const texts: string[] = ['mobile', 'eve@example.com'];
    const { session, user } = await program.signUp('eve@example.com');
    subjects.push(session, user);
    await world.auth.revoke({ session });
    await world.auth.revoke({ user });
    await world.auth.revoke({ client: 'mobile' });
    await world.auth.keys.rotate();
    const [key] = await world.auth.keys.list();
    assert.ok(key !== undefined);
    subjects.push(subjectOf('signing_key', key.kid));
    texts.push(key.kid);
    await world.auth.keys.revoke(key.kid);
    const heard: string[] = [];
    for (let hints = 0; hints < 4; hints += 1) heard.push(JSON.stringify(await stream.entry()));
    await stream.close();
    const pull = await service.post();
    const answers: Buffer[] = [Buffer.from(heard.join('')), Buffer.from(await pull.arrayBuffer())];
    const fresh = new Service(ask, (await newKey()).key);
    const snapshot = await fresh.send('GET', '/auth/feed/snapshot', { headers: { Accept: SNAPSHOT } });
    answers.push(Buffer.from(await snapshot.arrayBuffer()));
    for (const answer of [pull, snapshot]) answers.push(Buffer.from(JSON.stringify([...answer.headers])));
    assert.equal((JSON.parse(answers[1]?.toString() ?? '') as { entries: unknown[] }).entries.length, 4);
    for (const subject of subjects) {
      const bytes = Buffer.from(subject, 'base64url');
      const spellings = [
        bytes,
        ...(['base64url', 'base64', 'hex'] as const).map((as) => Buffer.from(bytes.toString(as))),
      ];
      // Sixteen bytes by chance are none; half of them say as much.
      for (const spelling of [...spellings, bytes.subarray(0, 8), bytes.subarray(8)]) {
        for (const answer of answers) assert.equal(answer.includes(spelling), false, subject);
      }
    }
    for (const text of texts) for (const answer of answers) assert.equal(answer.includes(text), false, text);
  });

  test('has streams without end refused: of one client, and of all together', async () => {
    const open: Hints[] = [];
    const one = new Service(ask, (await newKey()).key);
    for (let streams = 0; streams < 64; streams += 1) open.push(await one.listen());
    assert.equal(await refusal(await one.send('GET', '/auth/feed')), '429 LK_THROTTLED');
    for (let clients = 0; clients < 14; clients += 1) {
      const service = new Service(ask, (await newKey()).key);
      for (let streams = 0; streams < 64; streams += 1) open.push(await service.listen());
    }
    const last = new Service(ask, (await newKey()).key);
    for (let streams = open.length; streams < 1_000; streams += 1) open.push(await last.listen());
    const refused = await last.send('GET', '/auth/feed');
    assert.equal(refused.headers.get('retry-after'), '5');
    assert.equal(await refusal(refused), '503 LK_BUSY');
    await open.pop()?.close();
    open.push(await last.listen());
    for (const stream of open) await stream.close();
    assert.equal((await status()).streams, 0);
  });

  test('ends the streams of who is disabled or whose key is another, and of nobody else', async () => {
    const [disabled, rotated, replaced, other] = [
      await newKey(),
      await newKey(),
      await newKey(),
      await newKey(),
    ];
    const streams = await Promise.all(
      [disabled, rotated, replaced, other].map(({ key }) => new Service(ask, key).listen()),
    );
    await world.auth.clients.disable(disabled.name);
    await streams[0]?.ended();
    await world.auth.clients.rotate(rotated.name);
    await streams[1]?.ended();
    await world.auth.clients.rotate(replaced.name, { grace: '1h' });
    assert.equal((await status()).streams, 2);
    assert.equal((await new Service(ask, disabled.key).post()).status, 401);
    for (const stream of streams.slice(2)) await stream.close();
  });

  test('has only its own process acknowledge, and only what there is', async () => {
    const [mine, theirs] = [await newKey(), await newKey()];
    const service = new Service(ask, mine.key);
    await service.begin();
    const receipt = await world.auth.revoke({ client: 'web' });
    const { seq } = await receipt.details();
    const thief = new Service(ask, theirs.key, service.follower);
    await thief.begin();
    await thief.pull();
    const liar = new Service(ask, theirs.key);
    await liar.begin();
    const { cursor } = liar;
    assert.equal(
      ((await (await liar.post({ after: cursor.after + 1_000 })).json()) as { entries: unknown }).entries,
      null,
    );
    const { names } = await receipt.details();
    assert.ok(names.pending.includes(mine.name));
    const { items } = await world.auth.followers();
    const mineNow = items.find(({ id, name }) => id === service.follower && name === mine.name);
    assert.ok(mineNow !== undefined && mineNow.cursor < seq && mineNow.kind === 'service');
    assert.ok(items.every(({ cursor: reached, behind }) => behind >= 0 && reached <= seq));
  });

  test('answers an administrator who follows, and nobody else', async () => {
    const person = world.browser();
    await person.signUp('curious@example.com');
    assert.equal((await person.get('/auth/admin/followers')).status, 403);
    assert.deepEqual(
      Object.keys(await bodyOf(await person.get('/auth/admin/followers'))).includes('items'),
      false,
    );
  });

  test('has one client that draws ids without end refused, and no other for it', async () => {
    const greedy = await newKey();
    const begun = (await status()).services;
    const pulls = await Promise.all(Array.from({ length: 520 }, () => new Service(ask, greedy.key).post()));
    assert.equal(pulls.filter((response) => response.status === 200).length, 500);
    const refused = pulls.find((response) => response.status !== 200);
    assert.ok(refused !== undefined);
    assert.equal(refused.headers.get('retry-after'), '10');
    assert.equal(await refusal(refused), '429 LK_THROTTLED');
    assert.equal((await status()).services, begun + 500);
    for (let clients = 0; clients < 3; clients += 1) {
      const { key } = await newKey();
      await Promise.all(Array.from({ length: 500 }, () => new Service(ask, key).post()));
    }
    assert.equal((await status()).services, 2_000);
    const late = new Service(ask, (await newKey()).key);
    assert.equal(await refusal(await late.post()), '503 LK_BUSY');
  });
});
