import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BAD_HISTORIES } from './bad-histories.ts';
import { check, RULES } from './checker.ts';
import { GOOD_HISTORIES } from './good-histories.ts';

describe('the checker of histories finds exactly what is wrong', () => {
  for (const { title, rule, history } of BAD_HISTORIES) {
    test(title, () => {
      const { violations } = check(history);
      assert.deepEqual(
        violations.map((violation) => violation.rule),
        [rule],
        violations.map(({ explanation }) => explanation).join('\n'),
      );
      const [violation] = violations;
      assert.ok(violation !== undefined && violation.explanation.includes(violation.operation.id));
    });
  }

  test('of every rule there are two such histories at least', () => {
    for (const rule of Object.keys(RULES)) {
      assert.ok(BAD_HISTORIES.filter((bad) => bad.rule === rule).length >= 2, rule);
    }
  });
});

describe('the checker of histories raises no false alarm', () => {
  for (const { title, history } of GOOD_HISTORIES) {
    test(title, () => {
      const explanations = check(history).violations.map(({ explanation }) => explanation);
      assert.deepEqual(explanations, []);
    });
  }
});
