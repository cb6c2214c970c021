import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './durations.ts';

describe('durations', () => {
  for (const [text, millis] of [
    ['0ms', 0],
    ['1ms', 1],
    ['5s', 5_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['007s', 7_000],
  ] as const) {
    test(`${text} is ${millis} ms`, () => assert.equal(parseDuration(text), millis));
  }

  for (const text of [
    '',
    '5',
    's',
    '1.5h',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1w',
    '1s1s',
    '1e3s',
    '0x1s',
    '1s\n',
    '١s',
    '1000000000s',
  ]) {
    test(`${JSON.stringify(text)} is no duration`, () => assert.throws(() => parseDuration(text), TypeError));
  }

  test('are written as they are read', () => {
    assert.equal(formatDuration(900_000), '15m');
    assert.equal(formatDuration(1_500), '1500ms');
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (count, unit) => {
        const millis = parseDuration(`${count}${unit}`);
        assert.equal(parseDuration(formatDuration(millis)), millis);
      }),
    );
  });
});
