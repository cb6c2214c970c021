/** Notes of one database how far its log was seen, further and further, and says so after each, until it is killed. */
import { writeSync } from 'node:fs';
import { Watermark } from '../../packages/latchkey/src/revocation/watermark.ts';

const [file = '', lineage = ''] = process.argv.slice(2);
const watermark = new Watermark(file);
const start = (await watermark.find(lineage))?.seq ?? 0;
for (let seq = start + 1; ; seq += 1) {
  await watermark.write({ lineage, epoch: 'epoch', seq, tag: 1, beatAt: null });
  writeSync(1, `${seq}\n`);
}
