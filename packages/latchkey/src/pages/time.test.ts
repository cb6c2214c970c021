import assert from 'node:assert/strict';
import { test } from 'node:test';
import { time } from './time.ts';

const CASES: readonly [at: number, machine: string, person: string][] = [
  [Date.UTC(2026, 10, 23, 9, 14, 5, 7), '2026-11-23T09:14:05.007Z', '23 Nov 2026, 09:14 UTC'],
  [Date.UTC(2027, 0, 1), '2027-01-01T00:00:00.000Z', '1 Jan 2027, 00:00 UTC'],
  [Date.UTC(2026, 11, 31, 23, 59, 59, 999), '2026-12-31T23:59:59.999Z', '31 Dec 2026, 23:59 UTC'],
];

test('a time is written for people and for machines, in UTC whatever the zone of the server', () => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Pacific/Kiritimati';
  try {
    for (const [at, machine, person] of CASES) {
      assert.equal(time(at).toString(), `<time datetime="${machine}">${person}</time>`);
    }
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});
