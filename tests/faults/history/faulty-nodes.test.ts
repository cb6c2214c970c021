import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Season } from './actions.ts';
import { check, type Rule } from './checker.ts';
import { Crowd } from './crowd.ts';
import { openNodes, type Wrong } from './nodes.ts';

const BOUND = 3;
/** Several times what the slowest takes to be caught. */
const LIMIT = 100_000;

/** What a node does wrong, what it is caught by, and the season in which it soon is. */
const FAULTY: Readonly<Record<Wrong, readonly [title: string, season: Season, rules: readonly Rule[]]>> = {
  blind: ['answers by an old copy of the log, as if it were fresh', 'calm', ['ended-accepted']],
  leaky: ['loses entries of the log', 'calm', ['ended-accepted']],
  withoutFloors: ['forgets floors', 'storm', ['ended-accepted', 'ended-used']],
  withoutEnds: ['forgets which sessions were ended', 'calm', ['ended-used']],
  rememberingPasswords: [
    'knows the password of before',
    'storm',
    ['old-password-accepted', 'password-refused'],
  ],
  sparingNobody: ['does not spare whom it says that it spares', 'storm', ['refused-without-cause']],
  deaf: ['has a service behind it that hears nothing of the log', 'calm', ['ended-accepted']],
  swappingUsers: ['takes people for one another', 'storm', ['wrong-subject']],
};

describe('the recorded history of a node is caught that', () => {
  for (const [fault, [title, season, rules]] of Object.entries(FAULTY)) {
    test(title, { timeout: LIMIT + 20_000 }, async (context) => {
      const seed = Date.now() & 0x7fffffff;
      context.diagnostic(`seed ${seed}`);
      const nodes = await openNodes('sqlite', BOUND, fault as Wrong);
      try {
        const crowd = new Crowd({
          urls: nodes.urls,
          services: nodes.services,
          seed,
          bound: BOUND * 1_000,
          season,
        });
        // Whatever else is wrong with such a node, it is this that must be found.
        const isFound = (): boolean =>
          check(crowd.history).violations.some((violation) => rules.includes(violation.rule));
        await crowd.act(LIMIT, isFound);
        assert.ok(isFound(), `${crowd.history.operations.length} operations show nothing`);
      } finally {
        await nodes.close();
      }
    });
  }
});
