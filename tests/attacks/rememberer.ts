/**
 * Checks credentials as a server does that is handed them as bytes, then looks for
 * them in its own memory.
 *
 *   rememberer.ts <database>
 *
 * Reads lines: texts that nobody asks with and that are held, for the search must
 * find those; then headers, a name and a value each, of which the last of each
 * kind is not looked for (a regular expression holds on to the last text that it
 * was asked about). Prints a JSON object of what each line ends with: found or not.
 */
import { buffer } from 'node:stream/consumers';
import { getHeapSnapshot } from 'node:v8';
import { sqlite } from 'latchkey';
import { rawHeaderSource } from '../../packages/latchkey/src/foundation/header-source.ts';
import { openWorld } from '../http/world.ts';

/** Characters of a credential's end: all of them are of its secret. */
const END = 40;

const given = await buffer(process.stdin);
const world = await openWorld({ clients: { spa: 'hybrid' } }, sqlite(process.argv[2] ?? ''));
const held: string[] = [];

/** No line becomes a string outside, where the frame of a module would hold it. */
async function ask(line: Buffer): Promise<void> {
  const colon = line.indexOf(':');
  if (colon === -1) {
    held.push(line.toString('latin1'));
    return;
  }
  const header = [line.toString('latin1', 0, colon), line.toString('latin1', colon + 1)];
  const principal = await world.auth.authenticate({ method: 'GET', headers: rawHeaderSource(header) });
  if (principal === null) throw new Error('a credential that is not good');
}

const lines: Buffer[] = [];
for (let start = 0; start < given.length; ) {
  const end = given.indexOf('\n', start);
  lines.push(given.subarray(start, end));
  start = end + 1;
}
for (const line of lines) await ask(line);
const { remembered } = await world.auth.status();
const snapshot = await buffer(getHeapSnapshot());
const found = lines.map((line) => snapshot.includes(line.subarray(-END)));
process.stdout.write(JSON.stringify({ remembered, found, held: held.length }));
await world.auth.close();
