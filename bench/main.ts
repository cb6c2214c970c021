/*
 * Measures Latchkey over HTTP and alone. See docs/performance.md.
 *
 *   npm run bench [-- --short] [-- --json]
 *
 * `--short` takes about a minute, and its figures are for seeing that the
 * benchmark works, not for comparing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCheck } from './check.ts';
import { measureGet } from './get.ts';
import { measureMemory } from './memory.ts';
import { measureMint } from './mint.ts';
import { measureRefresh } from './refresh.ts';
import { formatReport, type Report } from './report.ts';
import { measureSignIn } from './sign-in.ts';
import { measureTokenSize } from './token-size.ts';

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const { short, json } = values;
const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
try {
  const [loadBefore = 0] = loadavg();
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    processors: availableParallelism(),
    loadBefore,
    short,
    get: await measureGet({
      folder,
      ...(short ? { rounds: 3, millis: 300 } : { rounds: 24, millis: 500 }),
    }),
    signIn: await measureSignIn({
      folder,
      ...(short ? { rounds: 2, millis: 800 } : { rounds: 8, millis: 3_000 }),
    }),
    check: await measureCheck({ folder, rounds: short ? 5 : 25 }),
    memory: await measureMemory({ folder, entries: short ? 5_000 : 50_000 }),
    mint: await measureMint({
      folder,
      ...(short ? { rounds: 5, tokens: 500 } : { rounds: 15, tokens: 1_000 }),
    }),
    refresh: await measureRefresh({
      folder,
      ...(short ? { rounds: 4, refreshes: 100 } : { rounds: 15, refreshes: 250 }),
    }),
    tokenSize: await measureTokenSize(),
  };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${formatReport(report)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
