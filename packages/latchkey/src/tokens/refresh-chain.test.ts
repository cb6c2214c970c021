import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomBytes } from '../foundation/random.ts';
import { parseRootSecret } from '../foundation/root-secret.ts';
import { GRACE, judgeGeneration, newChain, originDigest } from './refresh-chain.ts';

const root = parseRootSecret(randomBytes(32).toString('base64'));
const NOW = 1_700_000_000_000;
const HERE = { ip: '192.0.2.7', userAgent: null };

describe('a generation of a refresh chain', () => {
  const chain = { ...newChain(root, NOW, HERE), generation: 5 };
  const cases: readonly (readonly [
    title: string,
    generation: number,
    age: number,
    verdict: ReturnType<typeof judgeGeneration>,
  ])[] = [
    ['the current one rotates once it is as old as the grace', 5, GRACE, 'rotate'],
    ['the current one is answered with itself while it is younger', 5, GRACE - 1, 'same'],
    ['the current one is young where the clock has stepped back', 5, -60_000, 'same'],
    ['the one before is answered with the same successor within the grace', 4, GRACE - 1, 'same'],
    ['the one before is reused after it', 4, GRACE, 'reused'],
    ['an ancestor is reused within the grace too', 3, 0, 'reused'],
    ['an ancestor is reused', 0, GRACE * 9, 'reused'],
    ['the next one is not known', 6, 0, 'ahead'],
    ['one far above is not known', 4_294_967_295, GRACE * 9, 'ahead'],
  ];
  for (const [title, generation, age, verdict] of cases) {
    test(`${title} (@rule R10, @incident R2, @incident R3, @incident O6)`, () => {
      assert.equal(judgeGeneration(chain, generation, NOW + age), verdict);
    });
  }

  test('begins at 0, with a nonce of its own', () => {
    const [one, other] = [newChain(root, NOW, HERE), newChain(root, NOW, HERE)];
    assert.equal(one.generation, 0);
    assert.notDeepEqual(one.nonce, other.nonce);
  });

  test('tells users apart by their network and their kind of device', () => {
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
    const digests = [
      HERE,
      { ...HERE, userAgent: firefox },
      { ...HERE, ip: '198.51.100.7' },
      { ip: null, userAgent: null },
    ].map((origin) => originDigest(origin).toString('hex'));
    assert.equal(new Set(digests).size, 4);
    assert.equal(originDigest({ ...HERE }).toString('hex'), digests[0]);
  });
});
