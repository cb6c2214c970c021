import assert from 'node:assert/strict';
import type { SessionId } from '@latchkey/verify';
import type { Advance, RefreshChain, SessionRecord, SigningKeyRecord } from '../records.ts';
import type { Tables } from '../store.ts';
import {
  createSession,
  createUser,
  DAY,
  NOW,
  sampleEntry,
  sampleHash,
  sampleId,
  storedSession,
  winners,
} from './samples.ts';
import type { StoreTest } from './store-test.ts';

/** Refresh chains, keys that sign, and what a token without a session rests on. */
export function tokenConformance(test: StoreTest): void {
  chains(test);
  sharing(test);
  signingKeys(test);
  keysThatComeAndGo(test);
  users(test);
}

function sampleChain(changes: Partial<RefreshChain> = {}): RefreshChain {
  return {
    nonce: sampleHash().subarray(0, 16),
    generation: 0,
    generationAt: NOW,
    key: 'first-key-id',
    origin: sampleHash().subarray(0, 16),
    sharedRun: 0,
    sharedGeneration: null,
    ...changes,
  };
}

function sampleAdvance(changes: Partial<Advance> = {}): Advance {
  return {
    at: NOW + 1,
    key: 'second-key-i',
    origin: sampleHash().subarray(0, 16),
    idleUntil: NOW + 2 * DAY,
    ...changes,
  };
}

async function storedChain(tables: Tables, id: SessionId): Promise<RefreshChain> {
  const { chain } = await storedSession(tables, id);
  assert.ok(chain !== null, 'the session has no chain');
  return chain;
}

function chains(test: StoreTest): void {
  test('a session without a chain has none, and one with a chain has it as it was written', async (store) => {
    const plain = await createSession(store);
    assert.equal((await storedSession(store, plain.id)).chain, null);
    const chain = sampleChain({ generation: 4_294_967_295, sharedRun: 2, sharedGeneration: 7 });
    const { id } = await createSession(store, { chain });
    const stored = await storedChain(store, id);
    assert.deepEqual(
      { ...stored, nonce: [...stored.nonce], origin: [...stored.origin] },
      { ...chain, nonce: [...chain.nonce], origin: [...chain.origin] },
    );
  });

  test('a chain moves by one generation, with its idle limit, and keeps its nonce', async (store) => {
    const chain = sampleChain();
    const { id } = await createSession(store, { chain });
    const next = sampleAdvance();
    assert.equal(await store.sessions.advance(id, 0, next), true);
    const stored = await storedChain(store, id);
    assert.deepEqual([stored.generation, stored.generationAt, stored.key], [1, next.at, next.key]);
    assert.deepEqual([...stored.origin], [...next.origin]);
    assert.deepEqual([...stored.nonce], [...chain.nonce]);
    assert.equal((await storedSession(store, id)).idleUntil, next.idleUntil);
  });

  test('an advance never moves an idle limit back', async (store) => {
    const { id, idleUntil } = await createSession(store, { chain: sampleChain() });
    assert.equal(await store.sessions.advance(id, 0, sampleAdvance({ idleUntil: NOW + 2 })), true);
    assert.equal((await storedSession(store, id)).idleUntil, idleUntil);
  });

  test('of fifty who advance a generation at once, one does (@rule R10, @incident R1)', async (store) => {
    const { id } = await createSession(store, { chain: sampleChain() });
    assert.equal(await winners(50, async () => await store.sessions.advance(id, 0, sampleAdvance())), 1);
    assert.equal((await storedChain(store, id)).generation, 1);
  });

  const ended: readonly (readonly [title: string, changes: Partial<SessionRecord>])[] = [
    ['was revoked', { revokedSeq: 1 }],
    ['is idle', { idleUntil: NOW }],
    ['has expired', { expiresAt: NOW }],
    ['has no chain', { chain: null }],
  ];
  for (const [title, changes] of ended) {
    test(`no chain moves of a session that ${title} (@rule R3)`, async (store) => {
      const { id } = await createSession(store, { chain: sampleChain(), ...changes });
      assert.equal(await store.sessions.advance(id, 0, sampleAdvance({ at: NOW })), false);
    });
  }

  test('no chain moves of a session under a floor (@rule R3)', async (store) => {
    const user = await createUser(store);
    const { id } = await createSession(store, { chain: sampleChain(), userId: user.id, rs: 5 });
    await store.log.raiseFloor('user', user.id, 6);
    assert.equal(await store.sessions.advance(id, 0, sampleAdvance()), false);
  });
}

function sharing(test: StoreTest): void {
  test('a generation that two share is counted once, and a run of them grows by one each (@rule R10)', async (store) => {
    const { id } = await createSession(store, { chain: sampleChain() });
    for (const generation of [0, 1, 2]) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => await store.sessions.share(id, generation)),
      );
      assert.deepEqual(new Set(answers), new Set([generation + 1]));
      assert.equal(await store.sessions.advance(id, generation, sampleAdvance()), true);
    }
  });

  test('a generation that nobody shared breaks the run', async (store) => {
    const { id } = await createSession(store, { chain: sampleChain() });
    assert.equal(await store.sessions.share(id, 0), 1);
    await store.sessions.advance(id, 0, sampleAdvance());
    await store.sessions.advance(id, 1, sampleAdvance());
    assert.equal(await store.sessions.share(id, 2), 1);
  });

  test('a generation that is no longer the current one is not counted', async (store) => {
    const { id } = await createSession(store, { chain: sampleChain() });
    await store.sessions.advance(id, 0, sampleAdvance());
    assert.equal(await store.sessions.share(id, 0), 0);
    assert.equal(await store.sessions.share(sampleId(), 0), 0);
  });
}

function sampleKey(changes: Partial<SigningKeyRecord> = {}): SigningKeyRecord {
  return {
    kid: sampleId(),
    algorithm: 'EdDSA',
    publicKey: '{"kty":"OKP"}',
    sealed: sampleHash(),
    sealedBy: 'first',
    createdAt: NOW,
    usedAt: NOW,
    activatesAt: NOW,
    ...changes,
  };
}

function signingKeys(test: StoreTest): void {
  test('keys are listed as they were added, oldest first', async (store) => {
    const late = sampleKey({ createdAt: NOW + 1, algorithm: 'ES256' });
    const early = sampleKey({ activatesAt: null });
    await store.signingKeys.add(late);
    await store.signingKeys.add(early);
    const listed = await store.signingKeys.list();
    assert.deepEqual(
      listed.map((key) => ({ ...key, sealed: [...key.sealed] })),
      [early, late].map((key) => ({ ...key, sealed: [...key.sealed] })),
    );
  });

  test('a key is sealed anew where it is sealed as expected, and swept when nobody has used it', async (store) => {
    const { signingKeys: keys } = store;
    const key = sampleKey();
    await keys.add(key);
    assert.equal(await keys.reseal(key.kid, 'another', sampleHash(), 'second'), false);
    assert.equal(await keys.reseal(key.kid, 'first', sampleHash(), 'second'), true);
    assert.equal(await keys.use(key.kid, NOW + 5), true);
    assert.equal(await keys.use(key.kid, NOW + 1), true);
    assert.equal(await keys.use('another', NOW), false);
    const [stored] = await keys.list();
    assert.deepEqual([stored?.sealedBy, stored?.usedAt], ['second', NOW + 5]);
    assert.equal(await keys.sweep(NOW + 5, 10), 0);
    assert.equal(await keys.sweep(NOW + 6, 10), 1);
    assert.deepEqual(await keys.list(), []);
    assert.equal(await keys.use(key.kid, NOW), false);
  });
}

function keysThatComeAndGo(test: StoreTest): void {
  test('a key is found by its id alone', async (store) => {
    const key = sampleKey({ activatesAt: null });
    await store.signingKeys.add(key);
    await store.signingKeys.add(sampleKey());
    const found = await store.signingKeys.find(key.kid);
    assert.deepEqual({ ...found, sealed: [...(found?.sealed ?? [])] }, { ...key, sealed: [...key.sealed] });
    for (const kid of [sampleId(), '', "' OR 1=1"]) assert.equal(await store.signingKeys.find(kid), null);
  });

  test('a key signs from when it is said, and the others as before', async (store) => {
    const { signingKeys: keys } = store;
    const [key, other] = [sampleKey({ activatesAt: null }), sampleKey({ activatesAt: null })];
    for (const each of [key, other]) await keys.add(each);
    for (const at of [NOW + 5, NOW + 1]) {
      assert.equal(await keys.activate(key.kid, at), true);
      assert.equal((await keys.find(key.kid))?.activatesAt, at);
    }
    assert.equal((await keys.find(other.kid))?.activatesAt, null);
    assert.equal(await keys.activate(sampleId(), NOW), false);
  });

  test('of fifty who remove a key at once, one does, and no other key goes', async (store) => {
    const [key, other] = [sampleKey(), sampleKey()];
    for (const each of [key, other]) await store.signingKeys.add(each);
    assert.equal(await winners(50, async () => await store.signingKeys.remove(key.kid)), 1);
    assert.deepEqual(
      (await store.signingKeys.list()).map(({ kid }) => kid),
      [other.kid],
    );
  });
}

function users(test: StoreTest): void {
  test('a user is read with roles, floor and head in one snapshot', async (store) => {
    assert.equal(await store.users.read(sampleId()), null);
    const user = await createUser(store, { fields: '{"plan":"pro"}' });
    await store.users.assignRole(user.id, 'writer');
    await store.users.assignRole(user.id, 'editor');
    const { seq } = await store.log.head();
    assert.deepEqual(await store.users.read(user.id), {
      head: seq,
      user,
      roles: ['editor', 'writer'],
      floor: null,
    });
    const { cursor } = await store.transaction(async ({ log }) => await log.append([sampleEntry()]));
    await store.log.raiseFloor('user', user.id, 7);
    await store.log.raiseFloor('all', '', 3);
    await store.log.raiseFloor('user', sampleId(), 9);
    const reading = await store.users.read(user.id);
    assert.deepEqual([reading?.head, reading?.floor], [cursor.seq, 7]);
  });

  test('a role is taken away from one user alone, and fields are written anew', async (store) => {
    const one = await createUser(store);
    const other = await createUser(store);
    for (const { id } of [one, other]) await store.users.assignRole(id, 'editor');
    await store.users.removeRole(one.id, 'editor');
    await store.users.removeRole(one.id, 'never had it');
    assert.deepEqual(await store.users.roles(one.id), []);
    assert.deepEqual(await store.users.roles(other.id), ['editor']);
    assert.equal(await store.users.setFields(one.id, '{"plan":"free"}'), true);
    assert.equal(await store.users.setFields(sampleId(), '{}'), false);
    assert.equal((await store.users.find(one.id))?.fields, '{"plan":"free"}');
    assert.equal((await store.users.find(other.id))?.fields, '{}');
  });
}
