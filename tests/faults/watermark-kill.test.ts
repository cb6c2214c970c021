import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Watermark } from '../../packages/latchkey/src/revocation/watermark.ts';
import { startUntil, temporaryFolder } from '../server/process.ts';

const WRITER = join(import.meta.dirname, 'watermark-writer.ts');
const ROUNDS = 8;
const folder = temporaryFolder();
after(() => folder.remove());

/** The last that it has said; a line that was cut off is none. */
function lastOf(stdout: string): number {
  return Number(stdout.split('\n').at(-2));
}

test('processes on two databases that note how far they are in one folder lose nothing of each other, killed at any moment (@rule R8)', async () => {
  const file = join(folder.path, 'watermark');
  const seen = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const lineages = ['one', 'other'];
    const writers = await Promise.all(
      lineages.map((lineage) => startUntil(WRITER, [file, lineage], {}, /\n/)),
    );
    for (const [index, writer] of writers.entries()) {
      await sleep(randomInt(20, 120));
      await writer.end('SIGKILL');
      seen.set(lineages[index] ?? '', lastOf(writer.output.stdout));
    }
    for (const [lineage, seq] of seen) {
      const found = (await new Watermark(file).find(lineage))?.seq ?? 0;
      // It may have been killed before it said so.
      assert.ok(found === seq || found === seq + 1, `${lineage}: ${found}, not ${seq}`);
    }
  }
});
