import assert from 'node:assert/strict';
import { createSession, createUser, NOW, sampleId, sampleUser, storedSession } from './samples.ts';
import type { StoreTest } from './store-test.ts';

const TEXTS: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['spaces', '  two  '],
  ['what means something in SQL', `'; drop table account; -- " \\ % _ ? $1 :a @b`],
  ['letters of many scripts', 'Ада Ångström 李 \u0645\u0631\u062d\u0628\u0627'],
  ['characters beyond the first plane', '\u{1F511}\u{1F468}\u200D\u{1F469}\u200D\u{1F467}'],
  ['composed and decomposed letters', '\u00e9 e\u0301'],
  ['line breaks and control characters', 'a\r\nb\tc\u0001\u007f\u0085\u2028'],
  ['sixteen thousand bytes', 'x'.repeat(16_384)],
];

/** Text and bytes come back as they went in. */
export function textConformance(test: StoreTest): void {
  for (const [title, text] of TEXTS) {
    test(`text comes back as it was written: ${title}`, async (store) => {
      const user = await createUser(store, { name: text, email: text, emailKey: text });
      assert.deepEqual(await store.users.findByEmail(text), user);
      const { id } = await createSession(store, { device: text });
      assert.equal((await storedSession(store, id)).device, text);
      assert.equal(await store.data.write(id, text, text, 0), true);
      assert.equal((await store.data.read(id)).get(text)?.value, text);
      await store.users.assignRole(user.id, text);
      assert.deepEqual(await store.users.roles(user.id), [text]);
    });
  }

  test('text with a NUL is kept whole or refused, and never cut', async (store) => {
    const user = sampleUser({ name: 'before\0after', emailKey: 'ada\0b@example.com' });
    try {
      await store.users.create(user);
    } catch {
      assert.equal(await store.users.find(user.id), null);
      return;
    }
    assert.deepEqual(await store.users.find(user.id), user);
    assert.deepEqual(await store.users.findByEmail(user.emailKey), user);
    assert.equal(await store.users.findByEmail('ada'), null);
  });

  test('ids and hashes of every byte come back as they were written', async (store) => {
    for (let first = 0; first < 256; first += 8) {
      const bytes = Uint8Array.from({ length: 32 }, (_, index) => (first + index) & 0xff);
      const clientSubject = Buffer.from(bytes.subarray(0, 16)).toString('base64url');
      const { id } = await createSession(store, { secretHash: bytes, clientSubject });
      const stored = await storedSession(store, id);
      assert.deepEqual([...stored.secretHash], [...bytes]);
      assert.equal(stored.clientSubject, clientSubject);
      assert.equal(stored.id, id);
    }
  });

  test('two subjects that differ in one bit are two', async (store) => {
    const subject = sampleId();
    const bytes = Buffer.from(subject, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(15) ^ 1, 15);
    assert.equal(await store.attempts.count(subject, NOW), 1);
    assert.equal(await store.attempts.count(bytes.toString('base64url'), NOW), 1);
    assert.equal(await store.attempts.count(subject, NOW), 2);
  });
}
