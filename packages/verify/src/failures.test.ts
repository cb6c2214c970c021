import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERIFIER_CODES, type VerifierCode } from './failures.ts';

const page = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the page lists the codes with their statuses and as what they are shown, and no others', () => {
  const listed = page
    .split('\n')
    .filter((line) => line.startsWith('| `LK_'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, code, status, shownAs]) => [code, Number(status), shownAs]);
  const table = (Object.keys(VERIFIER_CODES) as VerifierCode[]).map((code) => {
    const { status, public: shownAs } = VERIFIER_CODES[code];
    return [code, status, shownAs === true ? 'itself' : shownAs];
  });
  assert.deepEqual(listed, table);
});

test('a code that is not public is shown as one of the same status', () => {
  for (const { status, public: shownAs } of Object.values(VERIFIER_CODES)) {
    if (shownAs !== true) assert.equal(VERIFIER_CODES[shownAs].status, status);
  }
});
