/*
 * One node of a fleet, in a process of its own. It asks with each credential every
 * other time, and counts what is read of it:
 *
 *   fleet-process.ts <node> <file of the fleets> <asked every, ms> <asks> <cache life, ms>
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { type Latchkey, latchkey, type Store } from 'latchkey';
import type { FleetSeed } from './fleet.ts';
import { members } from './members.ts';
import { parameter, tellParent } from './processes.ts';
import { optionsFor, storeOf } from './seed.ts';

const node = Number(parameter(0));
const fleets = JSON.parse(await readFile(parameter(1), 'utf8')) as readonly FleetSeed[];
const every = Number(parameter(2));
const asks = Number(parameter(3));
const life = Number(parameter(4));

/** What was read of sessions and users while the node was asked. */
interface Reads {
  /** When each session was. */
  readonly sessions: Map<string, number[]>;
  /** How often anything else was that a check could read. */
  other: number;
  /** How often the node's copy of the log was not fresh, so that the store had to be asked. */
  stale: number;
}

function counting(store: Store): { readonly store: Store; readonly reads: Reads } {
  const reads: Reads = { sessions: new Map(), other: 0, stale: 0 };
  const { sessions, users } = store;
  const other = <Given extends unknown[], Answer>(read: (...given: Given) => Answer) => {
    return (...given: Given): Answer => {
      reads.other += 1;
      return read(...given);
    };
  };
  const counted: Store = {
    ...store,
    sessions: members(sessions, {
      read: (id) => {
        reads.sessions.set(id, [...(reads.sessions.get(id) ?? []), performance.now()]);
        return sessions.read(id);
      },
      list: other((...given) => sessions.list(...given)),
    }),
    users: members(users, {
      find: other((id) => users.find(id)),
      read: other((id) => users.read(id)),
      findByEmail: other((key) => users.findByEmail(key)),
      roles: other((id) => users.roles(id)),
    }),
  };
  return { store: counted, reads };
}

interface Opened {
  readonly auth: Latchkey;
  readonly reads: Reads;
  readonly credentials: readonly Headers[];
}

async function open({ database, secret, mode, credentials }: FleetSeed): Promise<Opened> {
  const { store, reads } = counting(storeOf(database));
  const auth = latchkey({
    ...optionsFor(database, secret, mode),
    store,
    nearCache: { life: `${life}ms` },
    onEvent: ({ type }) => {
      if (type === 'log_stale') reads.stale += 1;
    },
  });
  await auth.ready();
  const name = mode === 'jwt' ? 'authorization' : 'cookie';
  return { auth, reads, credentials: credentials.map((value) => new Headers({ [name]: value })) };
}

/** Each credential at a time of its own within the interval, on this node each second time. */
async function ask(opened: readonly Opened[], startAt: number): Promise<void> {
  for (let turn = 0; turn < asks; turn += 1) {
    for (const [index] of opened[0]?.credentials.entries() ?? []) {
      if ((turn + index) % 2 !== node) continue;
      const dueAt = startAt + every * (turn + index / (opened[0]?.credentials.length ?? 1));
      const wait = dueAt - Date.now();
      if (wait > 1) await setTimeout(wait);
      for (const { auth, credentials } of opened) {
        const credential = credentials[index];
        if (credential !== undefined) await auth.require(credential);
      }
    }
  }
}

/** The most reads of one session within one life; what is read a hundredth of it early is of the next one. */
function mostInALife(times: readonly number[]): number {
  let most = 0;
  for (const [first, from] of times.entries()) {
    const within = times.slice(first).filter((time) => time - from < life * 0.99).length;
    most = Math.max(most, within);
  }
  return most;
}

function figuresOf({ reads }: Opened, name: string): Record<string, number> {
  const all = [...reads.sessions.values()];
  return {
    [`${name}.reads`]: all.reduce((sum, times) => sum + times.length, 0),
    [`${name}.most`]: Math.max(0, ...all.map(mostInALife)),
    [`${name}.other`]: reads.other,
    [`${name}.stale`]: reads.stale,
  };
}

const opened = await Promise.all(fleets.map(open));
await tellParent({});
const startAt: unknown = (await once(process, 'message'))[0];
await ask(opened, Number(startAt));
for (const { auth } of opened) await auth.close();
await tellParent(
  Object.fromEntries(
    opened.flatMap((fleet, index) => Object.entries(figuresOf(fleet, fleets[index]?.name ?? ''))),
  ),
);
process.disconnect();
