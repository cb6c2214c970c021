import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { warningsOf } from './warnings.ts';

/** What is said as a warning from now on. */
function listen(t: TestContext): readonly string[] {
  const said: string[] = [];
  t.mock.method(process, 'emitWarning', (message: string, name: string) => {
    assert.equal(name, 'LatchkeyWarning');
    said.push(message);
  });
  return said;
}

describe('what fails where nobody listens', () => {
  test('is said once in ten minutes, whoever throws it, and another thing at once', (t) => {
    const said = listen(t);
    const time = { now: 0 };
    const warn = warningsOf({ now: () => 0, monotonic: () => time.now });
    for (const [after, failed, count] of [
      [0, new Error('away'), 1],
      [1, new Error('away'), 1],
      [1, 'away', 1],
      [2, new Error('refused'), 2],
      [599_999, new Error('away'), 2],
      [600_000, new Error('away'), 3],
      [600_001, new Error('away'), 3],
    ] as const) {
      time.now = after;
      warn(failed);
      assert.equal(said.length, count, `${after} ms`);
    }
    assert.deepEqual(said, ['away', 'refused', 'away']);
  });

  test('is not remembered without end: a hundred things are told apart', (t) => {
    const said = listen(t);
    const warn = warningsOf({ now: () => 0, monotonic: () => 0 });
    for (let nr = 0; nr < 100; nr += 1) warn(`${nr}`);
    warn('0');
    assert.equal(said.length, 100);
    warn('100');
    warn('0');
    assert.equal(said.length, 102);
  });
});
