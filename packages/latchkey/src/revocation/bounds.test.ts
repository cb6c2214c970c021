import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sqlite } from '../stores/sql/sqlite.ts';
import { Bounds } from './bounds.ts';

const OWN = { accessLife: 120_000, nearCacheLife: 60_000, maxStaleness: 5_000 };

describe('the bounds of what rests on the log (@rule R6, @rule R9)', () => {
  const store = sqlite(':memory:');
  const time = { now: 1_700_000_000_000 };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const short = new Bounds(clock, OWN);
  const long = new Bounds(clock, { accessLife: 600_000, nearCacheLife: 0, maxStaleness: 60_000 });
  const none = new Bounds(clock, { accessLife: 0, nearCacheLife: 0, maxStaleness: 0 });
  before(() => store.open(time.now));
  after(() => store.close());

  test("are a process's own while nobody has said another", async () => {
    assert.deepEqual(await short.largest(store), OWN);
  });

  test('are raised for everyone at once, each by itself, and not lowered by who uses less', async () => {
    await short.confirm(store);
    assert.deepEqual(await none.largest(store), OWN);
    await long.confirm(store);
    const both = { accessLife: 600_000, nearCacheLife: 60_000, maxStaleness: 60_000 };
    assert.deepEqual(await none.largest(store), both);
    await short.confirm(store);
    await none.confirm(store);
    assert.deepEqual(await none.largest(store), both);
  });

  test('hold as long as somebody confirms them each minute, with a write each half hour', async () => {
    let writes = 0;
    const put = store.meta.put.bind(store.meta);
    store.meta.put = async (key, value) => {
      writes += 1;
      await put(key, value);
    };
    for (let minute = 0; minute < 180; minute += 1) {
      time.now += 60_000;
      await long.confirm(store);
      assert.equal((await short.largest(store)).accessLife, 600_000);
    }
    assert.ok(writes <= 7, String(writes));
  });

  test('are lowered when nobody has confirmed them for an hour and what rests on them is over', async () => {
    const start = time.now;
    while ((await short.largest(store)).accessLife === 600_000) {
      time.now += 60_000;
      await short.confirm(store);
    }
    assert.ok(time.now - start >= 1_800_000 + 600_000, `${time.now - start}`);
    assert.ok(time.now - start <= 3_600_000 + 660_000, `${time.now - start}`);
    assert.equal((await none.largest(store)).accessLife, OWN.accessLife);
  });
});
