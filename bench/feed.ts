import { join } from 'node:path';
import { createDatabase } from '../tools/postgres-database.mjs';
import { startNode } from './followed-node.ts';
import { listsFrom, numbersFrom, startTeller, type Teller } from './processes.ts';
import type { Times } from './revoke.ts';
import { median, pairs, percentile } from './statistics.ts';

/** Times in milliseconds, with the longest of all. */
export interface Spread extends Times {
  readonly max: number;
}

/** From a call in the node until those who listen have it. */
export interface Delivery {
  /** Each of them for itself. */
  readonly each: Spread;
  /** The last of them, each time. */
  readonly last: Spread;
}

/** What a revocation takes until so many verifiers refuse. */
export interface FeedResult {
  readonly store: 'PostgreSQL' | 'SQLite';
  readonly verifiers: number;
  /** In how many processes they are. */
  readonly processes: number;
  readonly revocations: number;
  /** `revoke()` called → refused. */
  readonly revoke: Delivery;
  /**
   * The store has said that the entry is on the disk → refused: of the above what the feed
   * takes. PostgreSQL may tell of it by NOTIFY before it answers.
   */
  readonly written: Delivery;
  /** One event written to as many plain streams, in the same processes. */
  readonly echo: Delivery;
  /** The same event once one row is on the disk, as a revocation is before anybody hears of it. */
  readonly durable: Delivery;
  /** Medians of `each`: the revocation of the two raw ones, and what the feed takes of it of one event. */
  readonly ofEcho: number;
  readonly ofDurable: number;
  readonly writtenOfEcho: number;
  /**
   * Processor time in microseconds for each delivery, in a run of one kind alone: what the
   * node used, and what the processes of those who listen did. For a revocation that is the
   * commit, the event and the pull that follows it.
   */
  readonly cpu: {
    readonly node: number;
    readonly verifiers: number;
    readonly echoNode: number;
    readonly echoListeners: number;
  };
  /** How much later than told one verifier was seen to refuse that is asked without a pause, in milliseconds; `null` for many. */
  readonly seenLater: Times | null;
}

/** What a revocation should take at most, of a raw event. */
export const MOST_OF_ECHO = 2;
/** Within how many milliseconds 99 of a hundred should be refused. */
export const MOST_P99 = 100;

/** Verifiers at once, by the store of the node. */
export type FeedPlan = readonly (readonly [store: FeedResult['store'], verifiers: readonly number[]])[];

export interface FeedOptions {
  readonly folder: string;
  readonly server: { readonly url: string };
  readonly plan: FeedPlan;
  readonly revocations: number;
  /** Revocations by which processor time is measured, and as many events; and by which one verifier is asked without a pause. */
  readonly apart: number;
}

/** Measures how soon verifiers refuse what a node revokes, over its feed. */
export async function measureFeed(options: FeedOptions): Promise<readonly FeedResult[]> {
  const results: FeedResult[] = [];
  for (const [store, counts] of options.plan) {
    for (const verifiers of counts) results.push(await measureStore(store, verifiers, options));
  }
  return results;
}

async function measureStore(
  store: FeedResult['store'],
  verifiers: number,
  options: FeedOptions,
): Promise<FeedResult> {
  const file = join(options.folder, `feed-${store}-${verifiers}`);
  if (store === 'SQLite') return measure(store, verifiers, `${file}.db`, file, options);
  const database = await createDatabase(options.server);
  try {
    return await measure(store, verifiers, database.url, file, options);
  } finally {
    await database.drop();
  }
}

async function measure(
  store: FeedResult['store'],
  verifiers: number,
  database: string,
  name: string,
  { revocations, apart }: FeedOptions,
): Promise<FeedResult> {
  const again = verifiers === 1 ? apart : 0;
  const file = `${name}.json`;
  const sessions = revocations + apart + again;
  const node = await startNode({ database, file, sessions, live: 0 });
  const shares = verifiers === 1 ? [1] : [Math.ceil(verifiers / 2), Math.floor(verifiers / 2)];
  const all = shares.map((share, nr) =>
    startTeller('following-process.ts', [file, String(nr), String(share), String(again)]),
  );
  for (const each of all) await each.next();
  const called = listsFrom(await tell(node, `interleaved 0 ${revocations}`));
  const revoked = await cpuOf('revoke', revocations, revocations + apart, node, all);
  const echoed = await cpuOf('echo', revocations, revocations + apart, node, all);
  const heard = await Promise.all(all.map((each) => tell(each, 'times')));
  const delivery = (kind: 'revoke' | 'echo' | 'durable', from: string = kind): Delivery =>
    deliveryOf(
      called(from),
      heard.flatMap((sent) => rowsFrom(sent, kind)),
    );
  const [first] = all;
  const seenLater = again === 0 || first === undefined ? null : await askAgain(node, first, sessions, again);
  for (const each of [...all, node]) each.tell('stop');
  const [revoke, echo, durable] = [delivery('revoke'), delivery('echo'), delivery('durable')];
  const written = delivery('revoke', 'written');
  const deliveries = apart * verifiers;
  return {
    store,
    verifiers,
    processes: all.length,
    revocations,
    revoke,
    written,
    echo,
    durable,
    ofEcho: revoke.each.p50 / echo.each.p50,
    ofDurable: revoke.each.p50 / durable.each.p50,
    writtenOfEcho: written.each.p50 / echo.each.p50,
    cpu: {
      node: revoked.node / deliveries,
      verifiers: revoked.others / deliveries,
      echoNode: echoed.node / deliveries,
      echoListeners: echoed.others / deliveries,
    },
    seenLater,
  };
}

function tell(teller: Teller, message: string): Promise<unknown> {
  teller.tell(message);
  return teller.next();
}

/** Processor time of one kind alone, in microseconds. */
async function cpuOf(
  kind: 'revoke' | 'echo',
  from: number,
  to: number,
  node: Teller,
  all: readonly Teller[],
): Promise<{ readonly node: number; readonly others: number }> {
  const read = async (): Promise<number> => {
    const used = await Promise.all(all.map((each) => tell(each, 'cpu')));
    return used.reduce<number>((sum, sent) => sum + numbersFrom(sent)('cpu'), 0);
  };
  const before = await read();
  const [used = 0] = listsFrom(await tell(node, `${kind} ${from} ${to}`))('cpu');
  return { node: used, others: (await read()) - before };
}

/** What told and what a check found, for one verifier that is asked all the time. */
async function askAgain(node: Teller, first: Teller, sessions: number, again: number): Promise<Times> {
  first.tell('again');
  await tell(node, `revoke ${sessions - again} ${sessions}`);
  const sent = listsFrom(await first.next());
  const later = pairs(sent('checked'), sent('told')).map(([checked, told]) => checked - told);
  return { p50: median(later), p99: percentile(later, 99) };
}

function rowsFrom(sent: unknown, kind: string): readonly (readonly number[])[] {
  const rows: unknown = typeof sent === 'object' && sent !== null ? Reflect.get(sent, kind) : undefined;
  if (!Array.isArray(rows)) throw new TypeError(`a child of the benchmark sent no rows ${kind}`);
  return rows.map((row: unknown) => listsFrom({ row })('row'));
}

/** @throws {TypeError} where anything was not delivered: then the times say nothing. */
function deliveryOf(called: readonly number[], heard: readonly (readonly number[])[]): Delivery {
  const rows = called.map((at, index) =>
    heard.map((row) => {
      const delivered = row[index];
      if (delivered === undefined || delivered === 0) throw new TypeError('not all was delivered');
      return delivered - at;
    }),
  );
  return { each: spreadOf(rows.flat()), last: spreadOf(rows.map((row) => Math.max(...row))) };
}

function spreadOf(values: readonly number[]): Spread {
  return {
    p50: median(values),
    p99: percentile(values, 99),
    max: values.reduce((most, value) => Math.max(most, value), 0),
  };
}
