import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Seen } from '../stores/records.ts';
import { Watermark } from './watermark.ts';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-'));
after(() => rmSync(folder, { recursive: true }));

const SEEN: Seen = {
  lineage: 'database',
  epoch: 'epoch-1',
  seq: 1_866_000_000_000_000,
  tag: 281_474_976_710_655,
  beatAt: null,
};

describe('the watermark (@rule R8)', () => {
  test('is found as it was written, by another process too, for each database', async () => {
    const file = join(folder, 'found');
    assert.equal(await new Watermark(file).find('database'), null);
    const other = { ...SEEN, lineage: 'other', beatAt: 7 };
    await new Watermark(file).write(SEEN);
    await new Watermark(file).write(other);
    assert.deepEqual(await new Watermark(file).find('database'), SEEN);
    assert.deepEqual(await new Watermark(file).find('other'), other);
    const names = readdirSync(folder).filter((name) => name.startsWith('found'));
    assert.deepEqual(names.toSorted(), ['found.database', 'found.other']);
    for (const name of names) assert.equal(statSync(join(folder, name)).mode & 0o077, 0);
  });

  test('is replaced by what was seen later', async () => {
    const file = join(folder, 'later');
    const watermark = new Watermark(file);
    await watermark.write(SEEN);
    await watermark.write({ ...SEEN, seq: SEEN.seq + 1 });
    assert.equal((await watermark.find('database'))?.seq, SEEN.seq + 1);
  });

  test('stays where another process has seen more of the same epoch, and follows a new one', async () => {
    const file = join(folder, 'further');
    const [one, other] = [new Watermark(file), new Watermark(file)];
    await one.write({ ...SEEN, seq: SEEN.seq + 5 });
    await other.write(SEEN);
    assert.equal((await one.find('database'))?.seq, SEEN.seq + 5);
    await other.write({ ...SEEN, epoch: 'epoch-2', seq: 7 });
    assert.equal((await one.find('database'))?.seq, 7);
  });

  test('is written again where a slower process has put back less', async () => {
    const file = join(folder, 'slower');
    const watermark = new Watermark(file);
    await watermark.write({ ...SEEN, seq: SEEN.seq - 1 });
    const less = readFileSync(`${file}.database`);
    await watermark.write(SEEN);
    writeFileSync(`${file}.database`, less);
    await watermark.write(SEEN);
    assert.deepEqual(await watermark.find('database'), SEEN);
  });

  test('knows the highest position of all databases', async () => {
    const file = join(folder, 'highest');
    const watermark = new Watermark(file);
    assert.equal(await watermark.highest(), 0);
    await watermark.write(SEEN);
    await watermark.write({ ...SEEN, lineage: 'other', seq: 3 });
    assert.equal(await watermark.highest(), SEEN.seq);
  });

  for (const [title, text] of [
    ['empty', ''],
    ['torn', 'database epoch'],
    ['torn in its last number', 'database epoch 186600000000000 28147497671'],
    ['of another database', 'other epoch 1 1\n'],
    ['of something else', '{"a":1}'],
    ['of a number that no position has', 'database epoch 99999999999999999999 1\n'],
  ] as const) {
    test(`is none where the file is ${title}`, async () => {
      const file = join(folder, 'bad');
      writeFileSync(`${file}.database`, text);
      assert.equal(await new Watermark(file).find('database'), null);
    });
  }
});
