import { randomInt } from 'node:crypto';
import type { Cursor } from '@latchkey/verify';
import type { Store } from 'latchkey';
import type {
  PasswordRecord,
  SessionReading,
  UserRecord,
} from '../../../packages/latchkey/src/stores/records.ts';
import type { LogStore, Tables } from '../../../packages/latchkey/src/stores/store.ts';
import { overriding } from '../../attacks/scene.ts';

type StorePull = Awaited<ReturnType<LogStore['pull']>>;

/** A store in which something is done otherwise, inside transactions too. */
function changed(store: Store, change: (tables: Tables) => Partial<Tables>): Store {
  return overriding(store, {
    ...change(store),
    transaction: (work) => store.transaction((tables) => work(overriding(tables, change(tables)))),
  });
}

function reading(store: Store, change: (reading: SessionReading) => SessionReading): Store {
  return changed(store, ({ sessions }) => ({
    sessions: overriding(sessions, {
      read: async (id) => {
        const found = await sessions.read(id);
        return found === null ? null : change(found);
      },
    }),
  }));
}

function pulling(store: Store, change: (real: StorePull, cursor: Cursor | null) => StorePull): Store {
  return changed(store, ({ log }) => ({
    log: overriding(log, { pull: async (cursor, now) => change(await log.pull(cursor, now), cursor) }),
  }));
}

/** How long pulls are answered from one and the same snapshot. */
const BLIND_FOR = 10_000;

/** Pulls are answered from a snapshot that was true a while ago, as if nothing had happened since. */
function blind(store: Store): Store {
  let since = 0;
  return pulling(store, (real, cursor) => {
    const now = performance.now();
    if (cursor !== null && now - since < BLIND_FOR) return { ...real, head: cursor.seq, entries: [] };
    since = now;
    return real;
  });
}

/** Pulls lose the last entry before the head, as those do whose numbers are not in the order of commits. */
function leaky(store: Store): Store {
  return pulling(store, (real) => ({ ...real, entries: real.entries.slice(0, -1) }));
}

/** Floors are written and never read, but where a session is created. */
function withoutFloors(store: Store): Store {
  return reading(store, (found) => ({ ...found, floor: null }));
}

/** The row does not say that its session was ended. */
function withoutEnds(store: Store): Store {
  return reading(store, (found) => ({ ...found, session: { ...found.session, revokedSeq: null } }));
}

/** A password is read once and remembered. */
function rememberingPasswords(store: Store): Store {
  const remembered = new Map<string, PasswordRecord>();
  return changed(store, ({ passwords }) => ({
    passwords: overriding(passwords, {
      find: async (user) => {
        const found = remembered.get(user) ?? (await passwords.find(user));
        if (found !== null) remembered.set(user, found);
        return found;
      },
    }),
  }));
}

/** Who asks that a session be spared is told that it was. */
function sparingNobody(store: Store): Store {
  return changed(store, ({ sessions }) => ({
    sessions: overriding(sessions, { spare: async () => true }),
  }));
}

/** Now and then a session is read with whoever was read before. */
function swappingUsers(store: Store): Store {
  let before: UserRecord | null = null;
  return reading(store, (found) => {
    const user = randomInt(20) === 0 ? (before ?? found.user) : found.user;
    before = found.user;
    return { ...found, user };
  });
}

/** What a node may do wrong, by how its store lies to it. */
export const FAULTS = {
  blind,
  leaky,
  withoutFloors,
  withoutEnds,
  rememberingPasswords,
  sparingNobody,
  swappingUsers,
} as const satisfies Readonly<Record<string, (store: Store) => Store>>;

export type Fault = keyof typeof FAULTS;
