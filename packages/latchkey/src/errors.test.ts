import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CODES, type Code } from './errors.ts';

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
const [publicPart = '', hiddenPart = ''] = page.split('## Codes that only logs and events show');
const rows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| `LK_'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));

describe('docs/errors.md', () => {
  test('lists the public codes with their statuses, and no others', () => {
    const listed = rows(publicPart).map(([, code, status]) => [code, Number(status)]);
    const table = (Object.keys(CODES) as Code[]).filter((code) => CODES[code].public === true);
    assert.deepEqual(
      listed,
      table.map((code) => [code, CODES[code].status]),
    );
  });

  test('lists the codes that are not public with what they are shown as, and no others', () => {
    const listed = rows(hiddenPart).map(([, code, , shownAs]) => [code, shownAs]);
    const table = (Object.keys(CODES) as Code[]).filter((code) => CODES[code].public !== true);
    assert.deepEqual(
      listed,
      table.map((code) => [code, CODES[code].public]),
    );
  });

  test('a code that is not public is shown as one of the same status', () => {
    for (const code of Object.keys(CODES) as Code[]) {
      const shownAs = CODES[code].public;
      if (shownAs !== true) assert.equal(CODES[shownAs].status, CODES[code].status, code);
    }
  });
});
