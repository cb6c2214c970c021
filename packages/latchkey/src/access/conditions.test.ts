import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { all, assurance, me, oneOf, recent, role, SAYS, signedIn } from './conditions.ts';

describe('conditions', () => {
  test('recent counts in whole seconds', () => {
    for (const [text, maxAge] of [
      ['1s', 1],
      ['1000ms', 1],
      ['5m', 300],
      ['1d', 86_400],
    ] as const) {
      assert.deepEqual(recent(text)[SAYS], { kind: 'recent', within: text, maxAge });
    }
  });

  for (const text of ['0s', '0ms', '999ms', '1500ms', '-1s', '1.5m', '1e3s'] as const) {
    test(`${text} is not recent`, () => assert.throws(() => recent(text), TypeError));
  }

  test('cannot be changed, nor anything in them', () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Reflect.ownKeys(value).every((key) => frozen(Reflect.get(value, key))));
    for (const value of [
      me,
      me.field('team'),
      oneOf('a', 'b'),
      signedIn(),
      role('editor'),
      recent('5m'),
      assurance('aal2'),
      all(role('editor'), signedIn()),
    ]) {
      assert.equal(frozen(value), true);
    }
  });
});
