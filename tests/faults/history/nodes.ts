import { fileURLToPath } from 'node:url';
import { type Running, startUntil } from '../../server/process.ts';
import type { Fault } from './faulty-stores.ts';
import type { NodeSetup } from './node.ts';
import type { ServiceSetup } from './service.ts';
import { SHARED_STORES, type SharedStoreName } from './shared-stores.ts';

const NODE = fileURLToPath(new URL('node.ts', import.meta.url));
const SERVICE = fileURLToPath(new URL('service.ts', import.meta.url));

/** What is wrong with a node, or that the service behind it hears nothing. */
export type Wrong = Fault | 'deaf';

/** Two nodes over one store, and a service that follows each. */
export interface Nodes {
  /** Where they listen, by name. */
  readonly urls: ReadonlyMap<string, string>;
  /** Where the services listen, by name. */
  readonly services: ReadonlyMap<string, string>;
  /** What they complained of. */
  complaints(): string;
  close(): Promise<void>;
}

/** Starts nodes `a` and `b` over a new database, and a service behind each; `wrong` is of `b` or behind it. */
export async function openNodes(
  store: SharedStoreName,
  bound: number,
  wrong: Wrong | null = null,
): Promise<Nodes> {
  const { address, remove } = await SHARED_STORES[store].provide();
  const running = new Map<string, Running>();
  const serving = new Map<string, Running>();
  const start = async (name: string, fault: Fault | null): Promise<void> => {
    const setup: NodeSetup = { store, address, fault, bound };
    const node = await startUntil(NODE, [JSON.stringify(setup)], {}, /^ready \d+ \S+$/m);
    running.set(name, node);
  };
  const serve = async (node: string, deaf: boolean): Promise<void> => {
    const followed = running.get(node);
    if (followed === undefined) throw new TypeError('it follows no node');
    const key = /^ready \d+ (\S+)$/m.exec(followed.output.stdout)?.[1] ?? '';
    const setup: ServiceSetup = { via: urlOf(followed), key, deaf };
    serving.set(`${node}-service`, await startUntil(SERVICE, [JSON.stringify(setup)], {}, /^ready \d+$/m));
  };
  const close = async (): Promise<void> => {
    await Promise.all([...serving.values(), ...running.values()].map((each) => each.end('SIGTERM')));
    await remove();
  };
  try {
    // One after the other: the first makes the schema and the key that both sign with.
    await start('a', null);
    await start('b', wrong === 'deaf' ? null : wrong);
    await Promise.all([serve('a', false), serve('b', wrong === 'deaf')]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    urls: urlsOf(running),
    services: urlsOf(serving),
    complaints: () => [...running.values(), ...serving.values()].map(({ output }) => output.stderr).join(''),
    close,
  };
}

function urlOf({ output }: Running): string {
  return `http://127.0.0.1:${/^ready (\d+)/m.exec(output.stdout)?.[1] ?? ''}`;
}

function urlsOf(running: ReadonlyMap<string, Running>): ReadonlyMap<string, string> {
  return new Map([...running].map(([name, each]) => [name, urlOf(each)]));
}
