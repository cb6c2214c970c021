import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { bodyOf, codeOf, OTHER_PASSWORD, openWorld, PASSWORD, TEST_SECRET } from '../http/world.ts';
import { folder } from './scene.ts';

const NEW_SECRET = 'bmV3ZXIgc2VjcmV0IG9mIHRoaXMgdGVzdCwgNDggYnl0ZXMgbG9uZywgb2s=';

/** The one row of a password, as it lies in the file. */
function storedPassword(file: string): { phc: string; pepper: string | null } {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare('SELECT * FROM password').get();
  database.close();
  const pepper = row?.['pepper'];
  return { phc: String(row?.['phc']), pepper: typeof pepper === 'string' ? pepper : null };
}

const world = await openWorld({ password: { contextWords: ['latchkey', 'acme'] } });
after(() => world.auth.close());
const newEmail = (): string => `${randomUUID()}@example.com`;

describe('passwords, over HTTP', () => {
  const signUp = (password: string): Promise<Response> =>
    world.browser().post('/auth/sign-up', { email: newEmail(), password });

  for (const [password, reason] of [
    ['x'.repeat(3), 'too_short'],
    ['🦊'.repeat(14), 'too_short'],
    ['p'.repeat(1_025), 'too_long'],
    ['passwordpassword', 'common'],
    ['qwertyuiopasdfgh', 'common'],
    ['acmeacmeacme2026', 'context'],
  ] as const) {
    test(`${reason}: ${password.slice(0, 20)} is refused with the reason and what to do instead (@asvs 6.1.2, 6.2.1, 6.2.4, 6.2.11, 6.2.12)`, async () => {
      const response = await signUp(password);
      assert.equal(response.status, 400);
      const problem = await bodyOf(response);
      assert.equal(problem['code'], 'LK_PASSWORD_REFUSED');
      assert.equal(problem['reason'], reason);
      assert.match(String(problem['detail']), /^(Use|This) /);
    });
  }

  for (const [what, password] of [
    ['fifteen lower-case letters', 'plovermagnetwig'],
    ['words and spaces', 'green ideas sleep'],
    ['digits that are not in the list', '739204618205739'],
    ['64 ASCII characters', 'plover magnet wig orbit tundra velvet copper maple sigh lagoon !'],
    ['64 code points of four bytes', '🦊🎷🧊🪁🌵🧵🪐🦜'.repeat(8)],
    ['a phrase that holds the word password', 'my password lives under a mossy stone'],
  ] as const) {
    test(`${what} are accepted and signed in with (@asvs 6.2.5, 6.2.9, @nist 3.1.1.2)`, async () => {
      const email = newEmail();
      await world.browser().signUp(email, password);
      await world.browser().signIn(email, password);
    });
  }

  for (const length of [73, 128, 1_024]) {
    test(`${length} bytes are verified to the last one, in their case, with their spaces and NULs (@asvs 6.2.8, @nist 3.1.1.2)`, async () => {
      const stem = `Orchid gravel\0lantern ${'seven tundra velvet '.repeat(60)}`.slice(0, length - 1);
      const email = newEmail();
      await world.browser().signUp(email, `${stem}a`);
      for (const other of [`${stem}b`, stem, `${stem}a `, `${stem}A`, stem.replace('\0', '')]) {
        const response = await world.browser().post('/auth/sign-in', { email, password: other });
        assert.equal(response.status, 401);
      }
      await world.browser().signIn(email, `${stem}a`);
    });
  }

  test('a password typed on another keyboard is the same (NFC) (@nist 3.1.1.2)', async () => {
    const email = newEmail();
    const password = 'crème brûlée à la gare';
    await world.browser().signUp(email, password.normalize('NFD'));
    await world.browser().signIn(email, password.normalize('NFC'));
  });

  test('a change needs the current password and a new one, and otherwise changes nothing (@asvs 6.2.2, 6.2.3)', async () => {
    const email = newEmail();
    const visit = world.browser();
    await visit.signUp(email);
    for (const [body, code] of [
      [{ new_password: OTHER_PASSWORD }, 'LK_REQUEST_INVALID'],
      [{ current_password: PASSWORD }, 'LK_REQUEST_INVALID'],
      [{ current_password: OTHER_PASSWORD, new_password: 'plover magnet wig' }, 'LK_CREDENTIALS_REFUSED'],
      [{ current_password: PASSWORD, new_password: PASSWORD }, 'LK_PASSWORD_REFUSED'],
      [{ current_password: PASSWORD, new_password: 'passwordpassword' }, 'LK_PASSWORD_REFUSED'],
    ] as const) {
      assert.equal(await codeOf(await visit.post('/auth/password', body)), code);
    }
    await world.browser().signIn(email);
  });

  test('a password lasts: no rotation is asked for in ten years (@asvs 6.2.10, @nist 3.1.1.2)', async () => {
    const own = await openWorld();
    await own.browser().signUp('old@example.com');
    own.clock.advance(10 * 366 * 86_400_000);
    await own.browser().signIn('old@example.com');
    await own.auth.close();
  });
});

test('a fresh database has no user, and no start is possible without a secret or with a sample (@asvs 6.3.2)', async () => {
  const store = sqlite(':memory:');
  const world = await openWorld({}, store);
  assert.equal(await store.users.count(), 0);
  await world.auth.close();
  for (const secret of [undefined, '', 'secret', 'changeme'.repeat(8), '00'.repeat(32)]) {
    await assert.rejects(openWorld({ secret }), { name: 'ConfigError' });
  }
});

test('the store has no place for hints, questions or a second password (@asvs 6.4.2, @nist 3.1.1.2)', async () => {
  const { file, remove } = await folder();
  const world = await openWorld({}, sqlite(file));
  await world.browser().signUp('row@example.com');
  const { phc, pepper } = storedPassword(file);
  // OWASP ASVS 5.0 appendix C: 19 MiB, two passes, one lane; 16 bytes of salt, 32 of hash (@asvs 11.4.2).
  assert.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.match(pepper ?? '', /^[\w-]{12}$/);
  await world.auth.close();
  const database = new DatabaseSync(file, { readOnly: true });
  const schema = database
    .prepare('SELECT sql FROM sqlite_master')
    .all()
    .map((row) => String(row['sql']))
    .join('\n');
  database.close();
  assert.doesNotMatch(schema, /hint|question|answer/i);
  await remove();
});

test('a password is hashed again with the new root secret when its owner signs in (@asvs 13.3.4, @nist 3.1.1.2)', async () => {
  const { file, remove } = await folder();
  const old = await openWorld({}, sqlite(file));
  await old.browser().signUp('ring@example.com');
  await old.auth.close();
  const before = storedPassword(file);

  const rehashed = Promise.withResolvers<void>();
  const ring = await openWorld(
    {
      secret: `${NEW_SECRET},${TEST_SECRET}`,
      onEvent: ({ type }) => {
        if (type === 'password_rehashed') rehashed.resolve();
      },
    },
    sqlite(file),
  );
  await ring.browser().signIn('ring@example.com');
  await rehashed.promise;
  assert.notEqual(storedPassword(file).pepper, before.pepper);
  await ring.auth.close();

  const alone = await openWorld({ secret: NEW_SECRET }, sqlite(file));
  await alone.browser().signIn('ring@example.com');
  await alone.auth.close();
  await assert.rejects(
    openWorld({ secret: TEST_SECRET }, sqlite(file)),
    /not the one this database was made with/,
  );
  await remove();
});
