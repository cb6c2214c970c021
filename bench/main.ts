/*
 * Measures Latchkey over HTTP and alone. See docs/performance.md.
 *
 *   npm run bench [-- --short] [-- --json]
 *
 * `--short` takes less than a minute, and its figures are for seeing that the
 * benchmark works, not for comparing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCheck } from './check.ts';
import { measureGet } from './get.ts';
import { formatReport, type Report } from './report.ts';
import { measureSignIn } from './sign-in.ts';

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
      ...(short ? { rounds: 3, millis: 400 } : { rounds: 12, millis: 1_500 }),
    }),
    signIn: await measureSignIn({
      folder,
      ...(short ? { rounds: 2, millis: 1_000 } : { rounds: 8, millis: 3_000 }),
    }),
    check: await measureCheck({ folder, rounds: short ? 5 : 25 }),
  };
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${formatReport(report)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
