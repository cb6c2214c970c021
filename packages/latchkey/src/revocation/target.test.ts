import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newId } from '../foundation/ids.ts';
import { parseTarget, type RevokeTarget } from './target.ts';

const ID = newId(1_700_000_000_000);

/** As a caller without types hands it in. */
function untyped(wrong: object): RevokeTarget {
  const value: unknown = wrong;
  return value as RevokeTarget;
}

describe('whose trust is to end', () => {
  const good: readonly RevokeTarget[] = [{ session: ID }, { user: ID }, { client: 'web' }, { all: true }];
  for (const target of good) {
    test(`is ${Object.keys(target).join()}`, () => assert.deepEqual(parseTarget(target), target));
  }

  for (const [title, wrong] of [
    ['nothing', {}],
    ['a name that is misspelt', { users: ID }],
    ['two at once', { user: ID, all: true }],
    ['everybody, denied', { all: false }],
    ['everybody, as text', { all: 'true' }],
    ['nobody', { user: undefined }],
    ['an address', { user: 'ada@example.com' }],
    ['an id that is none', { session: 'nope' }],
    ['a list', [ID]],
    ['a number', { client: 1 }],
    ['an inherited name', Object.create({ all: true }) as object],
  ] as const) {
    test(`is a wrong call where it is ${title}, and ends nobody's`, () => {
      const target = untyped(wrong);
      assert.throws(() => parseTarget(target), TypeError);
    });
  }
});
