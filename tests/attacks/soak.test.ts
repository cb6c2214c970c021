import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { UserId } from '@latchkey/verify';
import { findId } from '../../packages/latchkey/src/foundation/ids.ts';
import { chanceFrom } from '../faults/history/chance.ts';
import { bodyOf, openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';
import { inside } from './scene.ts';

const USERS = 40;
const LANES = 200;
const REQUESTS = 20_000;
/** However slow the machine is, it ends. */
const MOST_MS = 20_000;

interface Person {
  readonly email: string;
  readonly id: UserId;
}

let world: World;
let people: Person[];

before(async () => {
  // Two hundred lanes sign in again and again: none of them is to be sent away.
  world = await openWorld({ password: { queue: 10_000 } });
  people = [];
  for (let number = 0; number < USERS; number += 1) {
    const email = `person${number}@example.com`;
    const { user } = await bodyOf(await world.browser().signUp(email));
    const id = findId<'user'>(String(inside(user, 'id')));
    assert.ok(id !== null);
    people.push({ email, id });
  }
});
after(() => world.auth.close());

/** One browser of one person, who does whatever comes to mind. */
class Lane {
  readonly visit: Visit;
  readonly person: Person;
  readonly #random: (below: number) => number;
  answers = 0;
  refused = 0;

  constructor(visit: Visit, person: Person, seed: number) {
    this.visit = visit;
    this.person = person;
    this.#random = chanceFrom(seed).below;
  }

  async step(): Promise<void> {
    const choice = this.#random(1_000);
    if (this.visit.cookie === null) return this.#signIn();
    if (choice < 6) return this.#owns(await this.visit.post('/auth/sign-out'), [200]);
    if (choice < 8) return this.#owns(await this.visit.delete('/auth/sessions?except=current'), [200, 401]);
    if (choice < 11) return this.#revoke();
    if (choice < 60) return this.#list();
    return this.#me();
  }

  async #signIn(): Promise<void> {
    const response = await this.visit.post('/auth/sign-in', { email: this.person.email, password: PASSWORD });
    assert.equal(response.status, 200);
    assert.equal(inside(await bodyOf(response), 'user', 'id'), this.person.id);
    this.answers += 1;
  }

  async #me(): Promise<void> {
    const held = this.visit.cookie;
    const response = await this.visit.get('/auth/me');
    if (response.status === 401) return this.#ended();
    const me = await bodyOf(response);
    assert.equal(response.status, 200);
    assert.equal(inside(me, 'id'), this.person.id);
    assert.equal(inside(me, 'user', 'id'), this.person.id);
    assert.equal(inside(me, 'user', 'email'), this.person.email);
    assert.ok(held?.includes(String(inside(me, 'session', 'id'))), 'the session is the one of the cookie');
    this.answers += 1;
  }

  async #list(): Promise<void> {
    const held = this.visit.cookie;
    const response = await this.visit.get('/auth/sessions?limit=200');
    if (response.status === 401) return this.#ended();
    const { items } = await bodyOf(response);
    assert.ok(Array.isArray(items));
    const current = items.filter((item) => inside(item, 'current') === true);
    // It may have ended between the check and the list.
    assert.ok(current.every((item) => held?.includes(String(inside(item, 'id')))));
    this.answers += 1;
  }

  async #revoke(): Promise<void> {
    await world.auth.revoke({ user: this.person.id });
  }

  async #owns(response: Response, statuses: readonly number[]): Promise<void> {
    assert.ok(statuses.includes(response.status), String(response.status));
    await response.arrayBuffer();
    if (response.status === 401) this.#ended();
    else this.answers += 1;
  }

  #ended(): void {
    this.refused += 1;
    this.visit.cookie = null;
  }
}

test('200 requests at a time of 40 people are each answered with what is their own (@incident O2)', async (context) => {
  const seed = (Date.now() & 0x7fffffff) | 1;
  context.diagnostic(`seed ${seed}`);
  const lanes = Array.from({ length: LANES }, (_, lane) => {
    const person = people[lane % USERS];
    assert.ok(person !== undefined);
    return new Lane(world.browser(), person, seed + lane * 7_919);
  });
  const until = performance.now() + MOST_MS;
  let left = REQUESTS;
  await Promise.all(
    lanes.map(async (lane) => {
      while (left > 0 && performance.now() < until) {
        left -= 1;
        await lane.step();
      }
    }),
  );
  const answers = lanes.reduce((sum, lane) => sum + lane.answers, 0);
  const refused = lanes.reduce((sum, lane) => sum + lane.refused, 0);
  context.diagnostic(`${answers} answered, ${refused} refused of those whose session had ended`);
  assert.ok(answers > 1_000 && refused > 0);
  assert.deepEqual(
    world.events.filter(({ type }) => type === 'failed'),
    [],
  );
});
