/**
 * Restores the backup that is named into the file that is named, and stops half-way: prints
 * a line, and waits to be killed.
 */
import { readFileSync, writeSync } from 'node:fs';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';

const [backup = '', filename = ''] = process.argv.slice(2);
const lines = readFileSync(backup, 'utf8').trimEnd().split('\n');
const rootKeys = (JSON.parse(lines[0] ?? '') as { root_keys: string[] }).root_keys;
let readings = 0;

async function* read(): AsyncGenerator<string> {
  readings += 1;
  for (const [index, line] of lines.entries()) {
    if (readings === 2 && index === lines.length - 1) {
      writeSync(1, 'half-way\n');
      // The timer keeps the process alive; nothing waits for its end.
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    }
    yield line;
  }
}

const store = sqlite(filename);
await store.open(Date.now());
await store.restore(read, { now: Date.now(), replace: true, rootKeys, seen: 0 });
