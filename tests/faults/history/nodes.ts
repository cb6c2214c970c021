import { fileURLToPath } from 'node:url';
import { type Running, startUntil } from '../../server/process.ts';
import type { Fault } from './faulty-stores.ts';
import type { NodeSetup } from './node.ts';
import { SHARED_STORES, type SharedStoreName } from './shared-stores.ts';

const PROGRAM = fileURLToPath(new URL('node.ts', import.meta.url));

/** Two nodes over one store. */
export interface Nodes {
  /** Where they listen, by name. */
  readonly urls: ReadonlyMap<string, string>;
  /** What they complained of. */
  complaints(): string;
  close(): Promise<void>;
}

/** Starts nodes `a` and `b` over a new database; `fault` is what `b` does wrong. */
export async function openNodes(
  store: SharedStoreName,
  bound: number,
  fault: Fault | null = null,
): Promise<Nodes> {
  const { address, remove } = await SHARED_STORES[store].provide();
  const running = new Map<string, Running>();
  const start = async (name: string, fault: Fault | null): Promise<void> => {
    const setup: NodeSetup = { store, address, fault, bound };
    running.set(name, await startUntil(PROGRAM, [JSON.stringify(setup)], {}, /^ready \d+$/m));
  };
  const close = async (): Promise<void> => {
    await Promise.all([...running.values()].map((node) => node.end('SIGTERM')));
    await remove();
  };
  try {
    // One after the other: the first makes the schema and the key that both sign with.
    await start('a', null);
    await start('b', fault);
  } catch (error) {
    await close();
    throw error;
  }
  const portOf = ({ output }: Running): string => /^ready (\d+)$/m.exec(output.stdout)?.[1] ?? '';
  return {
    urls: new Map([...running].map(([name, node]) => [name, `http://127.0.0.1:${portOf(node)}`])),
    complaints: () => [...running.values()].map(({ output }) => output.stderr).join(''),
    close,
  };
}
