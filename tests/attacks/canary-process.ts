import { sqlite } from 'latchkey';
import { compose } from '../../packages/latchkey/src/system.ts';
import { ORIGIN, TEST_SECRET, testClock } from '../http/world.ts';
import { canaryOf } from './canaries.ts';
import { NOBODY } from './scene.ts';

/*
 * A process that sends a canary which nobody will confirm, forgets to close, and has nothing
 * else to do. It prints that it waits; what its canary told, it would print too.
 */
const store = sqlite(':memory:');
const system = compose({ url: ORIGIN, secret: TEST_SECRET, store }, testClock());
await system.ready();
const [self] = await store.followers.list();
if (self === undefined) throw new TypeError('it does not follow its own log');
await store.followers.put({ ...self, id: NOBODY as typeof self.id, name: 'elsewhere', acknowledged: 0 });
const { canary } = canaryOf(system, { emit: ({ type }) => process.stdout.write(`${type}\n`) });
void canary.run();
process.stdout.write('waiting\n');
