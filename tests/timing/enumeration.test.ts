import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqlite } from 'latchkey';
import { composed, jsonRequest } from '../attacks/composed.ts';
import { folder } from '../attacks/scene.ts';
import { bodyOf, openWorld } from '../http/world.ts';

/*
 * Whether an address has an account must not show in how long a refusal takes.
 *
 * Durations are compared by rank: AUC is the chance that a random refusal of a
 * known address took longer than a random one of an unknown address, 0.5 where
 * nothing tells them apart (Mann and Whitney's U, divided by n²). Ranks need no
 * outlier to be thrown away. Each known address is timed beside an unknown one,
 * in random order, so that whatever else the machine does meets both.
 *
 * With n of each, AUC has a standard error of √((2n + 1) / 12n²): 0.0144 for 800
 * and 0.0091 for 2,000. A first look at 800 is enough where it is equal; where it
 * isn't, more are added to the same samples and all of them decide. Chance alone
 * then passes 0.04 once in some hundred thousand runs.
 */
const LOOKS = [800, 2_000] as const;
const MOST_AUC = 0.04;
const MOST_GAP = 0.05;

/** Addresses of either kind: each is tried less often than disables a password. */
const ADDRESSES = 40;
const WARM_UP = 40;

const PASSWORD = 'lantern orchid gravel seven';
const WRONG = 'marble teapot under the bridge';
const UNTHROTTLED = {
  network: { attempts: 1_000_000, within: '1m' },
  account: { attempts: 1_000_000, within: '10m' },
} as const;

type Kind = 'known' | 'unknown';

interface Target {
  readonly post: (path: string, json: unknown) => Promise<Response>;
}

interface Samples {
  readonly known: number[];
  readonly unknown: number[];
  /** Every answer that was different, without the id that each has of its own. */
  readonly answers: Set<string>;
}

function addressOf(kind: Kind, number: number): string {
  return `${kind === 'known' ? 'adalace' : 'charles'}${number % ADDRESSES}@example.com`;
}

async function signUpAll({ post }: Target): Promise<void> {
  for (let number = 0; number < ADDRESSES; number += 1) {
    const response = await post('/auth/sign-up', { email: addressOf('known', number), password: PASSWORD });
    assert.equal(response.status, 201);
  }
}

async function refuse({ post }: Target, kind: Kind, number: number, into: Samples): Promise<void> {
  const body = { email: addressOf(kind, number), password: WRONG };
  const start = performance.now();
  const response = await post('/auth/sign-in', body);
  const text = await response.clone().text();
  into[kind].push(performance.now() - start);
  const { request_id: id, ...rest } = await bodyOf(response);
  assert.ok(text.includes(String(id)));
  response.headers.delete('x-request-id');
  into.answers.add(JSON.stringify([response.status, [...response.headers], rest]));
}

async function sample(target: Target, pairs: number, into: Samples): Promise<void> {
  for (let number = 0; number < pairs; number += 1) {
    const order: Kind[] = Math.random() < 0.5 ? ['known', 'unknown'] : ['unknown', 'known'];
    for (const kind of order) await refuse(target, kind, number, into);
  }
}

/** The chance that one of `left` is more than one of `right`; equal ones count half. */
function auc(left: readonly number[], right: readonly number[]): number {
  const all = [...left.map((value) => ({ value, left: 1 })), ...right.map((value) => ({ value, left: 0 }))];
  all.sort((one, other) => one.value - other.value);
  let ranks = 0;
  for (let start = 0; start < all.length; ) {
    let end = start;
    let among = 0;
    while (end < all.length && all[end]?.value === all[start]?.value) {
      among += all[end]?.left ?? 0;
      end += 1;
    }
    ranks += (among * (start + 1 + end)) / 2;
    start = end;
  }
  return (ranks - (left.length * (left.length + 1)) / 2) / (left.length * right.length);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

interface Verdict {
  readonly auc: number;
  /** How much the medians differ, as a part of the unknown's. */
  readonly gap: number;
  readonly equal: boolean;
  readonly answers: readonly string[];
}

/** The test itself, for whatever is to be looked at. */
async function compare(target: Target, looks: readonly number[]): Promise<Verdict> {
  await signUpAll(target);
  await sample(target, WARM_UP, { known: [], unknown: [], answers: new Set() });
  const samples: Samples = { known: [], unknown: [], answers: new Set() };
  const verdict = (): Verdict => {
    const area = auc(samples.known, samples.unknown);
    const gap = Math.abs(median(samples.known) / median(samples.unknown) - 1);
    const equal = Math.abs(area - 0.5) < MOST_AUC && gap < MOST_GAP;
    return { auc: area, gap, equal, answers: [...samples.answers] };
  };
  for (const look of looks) {
    await sample(target, look - samples.known.length, samples);
    if (verdict().equal) break;
  }
  return verdict();
}

test('an unknown address and a wrong password are refused alike, in answer and in time (@incident E1, @incident L1, @asvs 6.3.8)', async (context) => {
  const { file, remove } = await folder();
  const world = await openWorld({ throttle: UNTHROTTLED }, sqlite(file));
  const post: Target['post'] = (path, json) =>
    world.auth.handler(jsonRequest(path, json), { peer: '192.0.2.1' });
  const verdict = await compare({ post }, LOOKS);
  context.diagnostic(`AUC ${verdict.auc.toFixed(4)}, medians ${(verdict.gap * 100).toFixed(2)} % apart`);
  assert.equal(verdict.answers.length, 1, verdict.answers.join('\n'));
  assert.match(verdict.answers[0] ?? '', /^\[401,.*LK_CREDENTIALS_REFUSED/);
  assert.ok(verdict.equal, `AUC ${verdict.auc}, gap ${verdict.gap}`);
  await world.auth.close();
  await remove();
});

test('the same test tells them apart where no hash is computed for an unknown address (@incident E1)', async () => {
  const { file, remove } = await folder();
  const target = await composed({ throttle: UNTHROTTLED, store: sqlite(file) }, (usual) => ({
    ...usual,
    dummy: async () => false,
  }));
  const verdict = await compare(target, [60]);
  assert.ok(!verdict.equal && verdict.auc > 0.95, `AUC ${verdict.auc}`);
  await target.close();
  await remove();
});

test('AUC is exact where it can be counted by hand', () => {
  assert.equal(auc([1, 2, 3], [4, 5, 6]), 0);
  assert.equal(auc([4, 5, 6], [1, 2, 3]), 1);
  assert.equal(auc([1, 1], [1, 1]), 0.5);
  assert.equal(auc([1, 3], [2, 2]), 0.5);
  assert.equal(auc([2, 3], [1, 2]), 0.875);
});
