import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { sqlite } from 'latchkey';
import { freePort } from '../../tools/own-server.mjs';
import { call, cookieOf, startServer, temporaryFolder } from '../server/process.ts';

const ROUNDS = 6;
const PEOPLE = 4;
const passwordOf = (version: number): string =>
  `lantern orchid gravel ${'abcdefghij'[version % 10]}${version} seven`;

/** What a person was told, and what was under way when the server died. */
interface Person {
  readonly email: string;
  /** Versions of the password that may be in force: one, or two where a change was never answered. */
  passwords: number[];
  /** Cookies of sessions whose end was acknowledged. */
  readonly dead: string[];
  /** Cookies that were handed out, and that nothing has ended or begun to end. */
  living: string[];
}

const folder = temporaryFolder();
after(() => folder.remove());

/** Signs somebody up, who is one of us once that is acknowledged. */
async function signUp(url: string, email: string, people: Person[]): Promise<void> {
  const response = await call(`${url}/auth/sign-up`, 'POST', { email, password: passwordOf(0) });
  if (response.status !== 201) throw new Error(`sign-up answered ${response.status}`);
  people.push({ email, passwords: [0], dead: [], living: [cookieOf(response)] });
}

/** Lives on the server until it dies. */
async function live(url: string, person: Person): Promise<void> {
  const { email } = person;
  for (;;) {
    const version = person.passwords.at(-1) ?? 0;
    const entered = await call(`${url}/auth/sign-in`, 'POST', { email, password: passwordOf(version) });
    if (entered.status !== 200) throw new Error(`sign-in answered ${entered.status}`);
    const cookie = cookieOf(entered);
    const what = randomInt(3);
    if (what === 0) {
      const out = await call(`${url}/auth/sign-out`, 'POST', undefined, cookie);
      if (out.status === 200) person.dead.push(cookie);
    } else if (what === 1) {
      person.passwords.push(version + 1);
      const others = person.living;
      person.living = [];
      const body = { current_password: passwordOf(version), new_password: passwordOf(version + 1) };
      const changed = await call(`${url}/auth/password`, 'POST', body, cookie);
      if (changed.status !== 200) throw new Error(`the change answered ${changed.status}`);
      person.passwords = [version + 1];
      person.dead.push(...others);
      person.living = [cookieOf(changed)];
    } else person.living.push(cookie);
  }
}

async function assertKept(url: string, person: Person): Promise<void> {
  const { email } = person;
  for (const cookie of person.dead) {
    assert.equal(
      (await call(`${url}/auth/me`, 'GET', undefined, cookie)).status,
      401,
      'a dead session came back',
    );
  }
  for (const cookie of person.living) {
    assert.equal(
      (await call(`${url}/auth/me`, 'GET', undefined, cookie)).status,
      200,
      'a living session is gone',
    );
  }
  const good: number[] = [];
  for (const version of person.passwords) {
    const response = await call(`${url}/auth/sign-in`, 'POST', { email, password: passwordOf(version) });
    if (response.status === 200) good.push(version);
  }
  assert.equal(
    good.length,
    1,
    `of the passwords ${person.passwords.join()} of ${email}, ${good.length} are good`,
  );
  person.passwords = good;
}

test('killed at any moment, the server loses nothing that it acknowledged (@fault F1, F2)', async () => {
  // One port throughout: on loopback the cookie's name carries it.
  const config = { PORT: String(await freePort()) };
  const people: Person[] = [];
  let attempted = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const server = await startServer(folder.path, config);
    const newcomers: Person[] = [];
    for (const person of people) await assertKept(server.url, person);
    const lives = people.slice(-PEOPLE).map((person) => live(server.url, person));
    const emails = Array.from({ length: PEOPLE }, (_, index) => `person-${round}-${index}@example.com`);
    const signUps = emails.map((email) => signUp(server.url, email, newcomers));
    attempted += emails.length;
    const outcomes = Promise.allSettled([...lives, ...signUps]);
    await setTimeout(randomInt(30, 500));
    await server.end('SIGKILL');
    for (const outcome of await outcomes) {
      // A connection that broke is the kill; an answer that was not expected is a defect.
      if (outcome.status === 'rejected') assert.doesNotMatch(String(outcome.reason), /answered/);
    }
    people.push(...newcomers);
  }
  const server = await startServer(folder.path, config);
  for (const person of people) await assertKept(server.url, person);
  await server.end('SIGTERM');
  assert.ok(people.length > 0 && people.length <= attempted);

  const store = sqlite(join(folder.path, 'latchkey.db'));
  await store.open(Date.now());
  const users = await store.users.count();
  await store.close();
  assert.ok(users >= people.length && users <= attempted);
  const database = new DatabaseSync(join(folder.path, 'latchkey.db'), { readOnly: true });
  const [broken] = database.prepare('PRAGMA integrity_check').all();
  assert.equal(Object.values(broken ?? {})[0], 'ok');
  assert.deepEqual(database.prepare('PRAGMA foreign_key_check').all(), []);
  database.close();
});
