/*
 * One of two nodes, in a process of its own: `acts` revokes and notifies, `sees` notes
 * when it hears and when it refuses. Both read one clock, CLOCK_MONOTONIC.
 *
 *   revoke-process.ts acts|sees <database> <secret> <file of the seed>
 */
import { readFile } from 'node:fs/promises';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { type Latchkey, latchkey } from 'latchkey';
import pg from 'pg';
import { parameter, tellParent } from './processes.ts';
import { optionsFor } from './seed.ts';

/** From the start of one call to the start of the next: 50 in a second. */
const PACE = 20;
/** What is sent without Latchkey: nothing but the notification, and one with a row, whose commit waits for the disk. */
const RAW = {
  bare: "select pg_notify('bench_echo', 'bare ' || $1)",
  durable:
    'with written as (insert into bench_echo (nr) values ($1::int) returning nr) ' +
    "select pg_notify('bench_echo', 'durable ' || nr) from written",
};
type RawKind = keyof typeof RAW;

const [role, database, secret] = [parameter(0), parameter(1), parameter(2)];
const seed: unknown = JSON.parse(await readFile(parameter(3), 'utf8'));
const credentials = Array.isArray(seed) ? seed.map((cookie) => new Headers({ cookie: String(cookie) })) : [];
const count = credentials.length;

/** Milliseconds, exact to less than a microsecond. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

async function act(auth: Latchkey): Promise<void> {
  const pool = new pg.Pool({ connectionString: database });
  const raw = (kind: RawKind) => async (index: number) =>
    void (await pool.query({ name: kind, text: RAW[kind], values: [index] }));
  const revoke = async (index: number): Promise<void> => {
    await auth.revoke({ session: sessionOf(credentials[index]) });
  };
  const kinds = database.startsWith('postgres://')
    ? ([
        ['bare', raw('bare')],
        ['durable', raw('durable')],
        ['revoke', revoke],
      ] as const)
    : ([['revoke', revoke]] as const);
  const times: Record<string, number[]> = {};
  for (const [kind] of kinds) Object.assign(times, { [`${kind}.called`]: [], [`${kind}.acknowledged`]: [] });
  let next = now();
  for (let index = 0; index < count; index += 1) {
    for (let turn = 0; turn < kinds.length; turn += 1) {
      const [kind, call] = kinds[(index + turn) % kinds.length] ?? kinds[0];
      next = Math.max(next + PACE, now());
      await setTimeout(Math.max(0, next - now()));
      times[`${kind}.called`]?.push(now());
      await call(index);
      times[`${kind}.acknowledged`]?.push(now());
    }
  }
  await pool.end();
  await tellParent(times);
}

async function see(auth: Latchkey): Promise<void> {
  const heard: Record<string, number[]> = { bare: [], durable: [] };
  const client = database.startsWith('postgres://') ? new pg.Client({ connectionString: database }) : null;
  client?.on('notification', ({ payload = '' }) => {
    const at = now();
    const [kind = '', index = ''] = payload.split(' ');
    const times = heard[kind];
    if (times !== undefined) times[Number(index)] = at;
  });
  await client?.connect();
  await client?.query('listen bench_echo');
  for (const credential of credentials) await auth.require(credential);
  await tellParent({});
  const refused: number[] = [];
  for (const credential of credentials) {
    while (await isGood(auth, credential)) await setImmediate();
    refused.push(now());
  }
  // What was notified last may still be on its way.
  await setTimeout(1_000);
  await client?.end();
  await tellParent({ 'revoke.seen': refused, 'bare.seen': heard['bare'], 'durable.seen': heard['durable'] });
}

async function isGood(auth: Latchkey, credential: Headers): Promise<boolean> {
  try {
    await auth.require(credential);
    return true;
  } catch {
    return false;
  }
}

function sessionOf(credential: Headers | undefined): string {
  const id = /=lkc_([^.]{22})\./.exec(credential?.get('cookie') ?? '')?.[1];
  if (id === undefined) throw new TypeError('the cookie names no session');
  return id;
}

const auth = latchkey({ ...optionsFor(database, secret), nearCache: { life: '5m' } });
await auth.ready();
await (role === 'acts' ? act(auth) : see(auth));
await auth.close();
process.disconnect();
