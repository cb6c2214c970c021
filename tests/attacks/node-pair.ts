import assert from 'node:assert/strict';
import { decodeProtectedHeader, type JWK } from 'jose';
import { type Store, sqlite } from 'latchkey';
import { doorOf } from '../../packages/latchkey/src/door.ts';
import { Maintenance } from '../../packages/latchkey/src/flows/maintenance.ts';
import { type Keys, keysOf } from '../../packages/latchkey/src/keys.ts';
import { compose, type System } from '../../packages/latchkey/src/system.ts';
import type { OpenedStores } from '../contract/stores.ts';
import { CLIENTS, Program } from '../http/program.ts';
import { bodyOf, ORIGIN, TEST_SECRET, type TestClock, testClock, Visit } from '../http/world.ts';
import { folder } from './scene.ts';

/** One of several processes of a deployment, with what its own timers would do. */
export interface TestNode {
  readonly system: System;
  readonly program: Program;
  readonly keys: Keys;
  browser(): Visit;
  /** What the node does each minute. */
  maintain(): Promise<void>;
}

/** Two nodes on one database, by one clock. */
export interface NodePair {
  readonly nodes: readonly [TestNode, TestNode];
  readonly clock: TestClock;
  /** A store on the same database that is nobody's, and open. */
  other(): Promise<Store>;
  close(): Promise<void>;
}

async function onSqlite(count: number): Promise<OpenedStores> {
  const { file, remove } = await folder();
  return { stores: Array.from({ length: count }, () => sqlite(file)), close: remove };
}

/** Opens two nodes; `second` may change the store of the second. */
export async function openPair({
  on = onSqlite,
  second = (store) => store,
}: {
  readonly on?: (count: number) => Promise<OpenedStores>;
  readonly second?: (store: Store) => Store;
} = {}): Promise<NodePair> {
  const {
    stores: [one, two, three],
    close,
  } = await on(3);
  if (one === undefined || two === undefined || three === undefined)
    throw new TypeError('three were asked for');
  const clock = testClock();
  const open = async (store: Store): Promise<TestNode> => {
    const rate = { attempts: 1_000_000, within: '1m' } as const;
    const throttle = { network: rate, account: rate };
    const given = { url: ORIGIN, secret: TEST_SECRET, clients: CLIENTS, throttle, store };
    const system = compose(given, clock);
    await system.ready();
    const handler = (request: Request): Promise<Response> => system.handle(request, { peer: '203.0.113.9' });
    const maintenance = new Maintenance(system.rooms);
    return {
      system,
      program: new Program({ handler }),
      keys: keysOf(doorOf(() => system)),
      browser: () => new Visit({ handler }),
      maintain: async () => {
        maintenance.start();
        await maintenance.run();
        maintenance.stop();
      },
    };
  };
  const nodes = [await open(one), await open(second(two))] as const;
  return {
    nodes,
    clock,
    other: async () => {
      await three.open(clock.now());
      return three;
    },
    close: async () => {
      for (const { system } of nodes) await system.close();
      await three.close();
      await close();
    },
  };
}

/** The id of the key that signed a token. */
export const kidOf = (token: string): string =>
  decodeProtectedHeader(token).kid ?? assert.fail('it has no kid');

/** The ids of the keys that a node publishes. */
export async function publishedBy({ program }: TestNode): Promise<readonly string[]> {
  const { keys } = (await bodyOf(await program.send('GET', '/.well-known/jwks.json'))) as { keys: JWK[] };
  return keys.map(({ kid }) => kid ?? assert.fail('a key has no kid'));
}

/** The key of a state, where there is one of it. */
export async function keyOf({ keys }: TestNode, state: string): Promise<string> {
  const [key, ...more] = (await keys.list()).filter((each) => each.state === state);
  assert.ok(key !== undefined && more.length === 0, `one key is ${state}`);
  return key.kid;
}

/** A store that tells nobody of what others have written: its node hears of it by its own pulls alone. */
export function withoutHints(store: Store): Store {
  return { ...store, onHint: () => () => undefined };
}
