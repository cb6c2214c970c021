import assert from 'node:assert/strict';
import type { Entry, Id, SessionId, Timestamp, UserId } from '@latchkey/verify';
import { randomBytes } from '../../foundation/random.ts';
import type { NewEntry, PasswordRecord, ServiceClientRecord, SessionRecord, UserRecord } from '../records.ts';
import type { Tables } from '../store.ts';

/** The time at which everything happens, unless a test says otherwise. */
export const NOW: Timestamp = 1_800_000_000_000;

/** A day in milliseconds. */
export const DAY = 86_400_000;

function isId<Kind extends string>(text: string): text is Id<Kind> {
  return text.length === 22;
}

/** A new UUIDv7, created at `at`. */
export function sampleId<Kind extends string>(at: Timestamp = NOW): Id<Kind> {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(at, 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const text = bytes.toString('base64url');
  assert.ok(isId<Kind>(text));
  return text;
}

/** Thirty-two random bytes, as SHA-256 gives. */
export function sampleHash(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

/** A user with an address of its own. */
export function sampleUser(changes: Partial<UserRecord> = {}): UserRecord {
  const id = sampleId<'user'>();
  return {
    id,
    email: `${id}@Example.com`,
    emailKey: `${id}@example.com`,
    name: null,
    emailVerifiedAt: null,
    createdAt: NOW,
    disabledAt: null,
    fields: '{}',
    ...changes,
  };
}

/** A password of a user. */
export function samplePassword(userId: UserId, changes: Partial<PasswordRecord> = {}): PasswordRecord {
  return {
    userId,
    phc: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
    pepper: null,
    changedAt: NOW,
    ...changes,
  };
}

/** A client with a key that nobody has. */
export function sampleServiceClient(changes: Partial<ServiceClientRecord> = {}): ServiceClientRecord {
  return {
    subject: sampleId<'client'>(),
    name: 'orders',
    audiences: ['orders', 'https://orders.example.com'],
    keyHash: sampleHash(),
    previousKeyHash: null,
    previousUntil: null,
    createdAt: NOW,
    rotatedAt: null,
    ...changes,
  };
}

/** A living session without a user. */
export function sampleSession(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: sampleId<'session'>(),
    userId: null,
    client: 'web',
    clientSubject: sampleId<'client'>(),
    rs: 0,
    secretHash: sampleHash(),
    previousSecretHash: null,
    rotatedAt: null,
    previousAuthTime: null,
    createdAt: NOW,
    idleUntil: NOW + DAY,
    expiresAt: NOW + 30 * DAY,
    revokedSeq: null,
    authTime: null,
    acr: null,
    amr: [],
    ip: null,
    device: null,
    chain: null,
    ...changes,
  };
}

/** An entry about a session, alive for a day. */
export function sampleEntry(changes: Partial<NewEntry> = {}): NewEntry {
  return { kind: 'revoke', scope: 'session', subject: sampleId(), expiresAt: NOW + DAY, ...changes };
}

/** Writes a user and answers it. */
export async function createUser(tables: Tables, changes: Partial<UserRecord> = {}): Promise<UserRecord> {
  const user = sampleUser(changes);
  assert.equal(await tables.users.create(user), true);
  return user;
}

/** Writes a session and answers it. */
export async function createSession(
  tables: Tables,
  changes: Partial<SessionRecord> = {},
): Promise<SessionRecord> {
  const session = sampleSession(changes);
  assert.equal(await tables.sessions.create(session), true);
  return session;
}

/** The session as it stands in the store. */
export async function storedSession(tables: Tables, id: SessionId): Promise<SessionRecord> {
  const reading = await tables.sessions.read(id);
  assert.ok(reading !== null, 'the session is not in the store');
  return reading.session;
}

/** The one entry of a list of one. */
export function only(entries: readonly Entry[]): Entry {
  const [entry] = entries;
  assert.ok(entry !== undefined && entries.length === 1, `one entry was expected, not ${entries.length}`);
  return entry;
}

/** Runs `work` so many times at once and answers how often it resolved to `true`. */
export async function winners(times: number, work: (index: number) => Promise<boolean>): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, async (_, index) => await work(index)));
  return answers.filter((won) => won).length;
}

/** Runs `work` for so many at once, each so many times, one after another; `index` counts all of them. */
export async function inTurns(
  atOnce: number,
  times: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  const one = async (worker: number): Promise<void> => {
    for (let turn = 0; turn < times; turn += 1) await work(worker * times + turn);
  };
  await Promise.all(Array.from({ length: atOnce }, async (_, worker) => await one(worker)));
}
