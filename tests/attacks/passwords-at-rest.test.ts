import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { type AuthEvent, ConfigError, latchkey, sqlite } from 'latchkey';
import { parseRootSecret } from '../../packages/latchkey/src/foundation/root-secret.ts';
import { nativeArgon2 } from '../../packages/latchkey/src/identity/password-hash.ts';
import { ORIGIN, openWorld, PASSWORD, TEST_SECRET, type World } from '../http/world.ts';
import { folder } from './scene.ts';

const NEW_SECRET = 'Zk9vR3pXwT1sQ6yH0bLdN8fGjC2mA5uE7iKoP4rVqYs=';

/** A world on a file, in a folder that is removed when the test has ended. */
async function onFile(
  act: (open: (secret?: string) => Promise<Opened>, file: string) => Promise<void>,
): Promise<void> {
  const { file, remove } = await folder();
  const opened: Opened[] = [];
  const open = async (secret = TEST_SECRET): Promise<Opened> => {
    const rehashed = Promise.withResolvers<AuthEvent>();
    const onEvent = (event: AuthEvent): void => {
      if (event.type === 'password_rehashed') rehashed.resolve(event);
      if (event.type === 'failed') rehashed.reject(event.error);
    };
    const world = await openWorld({ secret, onEvent }, sqlite(file));
    const one = { ...world, rehashed: rehashed.promise };
    // Whoever does not wait for it need not hear that it failed.
    rehashed.promise.catch(() => undefined);
    opened.push(one);
    return one;
  };
  try {
    await act(open, file);
  } finally {
    for (const { auth } of opened) await auth.close();
    await remove();
  }
}

interface Opened extends World {
  /** Resolves with the event of the first password that was hashed anew. */
  readonly rehashed: Promise<AuthEvent>;
}

function rows(file: string, query: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(query).all();
  } finally {
    database.close();
  }
}

function passwordRow(file: string, email: string): { phc: string; pepper: unknown; changed_at: unknown } {
  const all = rows(file, 'select email, phc, pepper, changed_at from account join password on user_id = id');
  const row = all.find((one) => one['email'] === email);
  assert.ok(row !== undefined);
  return { phc: String(row['phc']), pepper: row['pepper'], changed_at: row['changed_at'] };
}

describe('a database', () => {
  test('that is fresh knows nobody (@asvs 6.3.2)', async () => {
    await onFile(async (open, file) => {
      await open();
      for (const table of ['account', 'password', 'user_role', 'session']) {
        assert.deepEqual(rows(file, `select * from ${table}`), [], table);
      }
    });
  });

  test('has no hints and no questions (@asvs 6.4.2, @nist 3.1.1.2(7), 3.1.1.2(8))', async () => {
    await onFile(async (open, file) => {
      await open();
      const columns = rows(
        file,
        "select lower(t.name || '.' || c.name) as name from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'",
      ).map(({ name }) => String(name));
      assert.ok(columns.includes('password.phc'));
      const asked = /hint|question|answer|remind|security|mother|maiden|birth/;
      assert.deepEqual(
        columns.filter((name) => asked.test(name)),
        [],
      );
    });
  });

  test('holds a password as Argon2id with its cost, a salt of its own and the name of its pepper (@nist 3.1.1.2, @asvs 11.4.2)', async () => {
    await onFile(async (open, file) => {
      const world = await open();
      await world.browser().signUp('one@example.org');
      await world.browser().signUp('two@example.org');
      const salts = ['one@example.org', 'two@example.org'].map((email) => {
        const { phc, pepper } = passwordRow(file, email);
        assert.equal(pepper, parseRootSecret(TEST_SECRET).current.id);
        const [, kind, version, cost, salt = '', hash = ''] = phc.split('$');
        assert.deepEqual([kind, version, cost], ['argon2id', 'v=19', 'm=19456,t=2,p=1']);
        assert.ok(Buffer.from(hash, 'base64').length >= 32);
        return salt;
      });
      assert.ok(salts.every((salt) => Buffer.from(salt, 'base64').length >= 16));
      assert.notEqual(salts[0], salts[1]);
    });
  });

  test('gives no password away without the root secret, which is not in it (@nist 3.1.1.2)', async () => {
    await onFile(async (open, file) => {
      const world = await open();
      await world.browser().signUp('one@example.org');
      const { phc } = passwordRow(file, 'one@example.org');
      const [, , , , salt = '', hash = ''] = phc.split('$');
      const argon2 = await nativeArgon2();
      const guess = { password: PASSWORD, salt: Buffer.from(salt, 'base64'), secret: null, length: 32 };
      const derived = await argon2({ ...guess, memoryCost: 19_456, timeCost: 2, parallelism: 1 });
      assert.ok(!derived.equals(Buffer.from(hash, 'base64')));
    });
  });
});

describe('a hash that is out of date', () => {
  test('of a former root secret is made anew after its owner has signed in, until nothing needs the former', async () => {
    await onFile(async (open, file) => {
      const first = await open();
      await first.browser().signUp('one@example.org');
      await first.auth.close();
      const before = passwordRow(file, 'one@example.org');

      const both = await open(`${NEW_SECRET},${TEST_SECRET}`);
      await assert.rejects(open(NEW_SECRET), ConfigError, 'a password still needs the former');
      await both.browser().signIn('one@example.org');
      const { user } = await both.rehashed;
      assert.ok(user !== undefined);
      await both.auth.close();
      const rehashed = passwordRow(file, 'one@example.org');
      assert.equal(rehashed.pepper, parseRootSecret(NEW_SECRET).current.id);
      assert.notEqual(rehashed.phc, before.phc);
      assert.equal(rehashed.changed_at, before.changed_at, 'its owner has not changed it');

      const last = await open(NEW_SECRET);
      await last.browser().signIn('one@example.org');
    });
  });

  test('of a lower cost, made elsewhere without a pepper, is made anew after its owner has signed in', async () => {
    await onFile(async (open, file) => {
      const world = await open();
      const { auth, store, rehashed } = world;
      await world.browser().signUp('one@example.org');
      const user = await store.users.findByEmail('one@example.org');
      assert.ok(user !== null);
      const salt = Buffer.from('sixteen salt....');
      const cost = { memoryCost: 8_192, timeCost: 1, parallelism: 1 };
      const argon2 = await nativeArgon2();
      const hash = await argon2({ password: PASSWORD, salt, secret: null, length: 32, ...cost });
      const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
      const phc = `$argon2id$v=19$m=8192,t=1,p=1$${base64(salt)}$${base64(hash)}`;
      await store.passwords.put({ userId: user.id, phc, pepper: null, changedAt: 0 });

      const wrong = await world.browser().post('/auth/sign-in', {
        email: 'one@example.org',
        password: `${PASSWORD}!`,
      });
      assert.equal(wrong.status, 401);
      assert.equal(passwordRow(file, 'one@example.org').phc, phc, 'a wrong password makes nothing anew');
      await world.browser().signIn('one@example.org');
      await rehashed;
      const row = passwordRow(file, 'one@example.org');
      assert.match(row.phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      assert.equal(row.pepper, auth.config.rootSecret.current.id);
      await world.browser().signIn('one@example.org');
    });
  });
});

describe('a start', () => {
  const SECRETS: readonly [what: string, secret: string | undefined][] = [
    ['without a secret', undefined],
    ['with an empty secret', ''],
    ['with a word', 'changeme'],
    ['with a word again and again', 'changeme'.repeat(8)],
    ['with a sentence', 'please change me before you go live'],
    ['with one character', 'x'.repeat(64)],
    ['with zeros', Buffer.alloc(32).toString('base64')],
    ['with zeros in hex', '0'.repeat(64)],
    ['with a pattern', '0123456789abcdef'.repeat(4)],
    ['with 16 random bytes', 'q83vEjRWeJCrze8SNFZ4kA=='],
  ];
  for (const [what, secret] of SECRETS) {
    test(`${what} is refused by name, and the message does not show it (@asvs 6.3.2)`, () => {
      assert.throws(
        () => latchkey({ url: ORIGIN, secret, store: sqlite(':memory:') }),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.match(error.message, /secret/);
          if (secret !== undefined && secret !== '') assert.ok(!error.message.includes(secret));
          return true;
        },
      );
    });
  }
});
