import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../../tools/postgres.mjs';
import { TEST_SECRET } from '../http/world.ts';
import { startServer, temporaryFolder } from './process.ts';

test('a server whose PostgreSQL has gone ends when it is told to, and logs what it could not do', async (t) => {
  const postgres = await startPostgres();
  t.after(() => postgres.remove());
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const server = await startServer(folder.path, {
    LATCHKEY_DATABASE_URL: postgres.url,
    LATCHKEY_SECRET: TEST_SECRET,
  });
  t.after(() => server.end('SIGKILL'));
  await postgres.stop();
  assert.equal(await server.end('SIGTERM'), 0);
  const lines = server.output.stdout.trimEnd().split('\n');
  assert.ok(lines.some((line) => /"code":"LK_STORE_UNAVAILABLE".*"msg":"failed"/.test(line)));
  assert.ok(lines.some((line) => line.includes('"msg":"stopped"')));
});
