import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { inside } from '../attacks/scene.ts';
import { COMMAND, run, startServer, type TestServer, temporaryFolder } from '../server/process.ts';

/** The shell's own pipe, whose reader is gone before the command begins to write. */
const INTO_NOBODY = `
{ while [ ! -e "$PLACE/gone" ]; do sleep 0.01; done; PIPED; echo $? > "$PLACE/code"; } |
{ exec 0<&-; : > "$PLACE/gone"; }`;

describe('the command whose reader is gone', () => {
  const place = temporaryFolder();
  const data = `${place.path}/data`;
  let server: TestServer;
  before(async () => {
    server = await startServer(data);
    const made = await run(['clients', 'create', 'edge', '--audience', 'edge'], { LATCHKEY_DATA: data });
    assert.equal(made.code, 0);
  });
  after(async () => {
    await server.end('SIGTERM');
    place.remove();
  });

  /** Runs the command with `redirection`, and answers its exit code and what it says beside the pipe. */
  async function unread(args: string, redirection = ''): Promise<{ code: string; stderr: string }> {
    const folder = temporaryFolder();
    const program = `"${process.execPath}" --conditions=latchkey-source "${COMMAND}" ${args} ${redirection}`;
    const child = spawn('sh', ['-c', INTO_NOBODY.replace('PIPED', program)], {
      env: { PATH: process.env['PATH'], LATCHKEY_DATA: data, PLACE: folder.path },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.ok(existsSync(`${folder.path}/gone`));
    const code = readFileSync(`${folder.path}/code`, 'utf8').trim();
    folder.remove();
    return { code, stderr };
  }

  const rotatedAt = async (): Promise<unknown> => {
    const { stdout } = await run(['clients', 'list', '--json'], { LATCHKEY_DATA: data });
    const items = inside(JSON.parse(stdout), 'items');
    assert.ok(Array.isArray(items));
    return inside(
      items.find((item) => inside(item, 'name') === 'edge'),
      'rotatedAt',
    );
  };

  test('does its work, says nothing, and leaves nobody among the followers', async () => {
    const before = await rotatedAt();
    assert.deepEqual(await unread('clients rotate edge --yes'), { code: '0', stderr: '' });
    assert.notEqual(await rotatedAt(), before);
    const { stdout } = await run(['followers', '--json'], { LATCHKEY_DATA: data });
    const items = inside(JSON.parse(stdout), 'items');
    assert.ok(Array.isArray(items));
    assert.deepEqual(
      items.filter((item) => inside(item, 'self') !== true).map((item) => inside(item, 'name')),
      items
        .filter((item) => String(inside(item, 'name')).endsWith(` ${server.child.pid}`))
        .map((item) => inside(item, 'name')),
      'the server alone',
    );
  });

  test('does the same where what it says of errors is unread, too', async () => {
    assert.equal((await unread('clients rotate edge --yes', '2>&1')).code, '0');
    assert.equal((await unread('clients rotate nobody --yes', '2>&1')).code, '1');
  });

  test('refuses where what is unread is a backup, of which a half is none', async () => {
    const { code, stderr } = await unread('backup -');
    assert.equal(code, '1');
    assert.match(stderr, /^latchkey: who was to read the backup has stopped [^\n]+\n$/);
  });
});
