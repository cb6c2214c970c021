import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormerSets } from './former-sets.ts';
import { RevokedSet } from './revoked-set.ts';

const subjectOf = (nr: number): string => Buffer.alloc(16, nr).toString('base64url');

test('sets of older histories are four at the most, and none of what they hold is missing from all (@rule R8)', () => {
  const former = new FormerSets();
  for (let nr = 1; nr <= 20; nr += 1) {
    const set = new RevokedSet();
    set.apply({ seq: nr, kind: 'revoke', scope: 'session', subject: subjectOf(nr), expiresAt: 10_000_000 });
    former.add(set);
    former.add(new RevokedSet());
    assert.ok(former.all.length <= 4, 'each is asked with each check');
    assert.equal(former.size, nr);
    for (let held = 1; held <= nr; held += 1) {
      const facts = { rs: 0, session: subjectOf(held), user: null, client: subjectOf(0), signingKey: null };
      assert.ok(former.all.some((each) => each.judge(facts) === 'revoked'));
    }
  }
});
