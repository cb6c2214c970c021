import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { LEAD } from '../../packages/latchkey/src/tokens/key-schedule.ts';
import type { Held } from '../http/program.ts';
import { keyOf, kidOf, openPair, publishedBy } from './node-pair.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const EMAIL = 'ada@example.com';

describe('while keys rotate', () => {
  test('no check and no refresh fails, whichever node signed and whichever is asked (@fault F14, @asvs 13.3.4)', async () => {
    const pair = await openPair();
    const { nodes, clock } = pair;
    const people = await Promise.all(
      Array.from({ length: 6 }, (_, index) => nodes[0].program.signUp(`person-${index}@example.com`)),
    );
    const published = new Map<string, number>();
    const notePublished = async (): Promise<void> => {
      for (const node of nodes)
        for (const kid of await publishedBy(node)) if (!published.has(kid)) published.set(kid, clock.now());
    };
    await notePublished();
    const signed = new Map<string, number>();
    const load = { checks: 0, over: false };
    const live = async ({ refresh }: Held, place: number): Promise<void> => {
      let token = refresh;
      for (let round = 0; !load.over; round += 1) {
        await turn();
        const signer = nodes[(place + round) % 2] ?? nodes[0];
        const next = await signer.program.renewed(token);
        token = next.refresh;
        const kid = kidOf(next.access);
        if (!signed.has(kid)) signed.set(kid, clock.now());
        for (const { program } of nodes) {
          assert.equal(await program.status(next.access), 200, `signed by ${kid}`);
          load.checks += 1;
        }
      }
    };
    const living = Promise.all(people.map(live));
    const until = async (checks: number): Promise<void> => {
      while (load.checks < checks) await turn();
    };
    const pass = async (millis: number): Promise<void> => {
      for (let passed = 0; passed < millis; passed += MINUTE) {
        clock.advance(MINUTE);
        // One node hears of everything as late as may be.
        await nodes[0].maintain();
        await notePublished();
        await until(load.checks + 12);
        await nodes[1].maintain();
      }
    };
    await nodes[0].keys.rotate();
    await pass(LEAD + MINUTE);
    await nodes[1].keys.rotate();
    await pass(LEAD + MINUTE);
    load.over = true;
    await living;
    assert.ok(load.checks > 100, `${load.checks} checks`);
    assert.equal(signed.size, 3);
    for (const [kid, at] of [...signed].slice(1)) {
      const ahead = at - (published.get(kid) ?? Number.POSITIVE_INFINITY);
      assert.ok(ahead >= 300_000, `published ${ahead} ms before it signed`);
    }
    await pair.close();
  });

  test('a token of a node that switched is good at once on one that has not read since, whatever unknown ids cost it (@fault F14, @incident D4)', async () => {
    const pair = await openPair();
    const [early, late] = pair.nodes;
    const next = await keyOf(early, 'next');
    const held = await early.program.signUp(EMAIL);
    pair.clock.advance(LEAD + 1_000);
    await late.maintain();
    // Somebody has the keys looked for with an id that nobody knows, so they are not for five seconds.
    const header = { alg: 'EdDSA', typ: 'at+jwt', kid: 'x'.repeat(43) };
    const [, ...rest] = held.access.split('.');
    const unknown = [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
    assert.equal(await late.program.status(unknown), 401);
    await early.keys.rotate();
    const { access } = await early.program.renewed(held.refresh);
    assert.equal(kidOf(access), next);
    assert.equal(await late.program.status(access), 200);
    const other = await late.program.renewed(held.refresh);
    assert.notEqual(kidOf(other.access), next, 'it signs with the one before until it reads');
    for (const { program } of pair.nodes) assert.equal(await program.status(other.access), 200);
    await late.maintain();
    assert.equal(kidOf((await late.program.renewed(held.refresh)).access), next);
    await pair.close();
  });

  test('by schedule one of the nodes does it, when the key has signed for its life and not before (@fault F14)', async () => {
    const pair = await openPair();
    const { nodes, clock } = pair;
    const [before, next] = [await keyOf(nodes[0], 'current'), await keyOf(nodes[0], 'next')];
    const maintainAll = (): Promise<unknown> => Promise.all(nodes.map((node) => node.maintain()));
    for (let day = 0; day < 29; day += 1) {
      clock.advance(DAY);
      await maintainAll();
    }
    assert.equal(await keyOf(nodes[0], 'current'), before);
    clock.advance(DAY);
    await maintainAll();
    await maintainAll();
    for (const node of nodes) {
      assert.equal(await keyOf(node, 'current'), next);
      const held = await node.program.signUp(`${nodes.indexOf(node)}@example.com`);
      assert.equal(kidOf(held.access), next);
      for (const { program } of nodes) assert.equal(await program.status(held.access), 200);
    }
    assert.equal((await nodes[0].keys.list()).length, 3);
    assert.ok((await publishedBy(nodes[0])).includes(before));
    for (let minute = 0; minute < 80; minute += 1) {
      clock.advance(MINUTE);
      await maintainAll();
    }
    assert.ok(!(await publishedBy(nodes[1])).includes(before), 'gone when no token of it can be good');
    await pair.close();
  });
});
