/*
 * A node that services follow, in a process of its own, and beside it a plain stream of raw
 * events. It revokes and echoes as it is told:
 *
 *   followed-node-process.ts <database> <file for those who follow> <sessions> <live revocations>
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import type { Store } from 'latchkey';
import type { Appended, NewEntry, Standing } from '../packages/latchkey/src/stores/records.ts';
import type { Followed } from './followed-node.ts';
import { LIMITS, listen } from './listening.ts';
import { fillLog } from './live-seed.ts';
import { members } from './members.ts';
import { parameter, tellParent } from './processes.ts';
import { openRawStream, openRawTable } from './raw-stream.ts';
import { newRootSecret, optionsFor, seedTokens, storeOf } from './seed.ts';
import { openServed } from './served.ts';

/** From one call to the next, in milliseconds: a random time, so that none falls where the pulls after another always do. */
const LEAST_PAUSE = 5;
const MOST_PAUSE = 25;
/** Until the pulls that a revocation makes are over, in milliseconds. */
const AFTERMATH = 500;

/** Milliseconds, exact to less than a microsecond, on the clock that all processes share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

const [database, file] = [parameter(0), parameter(1)];
const secret = newRootSecret();
const { accessTokens, sessions, publicKey } = await seedTokens(database, secret, Number(parameter(2)));
const live = Number(parameter(3));
if (live > 0) fillLog(database, live);
/** When the store had said of each revocation that it is on the disk. */
const written: number[] = [];

function noting(store: Store): Store {
  function append(entries: readonly NewEntry[]): Promise<Appended>;
  function append(entries: readonly NewEntry[], standing: Standing): Promise<Appended | null>;
  async function append(entries: readonly NewEntry[], standing?: Standing): Promise<Appended | null> {
    const { log } = store;
    const appended = await (standing === undefined ? log.append(entries) : log.append(entries, standing));
    written.push(now());
    return appended;
  }
  return { ...store, log: members(store.log, { append }) };
}

const options = optionsFor(database, secret, 'jwt');
const { auth, app, close } = await openServed({ ...options, store: noting(storeOf(database)) });
const server = createAdaptorServer({ fetch: app.fetch, serverOptions: LIMITS });
const raw = await openRawStream();
const table = await openRawTable(database);
const keyOf = async (name: string): Promise<string> =>
  (await auth.clients.create({ name, audiences: [name] })).key.reveal();
const followed: Followed = {
  via: `http://127.0.0.1:${await listen(server)}`,
  raw: `http://127.0.0.1:${raw.port}`,
  keys: [await keyOf('orders'), await keyOf('invoices')],
  accessTokens,
  publicKey,
};
await writeFile(file, JSON.stringify(followed));

const calls = {
  revoke: async (index: number): Promise<void> => {
    await auth.revoke({ session: sessions[index] ?? '' });
  },
  echo: async (index: number): Promise<void> => raw.echo(`echo ${index}`),
  durable: async (index: number): Promise<void> => {
    await table.write(index);
    raw.echo(`durable ${index}`);
  },
};
type Kind = keyof typeof calls;

/** Calls each kind for each index, in an order that is another each time, and answers when each was called. */
async function act(
  kinds: readonly Kind[],
  from: number,
  to: number,
  slow: number,
): Promise<Record<Kind, number[]>> {
  const called: Record<Kind, number[]> = { revoke: [], echo: [], durable: [] };
  for (let index = from; index < to; index += 1) {
    const order = kinds
      .map((kind) => ({ kind, place: Math.random() }))
      .toSorted((one, other) => one.place - other.place);
    for (const { kind } of order) {
      await setTimeout(slow * (LEAST_PAUSE + Math.random() * (MOST_PAUSE - LEAST_PAUSE)));
      called[kind].push(now());
      await calls[kind](index);
    }
  }
  await setTimeout(AFTERMATH);
  return called;
}

/** Processor time of this process so far, in microseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function obey(message: unknown): Promise<void> {
  const [what = '', from = '0', to = '0'] = String(message).split(' ');
  const span = [Number(from), Number(to)] as const;
  if (what === 'stop') {
    raw.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
    await Promise.all([table.close(), close()]);
    process.disconnect();
    return;
  }
  const before = cpu();
  written.length = 0;
  const called =
    what === 'interleaved'
      ? await act(['revoke', 'echo', 'durable'], ...span, 1)
      : // As often as among the others.
        await act([what === 'echo' ? 'echo' : 'revoke'], ...span, 3);
  await tellParent({ ...called, written, cpu: [cpu() - before] });
}

process.on('message', (message) => void obey(message));
process.once('disconnect', () => process.exit());
await tellParent({});
