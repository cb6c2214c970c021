import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { freePort } from '../../tools/own-server.mjs';
import { call, startServer, type TestServer, temporaryFolder } from '../server/process.ts';

const ROUNDS = 8;
const PEOPLE = 16;

/** A person's program: the token that it would present next, and what it was told last. */
interface Person {
  token: string;
  access: string;
}

const folder = temporaryFolder();
let server: TestServer | null = null;
after(async () => {
  if (server?.child.exitCode === null && server.child.signalCode === null) await server.end('SIGKILL');
  folder.remove();
});

async function signUp(url: string, index: number): Promise<Person> {
  const body = {
    email: `person-${index}@example.com`,
    password: 'lantern orchid gravel seven',
    client: 'mobile',
  };
  const response = await call(`${url}/auth/sign-up`, 'POST', body);
  assert.equal(response.status, 201);
  return read(response);
}

async function read(response: Response): Promise<Person> {
  const { refresh_token: token, access_token: access } = (await response.json()) as Record<string, string>;
  assert.ok(token !== undefined && access !== undefined);
  return { token, access };
}

function refresh(url: string, { token }: Person): Promise<Response> {
  return call(`${url}/auth/token`, 'POST', { grant_type: 'refresh_token', refresh_token: token });
}

const generationIn = (token: string): number => Buffer.from(token.slice(4), 'base64url').readUInt32BE(16);

/** Makes every generation a minute older, so that the next refresh exchanges it. */
function age(): void {
  const database = new DatabaseSync(join(folder.path, 'latchkey.db'), { timeout: 5_000 });
  database.exec('update session set generation_at = generation_at - 60000');
  database.close();
}

/** Everyone refreshes at once, and the server dies meanwhile; answers what each was told. */
async function refreshUntilKilled(
  running: TestServer,
  people: readonly Person[],
): Promise<readonly (Person | null)[]> {
  const asking = people.map(async (person) => {
    await setTimeout(randomInt(40));
    const response = await refresh(running.url, person);
    assert.equal(response.status, 200);
    return read(response);
  });
  const outcomes = Promise.allSettled(asking);
  await setTimeout(randomInt(10, 60));
  await running.end('SIGKILL');
  return (await outcomes).map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    // A connection that broke is the kill; an answer that was not expected is a defect.
    assert.ok(!(outcome.reason instanceof assert.AssertionError), String(outcome.reason));
    return null;
  });
}

/** The same token again, as a program does that had no answer: the one successor, and never more than a step. */
async function assertGoesOn(url: string, person: Person, told: Person | null): Promise<void> {
  const response = await refresh(url, person);
  assert.equal(response.status, 200, 'somebody is signed out');
  const next = await read(response);
  if (told !== null) assert.equal(next.token, told.token, 'an answer that was given does not hold');
  assert.equal(generationIn(next.token), generationIn(person.token) + 1);
  for (const access of [next.access, ...(told === null ? [] : [told.access])]) {
    const me = await fetch(`${url}/auth/me`, { headers: { Authorization: `Bearer ${access}` } });
    assert.equal(me.status, 200);
  }
  person.token = next.token;
}

test('killed at any moment of a refresh, the server signs nobody out (@fault F1, @incident R2, @rule R10)', async () => {
  const config = { PORT: String(await freePort()) };
  const start = async (): Promise<TestServer> => (server = await startServer(folder.path, config));
  let running = await start();
  const people: Person[] = [];
  for (let index = 0; index < PEOPLE; index += 1) people.push(await signUp(running.url, index));
  for (let round = 0; round < ROUNDS; round += 1) {
    age();
    const told = await refreshUntilKilled(running, people);
    running = await start();
    // Whoever was not served before the kill is now: its generation is still old enough.
    for (const [index, person] of people.entries())
      await assertGoesOn(running.url, person, told[index] ?? null);
  }
  assert.equal(await running.end('SIGTERM'), 0);
});
