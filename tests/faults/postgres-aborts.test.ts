import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { node } from 'latchkey/node';
import { sessionIn } from '../attacks/scene.ts';
import type { World } from '../http/world.ts';
import { arrive, openScene, type Person, type Scene } from './postgres-scene.ts';

const PEOPLE = 10;
const AT_ONCE = 50;
const TURNS = 8;
/** Fewer than ask at once, so that each connection is lent again and again. */
const CONNECTIONS = 4;
/** So short that a frozen way makes answers come too late. */
const LIMITS = { connect: 1_000, call: 400 };

let scene: Scene;
const closing: (() => Promise<void>)[] = [];
before(async () => {
  // Next to nothing is answered from memory.
  scene = await openScene({
    latchkey: { nearCache: { entries: 1 } },
    postgres: { connections: CONNECTIONS },
    limits: LIMITS,
  });
});
after(async () => {
  for (const close of closing) await close();
  await scene.close();
});

/** Serves a node over TCP, since only there a client can go away. */
async function serve({ auth }: World): Promise<string> {
  const server = createServer(
    node(auth).routes((_incoming, outgoing) => {
      outgoing.writeHead(404).end();
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What only this person's answers hold. */
const ASKS: readonly ((
  person: Person,
) => readonly [path: string, headers: Record<string, string>, own: string])[] = [
  ({ visit, email }) => ['/auth/me', { Cookie: visit.cookie ?? '' }, email],
  ({ access, email }) => ['/auth/me', { Authorization: `Bearer ${access}` }, email],
  ({ visit }) => ['/auth/sessions', { Cookie: visit.cookie ?? '' }, sessionIn(visit.cookie)],
];

async function ask(url: string, person: Person, ask: (typeof ASKS)[number], life: number): Promise<string> {
  const [path, headers, own] = ask(person);
  try {
    const response = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(life) });
    const text = await response.text();
    if (response.status === 503) return 'unavailable';
    assert.equal(response.status, 200, text);
    assert.ok(text.includes(own), `${person.email} was answered ${text}`);
    return 'own';
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return 'aborted';
  }
}

test('clients that go away at any moment never leave an answer for somebody else (@threat O3, @fault F24)', async () => {
  const { here, there } = scene;
  const people: Person[] = [];
  for (let index = 0; index < PEOPLE; index += 1) {
    people.push(await arrive(index % 2 === 0 ? here : there, `person-${index}@example.com`));
  }
  const nodes = await Promise.all(
    [here, there].map(async ({ way, world }) => ({ way, url: await serve(world) })),
  );
  const pick = <T>(from: readonly T[]): T => from[randomInt(from.length)] as T;

  const asked = new AbortController();
  const stalls = nodes.map(async ({ way }) => {
    while (!asked.signal.aborted) {
      await sleep(randomInt(20, 120));
      way.freeze();
      await sleep(randomInt(20, 600));
      way.thaw();
    }
  });
  const asks = Array.from({ length: AT_ONCE }, async () => {
    const told: string[] = [];
    for (let turn = 0; turn < TURNS; turn += 1) {
      // A third goes away.
      const life = randomInt(3) === 0 ? randomInt(1, 60) : 20_000;
      told.push(await ask(pick(nodes).url, pick(people), pick(ASKS), life));
    }
    return told;
  });
  const outcomes = await Promise.all(asks).finally(() => asked.abort());
  await Promise.all(stalls);
  const counted = Object.groupBy(outcomes.flat(), (outcome) => outcome);
  for (const outcome of ['own', 'aborted', 'unavailable']) assert.ok(counted[outcome] !== undefined, outcome);

  for (const { url, way } of nodes) {
    for (const person of people) {
      for (const kind of ASKS) {
        while ((await ask(url, person, kind, 20_000)) !== 'own') await sleep(10);
      }
    }
    // One more listens, and two follow the log.
    assert.ok(way.open <= CONNECTIONS + 3, `${way.open} connections`);
  }
});
