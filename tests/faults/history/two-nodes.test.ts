import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { check, type Findings } from './checker.ts';
import { Crowd } from './crowd.ts';
import { falsify } from './falsify.ts';
import type { History } from './history.ts';
import { openNodes } from './nodes.ts';
import { SHARED_STORE_NAMES, type SharedStoreName } from './shared-stores.ts';

/** How long people act, in seconds. In less than a minute not every rule has its occasions. */
const SECONDS = Number(process.env['HISTORY_SECONDS'] ?? 60);
const SEED = Number(process.env['HISTORY_SEED'] ?? Date.now() & 0x7fffffff);
const LONGEST = SECONDS * 2_500;
/** How often each rule must have had the say. */
const OCCASIONS = SECONDS / 20;
/** `log.maxStaleness` in seconds: the least that can be configured. */
const BOUND = 3;

interface Recorded {
  readonly history: History;
  readonly findings: Findings;
  readonly complaints: string;
}

async function record(store: SharedStoreName): Promise<Recorded> {
  const nodes = await openNodes(store, BOUND);
  try {
    const crowd = new Crowd({ urls: nodes.urls, services: nodes.services, seed: SEED, bound: BOUND * 1_000 });
    let next = SECONDS * 1_000;
    const began = performance.now();
    // A minute, and on a busy machine longer, until each rule has had its occasions.
    await crowd.act(LONGEST, () => {
      const acted = performance.now() - began;
      if (acted < next) return false;
      next = acted + 10_000;
      return [...check(crowd.history).judged.values()].every((judged) => judged.length >= OCCASIONS);
    });
    const { history } = crowd;
    return { history, findings: check(history), complaints: nodes.complaints() };
  } finally {
    await nodes.close();
  }
}

/** What is wrong, and where all of it can be read. */
function report(store: SharedStoreName, history: History, { violations }: Findings): string {
  if (violations.length === 0) return '';
  const file = join(tmpdir(), `latchkey-history-${store}-${SEED}.json`);
  writeFileSync(file, JSON.stringify(history));
  const first = violations.slice(0, 5).map(({ explanation }) => explanation);
  return [`${violations.length} in ${file}:`, ...first].join('\n');
}

for (const store of SHARED_STORE_NAMES) {
  describe(`what two people do on two nodes over ${store}`, () => {
    let recorded: Recorded | null = null;

    test('breaks no rule in a minute (@rule R1, R2, R3, R4, R5, R9, R10, R11)', {
      timeout: LONGEST + 60_000,
    }, async (context) => {
      context.diagnostic(`HISTORY_SEED=${SEED}`);
      recorded = await record(store);
      const { history, findings, complaints } = recorded;
      context.diagnostic(`${history.operations.length} operations`);
      assert.equal(report(store, history, findings), '');
      assert.equal(complaints, '');
    });

    test('tries each rule, and gets its answers within the time that the checker assumes', (context) => {
      assert.ok(recorded !== null);
      const { history, findings } = recorded;
      // Three thousand a minute.
      assert.ok(history.operations.length > 50 * SECONDS, String(history.operations.length));
      for (const [rule, operations] of findings.judged) {
        context.diagnostic(`${rule} had the say on ${operations.length}`);
        assert.ok(operations.length >= OCCASIONS, `${rule}: ${operations.length}`);
      }
      const longest = Math.max(...history.operations.map(({ start, end }) => (end ?? start) - start));
      assert.ok(longest < history.effectWithin, String(longest));
    });

    test('leaves each service one answer, to accept and to refuse, in many places (@rule R9)', (context) => {
      assert.ok(recorded !== null);
      const { judged } = recorded.findings;
      for (const rule of ['ended-accepted', 'refused-without-cause'] as const) {
        for (const service of ['a-service', 'b-service']) {
          const times = judged.get(rule)?.filter(({ node }) => node === service).length ?? 0;
          context.diagnostic(`${rule} had the say on ${times} of ${service}`);
          assert.ok(times >= OCCASIONS, `${rule}: ${times} of ${service}`);
        }
      }
    });

    test('breaks a rule as soon as any one answer is another', () => {
      assert.ok(recorded !== null);
      const { history, findings } = recorded;
      const tried = new Set<string>();
      for (const falsified of falsify(history, findings, 4)) {
        const { rule, operation } = falsified;
        tried.add(rule);
        const noticed = check(falsified.history).violations.filter((violation) => violation.rule === rule);
        assert.ok(noticed.length > 0, `${rule} does not notice ${JSON.stringify(operation)}`);
      }
      assert.deepEqual([...tried], [...findings.judged.keys()]);
    });
  });
}
