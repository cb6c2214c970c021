import { readFile } from 'node:fs/promises';
import { startTeller, type Teller } from './processes.ts';

/** What those who follow a node are told. */
export interface Followed {
  /** Where the node answers. */
  readonly via: string;
  /** Where the raw events are. */
  readonly raw: string;
  /** Keys of two services. */
  readonly keys: readonly [string, string];
  readonly accessTokens: readonly string[];
  /** The key that the access tokens are verified with, as JWK. */
  readonly publicKey: { readonly kty: string };
}

export interface NodeOptions {
  readonly database: string;
  /** Where it is written what those who follow are told. */
  readonly file: string;
  /** Sessions, with an access token each. */
  readonly sessions: number;
  /** Live revocations of others, on SQLite alone. */
  readonly live: number;
}

/** Starts a node of the standalone server's in a process of its own, with a database that it fills. */
export async function startNode({ database, file, sessions, live }: NodeOptions): Promise<Teller> {
  const node = startTeller('followed-node-process.ts', [database, file, String(sessions), String(live)]);
  await node.next();
  return node;
}

/** Reads what a node has told those who follow it. */
export async function readFollowed(file: string): Promise<Followed> {
  return JSON.parse(await readFile(file, 'utf8')) as Followed;
}
