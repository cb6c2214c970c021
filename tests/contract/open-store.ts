/** Opens the store in the file that is named, once it is told to, and prints the epoch of its log. */
import { once } from 'node:events';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';

const store = sqlite(process.argv[2] ?? '');
const told = once(process.stdin, 'data');
process.stdout.write('ready\n');
await told;
await store.open(Date.now());
const { epoch } = await store.log.head();
await store.close();
process.stdout.write(`${epoch}\n`);
