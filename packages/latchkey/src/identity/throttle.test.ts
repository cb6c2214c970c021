import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isFailure } from '../errors.ts';
import { networkOf, throttle } from './throttle.ts';

const RATES = { network: { attempts: 3, within: 60_000 }, account: { attempts: 2, within: 600_000 } };

async function retryAfterOf(attempt: Promise<void>): Promise<number | null> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(isFailure(error, 'LK_THROTTLED'), String(error));
    return error.detail.retryAfter;
  }
  return null;
}

describe('a rate', () => {
  test('lets so many through, then says when to come back, to each key apart (@asvs 6.3.1)', async () => {
    const limits = throttle(RATES);
    for (let attempt = 0; attempt < 3; attempt += 1) await limits.network('192.0.2.1');
    const wait = await retryAfterOf(limits.network('192.0.2.1'));
    assert.ok(wait !== null && wait > 50_000 && wait <= 60_000);
    assert.equal(await retryAfterOf(limits.network('192.0.2.2')), null);
  });

  test('counts attempts that come at once one by one', async () => {
    const limits = throttle(RATES);
    const waits = await Promise.all(Array.from({ length: 50 }, () => retryAfterOf(limits.account('ada'))));
    assert.equal(waits.filter((wait) => wait === null).length, 2);
  });

  test('of an account is forgotten by success, that of the network is not', async () => {
    const limits = throttle(RATES);
    await limits.account('ada');
    await limits.account('ada');
    await limits.succeeded('ada');
    assert.equal(await retryAfterOf(limits.account('ada')), null);
    for (let attempt = 0; attempt < 3; attempt += 1) await limits.network('ada');
    await limits.succeeded('ada');
    assert.notEqual(await retryAfterOf(limits.network('ada')), null);
  });

  test('is over when its time is', async (context) => {
    context.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
    const limits = throttle(RATES);
    for (let attempt = 0; attempt < 3; attempt += 1) await limits.network('192.0.2.1');
    context.mock.timers.tick(59_999);
    assert.notEqual(await retryAfterOf(limits.network('192.0.2.1')), null);
    context.mock.timers.tick(2);
    assert.equal(await retryAfterOf(limits.network('192.0.2.1')), null);
  });

  test('longer than a timer can wait is a wrong call: it would count nothing', () => {
    const long = { attempts: 1, within: 25 * 86_400_000 };
    assert.throws(() => throttle({ ...RATES, account: long }), TypeError);
  });
});

describe('the network of an address', () => {
  const NETWORKS: readonly [ip: string | null, network: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:0:0:ffff:ffff:ffff:ffff', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::', '2001:db8:0:1::/64'],
    ['2001:db8::1:0:0:0:1', '2001:db8:0:1::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['::', '0:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.255', '192.0.2.255'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    [null, 'unknown'],
  ];
  for (const [ip, network] of NETWORKS) {
    test(`${ip} is ${network}`, () => assert.equal(networkOf(ip), network));
  }
});
