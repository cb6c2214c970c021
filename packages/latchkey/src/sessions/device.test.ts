import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deviceLabel } from './device.ts';

describe('the label of a device', () => {
  const LABELS: readonly [userAgent: string, label: string][] = [
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox on Linux'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
      'Chrome on Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
    ],
  ];
  for (const [userAgent, label] of LABELS) {
    test(`is for people: ${label}`, () => assert.equal(deviceLabel(userAgent), label));
  }

  for (const userAgent of [null, '', ' ', '/', '\0', '(', '🦊', '\ud800', '__proto__', 'constructor/1']) {
    test(`is nothing or plain where ${JSON.stringify(userAgent)} was sent`, () => {
      assert.match(deviceLabel(userAgent) ?? '-', /^[\x20-\x7e]{1,60}$/);
    });
  }

  test('is short and plain, whatever is sent', () => {
    for (const piece of [
      'x',
      'Firefox/',
      '<b>/1 ',
      '\u202e/1 ',
      'Android ',
      'Mozilla/5.0 (',
      '; ',
      '\r\nX: ',
    ]) {
      const label = deviceLabel(piece.repeat(5_000));
      assert.match(label ?? '-', /^[\x20-\x7e]{1,60}$/);
    }
  });
});
