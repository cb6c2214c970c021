import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from '../../tools/postgres.mjs';
import { createDatabase, run } from '../../tools/postgres-database.mjs';

const TOOL = path.join(import.meta.dirname, '../../tools/postgres.mjs');

async function count(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ count: number }>('select count(*)::int as count from note');
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

describe('a PostgreSQL of our own', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  before(async () => {
    server = await startPostgres({ settings: { application_name: 'ours' } });
    await run(server.url, 'create table note (text text)');
  });
  after(async () => {
    await server.remove();
    assert.equal(existsSync(server.dataFolder), false);
  });

  const keeps = async (end: () => Promise<void>): Promise<void> => {
    const noted = await count(server.url);
    await run(server.url, "insert into note values ('kept')");
    await end();
    await assert.rejects(count(server.url), { code: 'ECONNREFUSED' });
    await server.restart();
    assert.equal(await count(server.url), noted + 1);
  };
  const endings = [
    ['stopped', async () => await server.stop()],
    ['killed', async () => await server.kill()],
  ] as const;
  for (const [how, end] of endings) {
    test(`has what was committed before it was ${how}, at the same address`, () => keeps(end));
  }

  test('lends databases that are empty, and gone when they are dropped', async () => {
    const database = await createDatabase(server);
    await run(database.url, 'create table note (text text)');
    const other = await createDatabase(server);
    await assert.rejects(count(other.url), /does not exist/);
    const connected = new pg.Client({ connectionString: database.url });
    connected.on('error', () => {});
    await connected.connect();
    await Promise.all([database.drop(), other.drop()]);
    await assert.rejects(count(database.url), { code: '3D000' });
  });
});

test('a PostgreSQL goes with the process that started it, also when that is killed', async () => {
  const code = `const { dataFolder } = await (await import(${JSON.stringify(TOOL)})).startPostgres();
    console.log(dataFolder); setInterval(() => {}, 1_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [folder] = (await once(createInterface(owner.stdout), 'line')) as [string];
  assert.equal(existsSync(folder), true);
  owner.kill('SIGKILL');
  while (existsSync(path.dirname(folder))) await setTimeout(10);
});
