import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hash } from '@node-rs/argon2';
import { requestText, run } from './load.ts';
import { type MeasuredServer, startServer } from './processes.ts';
import { newRootSecret, PASSWORD, seedUsers } from './seed.ts';
import { median, range } from './statistics.ts';

const USERS = 64;
const CONCURRENCY = 8;
/** OWASP ASVS 5.0 appendix C, as in Latchkey. The `2` is Argon2id. */
const ARGON2ID = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** What came of the sign-ins. */
export interface SignInResult {
  /** Sign-ins in a second, medians over the rounds. */
  readonly latchkey: number;
  readonly bare: number;
  /** Median over the rounds of Latchkey's rate to the bare one's in the same round. */
  readonly ofBare: number;
  readonly ofBareRange: readonly [least: number, most: number];
  /** Processor time of the server's process for a sign-in, in milliseconds, medians over the rounds. */
  readonly latchkeyCpu: number;
  readonly bareCpu: number;
}

interface Slice {
  readonly rate: number;
  readonly cpu: number;
}

/** Measures sign-ins with the right password, eight at a time, of users who take turns. */
export async function measureSignIn(options: {
  readonly folder: string;
  readonly rounds: number;
  readonly millis: number;
}): Promise<SignInResult> {
  const { folder, rounds, millis } = options;
  const secret = newRootSecret();
  const databases = { latchkey: join(folder, 'sign-in.db'), bare: join(folder, 'sign-in-bare.db') };
  const emails = await seedUsers(databases.latchkey, secret, USERS);
  await seedBare(databases.bare, emails);
  const requests = emails.map((email) => {
    const headers = { Host: 'localhost:3000', 'Content-Type': 'application/json', 'User-Agent': BROWSER };
    return requestText('POST /auth/sign-in', headers, JSON.stringify({ email, password: PASSWORD }));
  });
  const ours = await startServer('sign-in-server.ts', ['latchkey', databases.latchkey, secret]);
  const bare = await startServer('sign-in-server.ts', ['bare', databases.bare]);
  const slices: { ours: Slice; bare: Slice }[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const first = await measureSlice(round % 2 === 0 ? ours : bare, requests, millis);
      const second = await measureSlice(round % 2 === 0 ? bare : ours, requests, millis);
      const pair = round % 2 === 0 ? { ours: first, bare: second } : { ours: second, bare: first };
      if (round > 0) slices.push(pair);
    }
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
  }
  const ratios = slices.map((slice) => slice.ours.rate / slice.bare.rate);
  return {
    latchkey: median(slices.map((slice) => slice.ours.rate)),
    bare: median(slices.map((slice) => slice.bare.rate)),
    ofBare: median(ratios),
    ofBareRange: range(ratios),
    latchkeyCpu: median(slices.map((slice) => slice.ours.cpu)),
    bareCpu: median(slices.map((slice) => slice.bare.cpu)),
  };
}

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

async function measureSlice(
  server: MeasuredServer,
  requests: readonly Buffer[],
  millis: number,
): Promise<Slice> {
  const before = await server.cpu();
  const tally = await run({ port: server.port, requests, connections: CONCURRENCY }, { millis });
  const cpu = (await server.cpu()) - before;
  if (tally.statuses.get(200) !== tally.answered) {
    throw new Error(`a sign-in was answered ${JSON.stringify([...tally.statuses])}`);
  }
  return { rate: tally.answered / tally.seconds, cpu: cpu / 1_000 / tally.answered };
}

async function seedBare(database: string, emails: readonly string[]): Promise<void> {
  const store = new DatabaseSync(database);
  store.exec('CREATE TABLE users (email TEXT PRIMARY KEY, phc TEXT NOT NULL) STRICT');
  store.exec('CREATE TABLE sessions (id TEXT PRIMARY KEY, email TEXT NOT NULL, created_at INTEGER) STRICT');
  const insert = store.prepare('INSERT INTO users (email, phc) VALUES (?, ?)');
  for (const email of emails) insert.run(email, await hash(PASSWORD, ARGON2ID));
  store.close();
}
