import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from './gate.ts';

test('a gate lets one in at a time, in the order in which they came', async () => {
  const gate = new Gate();
  const seen: string[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const leave = await gate.enter();
      seen.push(`${index} in`);
      await Promise.resolve();
      seen.push(`${index} out`);
      leave();
    }),
  );
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, index) => [`${index} in`, `${index} out`]).flat());
});
