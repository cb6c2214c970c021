/*
 * Refreshing, in a process of its own:
 *
 *   refresh-process.ts <folder> <rounds> <refreshes in a block>
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '@latchkey/verify';
import { refresh } from '../packages/latchkey/src/flows/refresh.ts';
import { compose } from '../packages/latchkey/src/system.ts';
import { parameter } from './processes.ts';
import { block, cheaper, interleave, typical } from './rounds.ts';
import { newRootSecret, optionsFor, seedTokens, URL_OF_ALL } from './seed.ts';

/** How many refresh at once, besides one alone. */
const AT_ONCE = 8;
const folder = parameter(0);
const rounds = Number(parameter(1));
const count = Number(parameter(2));

const secret = newRootSecret();
const database = join(folder, 'refresh.db');
// Each block has sessions of its own: one that was refreshed moments ago is answered without a write.
const seed = await seedTokens(database, secret, (rounds + 1) * 4 * count);
const system = compose(optionsFor(database, secret, 'jwt'), systemClock);
await system.ready();
const { rooms, handle } = system;
const request = {
  client: null,
  audience: null,
  origin: { ip: '127.0.0.1', userAgent: null },
  inBrowser: false,
};
const left = seed.refreshTokens.values();
const nextTokens = (): readonly string[] => left.take(count).toArray();

// What cannot be done without, on the same kind of store with the same durability.
const raw = new DatabaseSync(join(folder, 'refresh-raw.db'));
raw.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
raw.exec(
  'CREATE TABLE chains (id BLOB PRIMARY KEY, generation INTEGER NOT NULL, at INTEGER NOT NULL) STRICT',
);
const insert = raw.prepare('INSERT INTO chains (id, generation, at) VALUES (?, 0, ?)');
const swap = raw.prepare('UPDATE chains SET generation = ?, at = ? WHERE id = ? AND generation = ?');
const ids = Array.from({ length: (rounds + 1) * 2 * count }, () => randomBytes(16));
raw.exec('BEGIN');
for (const id of ids) insert.run(id, Date.now());
raw.exec('COMMIT');
const { privateKey } = generateKeyPairSync('ed25519');
const [unsigned = ''] = /^[^.]+\.[^.]+/.exec(seed.accessTokens[0] ?? '') ?? [];
const leftRaw = ids.values();
const nextRaw = (): readonly Uint8Array[] => leftRaw.take(count).toArray();

const refreshRaw = async (id: Uint8Array): Promise<string> => {
  if (swap.run(1, Date.now(), id, 0).changes !== 1) throw new TypeError('a bare refresh changed nothing');
  return `${unsigned}.${sign(null, Buffer.from(unsigned, 'latin1'), privateKey).toString('base64url')}`;
};
const refreshFlow = (token: string): Promise<unknown> => refresh(rooms, token, request);
const refreshRequest = async (token: string): Promise<void> => {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token });
  const answer = await handle(new Request(`${URL_OF_ALL}/auth/token`, { method: 'POST', body }), {
    peer: '127.0.0.1',
  });
  if (answer.status !== 200) throw new TypeError(`a refresh was answered ${answer.status}`);
  await answer.text();
};

const costs = await interleave(
  {
    flow: block(nextTokens, refreshFlow),
    raw: block(nextRaw, refreshRaw),
    flowAtOnce: block(nextTokens, refreshFlow, AT_ONCE),
    rawAtOnce: block(nextRaw, refreshRaw, AT_ONCE),
    request: block(nextTokens, refreshRequest),
    requestAtOnce: block(nextTokens, refreshRequest, AT_ONCE),
  },
  rounds,
);
raw.close();
await system.close();
const figures = [
  ['one', costs('flow'), costs('request'), costs('raw')],
  ['atOnce', costs('flowAtOnce'), costs('requestAtOnce'), costs('rawAtOnce')],
] as const;
process.send?.(
  Object.fromEntries(
    figures.flatMap(([name, flow, asked, bare]) => {
      const { median, range } = cheaper('wall', flow, bare);
      return [
        [`${name}.flow`, 1e6 / typical('wall', flow)],
        [`${name}.request`, 1e6 / typical('wall', asked)],
        [`${name}.raw`, 1e6 / typical('wall', bare)],
        [`${name}.flowCpu`, typical('cpu', flow)],
        [`${name}.requestCpu`, typical('cpu', asked)],
        [`${name}.rawCpu`, typical('cpu', bare)],
        [`${name}.ofRaw`, median],
        [`${name}.ofRawLeast`, range[0]],
        [`${name}.ofRawMost`, range[1]],
        [`${name}.requestOfRaw`, cheaper('wall', asked, bare).median],
      ];
    }),
  ),
  () => process.disconnect(),
);
