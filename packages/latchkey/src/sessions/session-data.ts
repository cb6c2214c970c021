import type { Clock, SessionId } from '@latchkey/verify';
import { failure, invalid } from '../errors.ts';
import { readThrough } from '../foundation/schema.ts';
import type { ObjectSchema } from '../options.ts';
import type { DataValue } from '../stores/records.ts';
import type { Store, Tables } from '../stores/store.ts';
import { causeOfDeath } from './session.ts';

const MAX_BYTES = 16 * 1024;
/** How often a write that somebody overtook is tried again. */
const MAX_TRIES = 64;

type Data = Record<string, unknown>;

interface Uses {
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * Reads a session's data through the application's schema, which fills in the
 * defaults. What is stored and no longer fits the schema is left out, so that a
 * new version of an application can read the sessions of the old one.
 */
export async function readSessionData(
  tables: Tables,
  schema: ObjectSchema | null,
  id: SessionId | null,
): Promise<Data> {
  return readThrough(schema, id === null ? {} : parse(await tables.data.read(id)), 'session');
}

/**
 * Changes one key by what it was. Others may write at the same time: the change
 * is computed again until nobody came in between, so nothing of theirs is lost.
 *
 * @throws `LK_REQUEST_INVALID` where the value does not fit the schema or the data outgrow 16 kB.
 * @throws `LK_SESSION_REVOKED` where the session has ended meanwhile.
 * @throws `LK_CONFLICT` where others were faster all the time.
 */
export async function updateSessionData(
  rooms: Uses,
  schema: ObjectSchema | null,
  id: SessionId,
  key: string,
  change: (value: unknown) => unknown,
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const stored = await rooms.store.data.read(id);
    const current = await readThrough(schema, parse(stored), 'session');
    const changed = change(current[key]);
    const next =
      changed === undefined ? null : await validatedJson(schema, { ...current, [key]: changed }, key);
    const version = stored.get(key)?.version ?? 0;
    if (next === null && version === 0) return;
    if (await writeWhileAlive(rooms, id, key, next, version)) return;
  }
  throw failure('LK_CONFLICT');
}

/** At login the new session takes over what was collected before. */
export async function carryOver(tables: Tables, from: SessionId, to: SessionId): Promise<void> {
  for (const [key, { value }] of await tables.data.read(from)) await tables.data.write(to, key, value, 0);
}

async function writeWhileAlive(
  { store, clock }: Uses,
  id: SessionId,
  key: string,
  value: string | null,
  version: number,
): Promise<boolean> {
  return store.transaction(async (tables) => {
    const reading = await tables.sessions.hold(id);
    if (reading === null || causeOfDeath(reading, clock.now()) !== null) throw failure('LK_SESSION_REVOKED');
    refuseOutgrown(await tables.data.read(id), key, value);
    return tables.data.write(id, key, value, version);
  });
}

function parse(stored: ReadonlyMap<string, DataValue>): Data {
  const data: Data = {};
  for (const [key, { value }] of stored) data[key] = JSON.parse(value);
  return data;
}

async function validatedJson(schema: ObjectSchema | null, data: Data, key: string): Promise<string> {
  if (schema !== null) {
    const result = await schema['~standard'].validate(data);
    const issue = result.issues?.[0];
    if (issue !== undefined) throw invalid(`session.${key}`, issue.message);
    if (result.issues === undefined && !(key in result.value))
      throw invalid(`session.${key}`, 'the schema has no such key');
  }
  return JSON.stringify(data[key]);
}

/** Inside the transaction that writes: many may write at once, each too little to be refused alone. */
function refuseOutgrown(stored: ReadonlyMap<string, DataValue>, key: string, next: string | null): void {
  const size = (name: string, value: string): number => Buffer.byteLength(name) + Buffer.byteLength(value);
  let before = 0;
  for (const [name, { value }] of stored) before += size(name, value);
  const own = stored.get(key);
  const after =
    before - (own === undefined ? 0 : size(key, own.value)) + (next === null ? 0 : size(key, next));
  if (after > MAX_BYTES && after > before)
    throw invalid('session', `the data of a session may be ${MAX_BYTES} bytes at most`);
}
