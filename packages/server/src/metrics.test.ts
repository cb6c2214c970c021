import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Figures } from 'latchkey';
import type { FollowerFigures } from './follower-watch.ts';
import { createMetrics } from './metrics.ts';

const FIGURES: Figures = {
  fresh: true,
  lag: 250,
  hears: true,
  position: 7,
  revoked: 3,
  remembered: 2,
  lookups: [{ credential: 'cookie', mode: 'hybrid', hits: 40, misses: 2 }],
  signingKeys: 2,
  services: 3,
  streams: 2,
  hashing: { running: 1, waiting: 0 },
};

/** The lines of the metrics that are ours, without what explains them. */
async function linesOf(metrics: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  const { text } = await metrics.render();
  return text.split('\n').filter((line) => line.startsWith('latchkey_'));
}

test('followers and look-ups are told as they are now, and whoever has gone is told of no more', async () => {
  const metrics = createMetrics();
  let followers: readonly FollowerFigures[] = [
    { name: 'here 1', kind: 'node', lag: 250, fresh: true },
    { name: 'orders', kind: 'service', lag: 61_000, fresh: false },
  ];
  let store = true;
  let figures = FIGURES;
  metrics.observe({ figures: () => figures, followers: () => followers, store: () => store });
  const first = await linesOf(metrics);
  for (const line of [
    'latchkey_store_up 1',
    'latchkey_log_lag_seconds 0.25',
    'latchkey_revocation_lag_seconds{follower="here 1",kind="node"} 0.25',
    'latchkey_revocation_lag_seconds{follower="orders",kind="service"} 61',
    'latchkey_follower_fresh{follower="here 1",kind="node"} 1',
    'latchkey_follower_fresh{follower="orders",kind="service"} 0',
    'latchkey_near_cache_lookups_total{credential="cookie",mode="hybrid",result="hit"} 40',
    'latchkey_near_cache_lookups_total{credential="cookie",mode="hybrid",result="miss"} 2',
  ]) {
    assert.ok(first.includes(line), line);
  }
  followers = followers.slice(0, 1);
  store = false;
  figures = { ...FIGURES, lag: Number.POSITIVE_INFINITY };
  const second = await linesOf(metrics);
  assert.ok(!second.some((line) => line.includes('orders')));
  assert.ok(second.includes('latchkey_store_up 0'));
  assert.ok(second.includes('latchkey_log_lag_seconds +Inf'));
  assert.ok(
    second.includes('latchkey_near_cache_lookups_total{credential="cookie",mode="hybrid",result="hit"} 40'),
  );
});

test('a canary goes into the histogram, and of the last one there is one line', async () => {
  const metrics = createMetrics();
  metrics.observe({ figures: () => FIGURES, followers: () => [], store: () => true });
  assert.ok(!(await linesOf(metrics)).some((line) => line.startsWith('latchkey_canary')));
  metrics.event({ type: 'canary_overdue', ms: 5_004, followers: ['elsewhere 7'] });
  metrics.event({ type: 'canary_settled', ms: 40 });
  const lines = await linesOf(metrics);
  for (const line of [
    'latchkey_canary_seconds_count{result="deadline"} 1',
    'latchkey_canary_seconds_bucket{le="0.025",result="settled"} 0',
    'latchkey_canary_seconds_bucket{le="0.05",result="settled"} 1',
    'latchkey_canary_seconds_sum{result="settled"} 0.04',
    'latchkey_canary_last_seconds{result="settled"} 0.04',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.equal(lines.filter((line) => line.startsWith('latchkey_canary_last_seconds')).length, 1);
  assert.equal(lines.filter((line) => line.startsWith('latchkey_canary_last_timestamp_seconds')).length, 1);
});
