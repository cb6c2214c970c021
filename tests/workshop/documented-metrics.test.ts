import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

test('each metric of the server has a row on the page of operations, and no row is of none', () => {
  const made = [...read('packages/server/src/metrics.ts').matchAll(/'(latchkey_\w+)'/g)].map(
    ([, name]) => name,
  );
  const rows = read('docs/operations.md').matchAll(/^\| ((?:`latchkey_\w+`(?:, )?)+) \|/gm);
  const documented = [...rows].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  assert.ok(made.length >= 16);
  assert.deepEqual(new Set(documented), new Set(made));
});
