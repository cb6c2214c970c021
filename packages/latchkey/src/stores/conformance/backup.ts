import assert from 'node:assert/strict';
import { ROOT_KEY } from '../records.ts';
import { backUp, fill, OPTIONS, restore, rowsOf, written } from './backed-up.ts';
import {
  createSession,
  createUser,
  DAY,
  NOW,
  sampleEntry,
  sampleHash,
  sampleId,
  samplePassword,
  sampleServiceClient,
} from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** What is kept of a database, and what becomes of another one in its place. */
export function backupConformance(test: StoreTest): void {
  keeping(test);
  epochs(test);
}

function keeping(test: StoreTest): void {
  test('a backup that is restored brings back all of it, and nothing else is there', async (store) => {
    const { user, session, anonymous, client, service, entries } = await fill(store);
    const lines = await backUp(store);
    const later = await createUser(store);
    await store.users.setFields(user.id, '{}');
    await store.users.removeRole(user.id, 'editor');
    await store.passwords.put(samplePassword(later.id));
    await store.attempts.reset(user.id);
    await store.clients.enable(client.subject);
    await store.services.replaceKey(service.subject, sampleServiceClient(), NOW + 1);
    await store.data.write(anonymous.id, 'cart', null, 1);
    await store.proofs.replace('setup', sampleHash(), NOW + 2 * DAY);

    const summary = await restore(store, lines);
    assert.equal(summary.rows['account'], 1);
    assert.equal(summary.at, NOW);
    assert.deepEqual(await store.users.find(user.id), user);
    assert.equal(await store.users.find(later.id), null);
    assert.deepEqual((await store.sessions.read(session.id))?.session, session);
    assert.deepEqual((await store.sessions.read(session.id))?.roles, ['editor']);
    assert.deepEqual(await store.passwords.find(user.id), samplePassword(user.id, { pepper: 'older' }));
    assert.deepEqual(
      [...(await store.data.read(anonymous.id)).values()],
      [{ value: '["lamp"]', version: 1 }],
    );
    assert.equal(await store.attempts.count(user.id, NOW), 4);
    assert.equal(await store.clients.disabledAt(client.subject), NOW);
    assert.deepEqual(await store.services.list(), [service]);
    assert.equal(await store.log.floor('user', user.id), 7);
    assert.deepEqual((await store.log.pull(null, NOW)).entries, entries);
    assert.equal(await store.meta.find('text'), 'a\n"b"\u2028\u{1f511}');
  });

  test('a backup of what was restored has the same rows, but for the new epoch', async (store) => {
    await fill(store);
    const lines = await backUp(store);
    await restore(store, lines);
    const again = rowsOf(await backUp(store));
    const floor = again.filter((line) => !lines.includes(line));
    assert.equal(floor.length, 1);
    assert.match(floor[0] ?? '', /^\["floor","all","",\d+\]$/);
    assert.deepEqual(
      again.filter((line) => line !== floor[0]),
      rowsOf(lines),
    );
  });

  test('a backup has every row of a table that is read in many pages, once', async (store) => {
    await store.meta.put(ROOT_KEY, 'root');
    const ids = new Set<string>();
    await store.transaction(async (tables) => {
      for (let index = 0; index < 1_201; index += 1) {
        const { id } = await createUser(tables);
        ids.add(id);
        await tables.users.assignRole(id, 'one');
        await tables.users.assignRole(id, 'two');
      }
    });
    const lines = await backUp(store);
    const users = lines.filter((line) => line.startsWith('["account"'));
    assert.equal(users.length, ids.size);
    assert.deepEqual(new Set(users.map((line) => line.split('"')[3])), ids);
    assert.equal(new Set(lines.filter((line) => line.startsWith('["user_role"'))).size, 2_402);
    assert.equal((await restore(store, lines)).rows['user_role'], 2_402);
    assert.equal(await store.users.count(), 1_201);
    assert.equal(await store.users.countWithRole('two'), 1_201);
  });

  test('a backup is of one moment, whatever is written while it is read', async (store) => {
    await store.meta.put(ROOT_KEY, 'root');
    const user = await createUser(store);
    const lines = store.backup(NOW)[Symbol.asyncIterator]();
    const first = await lines.next();
    // Not awaited here: a store with one connection answers when that is free.
    const written = store.transaction(async (tables) => {
      await createSession(tables, { userId: user.id });
      await tables.users.setFields(user.id, '{"late":true}');
      await tables.log.append([sampleEntry()]);
    });
    const rest: string[] = [];
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value);
    await written;
    const text = [first.value, ...rest].join('\n');
    assert.doesNotMatch(text, /late|"session",|"revocation",/);
    assert.match(text, /^\["account",/m);
  });

  test('a backup that nobody reads to its end lets go of the store', async (store) => {
    await fill(store);
    for await (const line of store.backup(NOW)) if (line.startsWith('["account"')) break;
    await store.meta.put('key', 'value');
  });

  test('a backup holds no signing key, no proof and nothing of the processes that run', async (store) => {
    await fill(store);
    await store.signingKeys.add(signingKey('kid-of-a-key'));
    await store.proofs.replace('setup', sampleHash(), NOW + DAY);
    const id = sampleId<'follower'>();
    const follower = {
      id,
      name: 'host-of-a-node',
      registeredAt: NOW,
      registeredSeq: 1,
      acknowledged: 1,
      seenAt: NOW,
      keptUntil: NOW,
      relay: null,
    };
    await store.followers.put(follower);
    const text = (await backUp(store)).join('\n');
    assert.doesNotMatch(text, /kid-of-a-key|setup|host-of-a-node/);
    await restore(store, await backUp(store));
    assert.deepEqual(await store.followers.list(), [follower], 'who runs goes on');
  });
}

function signingKey(kid: string) {
  return {
    kid,
    algorithm: 'EdDSA',
    publicKey: '{}',
    sealed: sampleHash(),
    sealedBy: 'root',
    createdAt: NOW,
    usedAt: NOW,
    activatesAt: NOW,
  } as const;
}

function epochs(test: StoreTest): void {
  test('restoring begins an epoch above all that is older, which is dead', async (store) => {
    const { session } = await fill(store);
    const lines = await backUp(store);
    const before = await store.log.pull(null, NOW);
    await store.signingKeys.add(signingKey('kid'));
    await store.transaction(async (tables) => await tables.log.append([sampleEntry()]));
    const last = await store.log.head();
    await restore(store, lines);
    const { lineage, epoch, epochStart, head, cause } = await store.log.pull(null, NOW);
    assert.equal(lineage, before.lineage);
    assert.notEqual(epoch, before.epoch);
    assert.equal(cause, 'restore');
    assert.equal(head, epochStart);
    assert.ok(epochStart > last.seq);
    assert.equal(await store.log.floor('all', ''), epochStart);
    assert.equal((await store.sessions.read(session.id))?.floor, epochStart);
    assert.deepEqual(await store.signingKeys.list(), []);
    assert.equal(await store.sessions.create({ ...session, id: sampleId(), rs: last.seq }), false);
  });

  test('restoring disables clients with a key until somebody enables them, for what became of their keys is not known', async (store) => {
    await fill(store);
    const service = sampleServiceClient({ name: 'shipping' });
    await store.services.create(service);
    await restore(store, await backUp(store));
    assert.equal((await store.services.read(service.subject))?.disabledAt, OPTIONS.now);
    assert.deepEqual(await store.services.listEnabled(), []);
    await store.clients.enable(service.subject);
    assert.deepEqual(await store.services.listEnabled(), [service]);
  });

  test('the epoch is above what the lost database had given, though the clock says less', async (store) => {
    await fill(store);
    const lines = await backUp(store);
    const seen = (await store.log.head()).seq + 2 ** 40;
    await restore(store, lines, { seen, now: 0 });
    assert.ok((await store.log.head()).seq > seen);
  });

  test('the epoch is above the head of the backup, though the database and the clock say less', async (store) => {
    await fill(store);
    const head = (await store.log.head()).seq + 2 ** 34;
    const lines = written(await backUp(store), (header) => ({ ...header, head }));
    await restore(store, lines, { now: NOW - DAY / 2 });
    assert.ok((await store.log.head()).seq > head);
  });

  test('the lineage is that of the backup, so that whoever has seen it further is asked', async (store) => {
    await fill(store);
    const lineage = 'lineage-of-another';
    await restore(
      store,
      written(await backUp(store), (header) => ({ ...header, lineage })),
    );
    assert.equal((await store.log.pull(null, NOW)).lineage, lineage);
  });

  test('a signing key that was revoked after the backup stays revoked (@rule R2)', async (store) => {
    await fill(store);
    const lines = await backUp(store);
    const revoked = sampleEntry({ scope: 'signing_key', subject: sampleId(), expiresAt: NOW + 9 * DAY });
    const { entries } = await store.transaction(async (tables) => await tables.log.append([revoked]));
    await restore(store, lines);
    const pulled = (await store.log.pull(null, NOW)).entries;
    assert.deepEqual(pulled.at(-1), entries[0]);
    assert.equal(pulled.length, 3);
  });

  test('the bounds that running processes act by stay (@rule R6)', async (store) => {
    await fill(store);
    await store.meta.put('bounds', 'of then');
    const lines = await backUp(store);
    await store.meta.put('bounds', 'of now');
    await restore(store, lines);
    assert.equal(await store.meta.find('bounds'), 'of now');
  });
}
