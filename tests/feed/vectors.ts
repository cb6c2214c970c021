import { type EntryKind, type Facts, feedSubject, RevokedSet, type Scope, subjectOf } from '@latchkey/verify';
import { encodeSnapshot } from '../../packages/latchkey/src/feed/snapshot.ts';

/*
 * What docs/feed/vectors.json holds, made by the code. `node tests/feed/write-vectors.ts`
 * writes it anew, which is right only where the contract has changed.
 */

const salt = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const epoch = 'dGhlLWVwb2NoLW9mLTIwMjY';
const EPOCH_START = 1_849_000_000_000_000;
const HEAD = EPOCH_START + 7;
const NOW = 1_795_000_000;
const LIFE = 460;

const sid = (byte: number): string => Buffer.alloc(16, byte).toString('base64url');
const client = (name: string): string => subjectOf('client', name);
const kid = (name: string): string => subjectOf('signing_key', name);

const [S1, S2, S3, U1, U2] = [sid(0x11), sid(0x12), sid(0x13), sid(0x21), sid(0x22)];
const KID = 'Zm9yLXRoZS12ZWN0b3JzLW9mLWRvY3MvZmVlZC5tZC4';
const LOST_KID = 'bG9zdC1rZXktb2YtdGhlLXZlY3RvcnMtZmVlZC5tZC4';

interface Line {
  readonly seq: number;
  readonly kind: EntryKind;
  readonly scope: Scope;
  readonly subject: string;
}

const line = (after: number, kind: EntryKind, scope: Scope, subject: string): Line => ({
  seq: EPOCH_START + after,
  kind,
  scope,
  subject,
});

const IN_SNAPSHOT: readonly Line[] = [
  line(1, 'revoke', 'session', S1),
  line(2, 'revoke', 'user', U1),
  line(3, 'changed', 'user', U2),
  line(4, 'revoke', 'client', client('old-app')),
  line(5, 'revoke', 'signing_key', kid(LOST_KID)),
  line(6, 'changed', 'session', S3),
  line(7, 'revoke', 'user', U1),
];
const PULLED: readonly Line[] = [line(8, 'revoke', 'session', S2), line(9, 'changed', 'all', '')];
const HINTED: readonly Line[] = [line(10, 'revoke', 'client', client('new-app'))];

const expiryOf = ({ seq }: Line): number => NOW + LIFE + (seq - EPOCH_START);
const jsonOf = (entry: Line): readonly (string | number)[] => [
  entry.seq,
  entry.kind,
  entry.scope,
  feedSubject(salt, entry.scope, entry.subject),
  expiryOf(entry),
];

function setOf(lines: readonly Line[]): RevokedSet {
  const set = new RevokedSet();
  for (const entry of lines) set.apply({ ...entry, expiresAt: expiryOf(entry) * 1_000 });
  return set;
}

interface Claims {
  readonly sid?: string;
  readonly sub: string;
  readonly client_id: string;
  readonly kid: string;
  readonly rs?: number;
}

const LAST = EPOCH_START + 9;
const GOOD: Claims = { sid: sid(0x31), sub: sid(0x41), client_id: 'web', kid: KID, rs: LAST };

const CASES: readonly (readonly [why: string, facts: Claims])[] = [
  ['nothing speaks of it', GOOD],
  ['its session has ended, whatever its position', { ...GOOD, sid: S1 }],
  ['its session has ended, as the pull tells', { ...GOOD, sid: S2 }],
  ['its session has changed since', { ...GOOD, sid: S3, rs: EPOCH_START + 5 }],
  ['its session has changed before; the change of all came later', { ...GOOD, sid: S3, rs: EPOCH_START + 8 }],
  ['trust in its user has ended since', { ...GOOD, sub: U1, rs: EPOCH_START + 6 }],
  ['it was issued after trust in its user had ended', { ...GOOD, sub: U1 }],
  ['its user has changed since', { ...GOOD, sub: U2, rs: EPOCH_START + 2 }],
  ['everything has changed since', { ...GOOD, rs: EPOCH_START + 8 }],
  ['trust in its client has ended since', { ...GOOD, client_id: 'old-app', rs: EPOCH_START + 3 }],
  ['its client was ended before, and began anew', { ...GOOD, client_id: 'old-app' }],
  ['its client is hinted at', { ...GOOD, client_id: 'new-app' }],
  ['the key that signed it is revoked, whatever its position', { ...GOOD, kid: LOST_KID }],
  ['its position is of an older history', { ...GOOD, rs: EPOCH_START - 1 }],
  ['its position is above the head', { ...GOOD, rs: LAST + 1 }],
  ['it has no position', withoutPosition(GOOD)],
  ['it has no position, and its session has ended', { ...withoutPosition(GOOD), sid: S1 }],
  ['above the head, and its key is revoked', { ...GOOD, kid: LOST_KID, rs: LAST + 1_000 }],
  ['a token of a client itself', { sub: 'client_web', client_id: 'web', kid: KID, rs: LAST }],
  [
    'a token of a client itself that was ended since',
    { sub: 'client_old-app', client_id: 'old-app', kid: KID, rs: EPOCH_START + 3 },
  ],
];

function withoutPosition({ sid: session = '', sub, client_id: name, kid: key }: Claims): Claims {
  return { sid: session, sub, client_id: name, kid: key };
}

function verdictOn(claims: Claims): string {
  const facts: Facts = {
    // What has no position cannot be newer than anything, and nothing newer than it is said of it by a position.
    rs: claims.rs ?? Number.MAX_SAFE_INTEGER,
    session: claims.sid ?? null,
    user: claims.sid === undefined ? null : claims.sub,
    client: client(claims.client_id),
    signingKey: kid(claims.kid),
  };
  const proved = setOf([...IN_SNAPSHOT, ...PULLED]).judge(facts);
  const verdict = proved === 'ok' ? setOf(HINTED).judge(facts) : proved;
  if (verdict === 'revoked') return 'revoked';
  if (claims.rs === undefined || claims.rs < EPOCH_START || claims.rs > LAST) return 'unknown';
  return verdict === 'ok' ? 'good' : verdict;
}

const SUBJECTS: readonly (readonly [Scope, name: string | null, subject: string])[] = [
  ['session', null, S1],
  ['user', null, S1],
  ['user', null, U1],
  ['client', 'orders', client('orders')],
  ['client', 'büro', client('büro')],
  ['organisation', null, S1],
  ['api_key', null, S1],
  ['signing_key', KID, kid(KID)],
  ['all', null, ''],
];

/** Makes what the file holds. */
export async function makeVectors(): Promise<object> {
  const about = {
    salt,
    epoch,
    epochStart: EPOCH_START,
    head: HEAD,
    tag: 187_649_984_473_770,
    now: NOW * 1_000,
  };
  const parts = await encodeSnapshot(about, setOf(IN_SNAPSHOT).sections(), async () => undefined);
  return {
    salt: salt.toString('base64url'),
    subjects: SUBJECTS.map(([scope, name, subject]) => ({
      scope,
      ...(name === null ? {} : { name }),
      before: Buffer.from(subject, 'base64url').toString('hex'),
      hashed: feedSubject(salt, scope, subject),
    })),
    snapshot: {
      hex: Buffer.concat(parts).toString('hex'),
      epoch,
      epoch_start: EPOCH_START,
      head: HEAD,
      tag: about.tag,
      now: NOW,
      slots: slotsOf(IN_SNAPSHOT),
    },
    pull: {
      epoch,
      epoch_start: EPOCH_START,
      tag: 12_345,
      head: LAST,
      now: NOW + 1,
      age_ms: 250,
      max_staleness_ms: 5_000,
      salt: salt.toString('base64url'),
      entries: PULLED.map(jsonOf),
    },
    hints: `retry: 1000\n: open\n\n${HINTED.map((entry) => `event: entry\nid: ${entry.seq}\ndata: ${JSON.stringify(jsonOf(entry))}\n\n`).join('')}:\n\n`,
    verdicts: CASES.map(([why, facts]) => ({ why, facts, verdict: verdictOn(facts) })),
  };
}

/** As the snapshot has them: one for each kind, scope and subject, with the highest position and the latest expiry. */
function slotsOf(lines: readonly Line[]): readonly (readonly (string | number)[])[] {
  const slots = new Map<string, readonly (string | number)[]>();
  for (const entry of lines) slots.set(`${entry.kind} ${entry.scope} ${entry.subject}`, jsonOf(entry));
  return [...slots.values()];
}

/** Where they stand. */
export const VECTORS = new URL('../../docs/feed/vectors.json', import.meta.url);
