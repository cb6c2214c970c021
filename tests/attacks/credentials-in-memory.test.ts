import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { sqlite } from 'latchkey';
import { bodyOf, openWorld } from '../http/world.ts';
import { folder } from './scene.ts';

const REMEMBERER = join(import.meta.dirname, 'rememberer.ts');

test('whoever reads the memory of a node finds whom it remembers, and no credential (@rule R5)', async () => {
  const place = await folder();
  const world = await openWorld({ clients: { spa: 'hybrid' } }, sqlite(place.file));
  const headers: string[] = [];
  for (const name of ['ada', 'grace', 'last']) {
    const visit = world.browser();
    const { access_token: token } = await bodyOf(await visit.signUp(`${name}@example.com`));
    headers.push(`Cookie:theme=dark; ${visit.cookie ?? ''}`, `Authorization:Bearer ${String(token)}`);
  }
  await world.auth.close();
  const lines = [randomBytes(48).toString('base64url'), ...headers];

  const child = spawn(process.execPath, ['--conditions=latchkey-source', REMEMBERER, place.file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const said: unknown = JSON.parse(await text(child.stdout));
  await place.remove();
  assert.ok(typeof said === 'object' && said !== null && 'found' in said && Array.isArray(said.found));
  const { found } = said;
  assert.equal(found[0], true, 'what is held is found');
  assert.deepEqual(found.slice(1, 5), [false, false, false, false]);
  assert.equal('remembered' in said && said.remembered, headers.length);
});
