import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { CLIENTS, Program } from '../http/program.ts';
import { openWorld } from '../http/world.ts';
import { door, idIn, overriding } from './scene.ts';

const AFTER_GRACE = 11_000;

describe('a refresh that stands still', () => {
  test('after its own swap, for longer than the grace, is no reuse of its token (@rule R5, @rule R10, @incident R2)', async () => {
    const inner = sqlite(':memory:');
    let stall: (() => void) | null = null;
    const sessions = overriding(inner.sessions, {
      advance: async (...given) => {
        const advanced = await inner.sessions.advance(...given);
        const act = stall;
        stall = null;
        act?.();
        return advanced;
      },
    });
    const world = await openWorld({ clients: CLIENTS }, { ...inner, sessions });
    const program = new Program(world.auth);
    const held = await program.signUp('ada@example.com');
    world.clock.advance(AFTER_GRACE);
    stall = () => world.clock.advance(AFTER_GRACE);
    const next = await program.renewed(held.refresh);
    assert.equal(stall, null, 'it stood still');
    assert.ok(!world.events.some(({ type }) => type === 'refresh_reused'));
    assert.equal(await program.status(next.access), 200);
    const reading = await world.store.sessions.read(idIn<'session'>(held.session));
    assert.equal(reading?.session.chain?.generation, 1, 'one step, however often it looked');
    await program.renewed(next.refresh);
    // Its token has been answered for: whoever presents it from now on has copied it.
    assert.equal(await program.refusal(held.refresh), '400 invalid_grant LK_GRANT_REFUSED');
    assert.ok(world.events.some(({ type }) => type === 'refresh_reused'));
    await world.auth.close();
  });

  test('before it counts as shared, while another rotates, is answered with the successor (@rule R10, @incident R4)', async () => {
    const inner = sqlite(':memory:');
    const gate = door();
    let shut = true;
    const sessions = overriding(inner.sessions, {
      share: async (...given) => {
        if (shut) {
          shut = false;
          await gate.pass();
        }
        return inner.sessions.share(...given);
      },
    });
    const world = await openWorld({ clients: CLIENTS }, { ...inner, sessions });
    const owner = new Program(world.auth);
    const elsewhere = new Program(world.auth, { peer: '198.51.100.1' });
    const held = await owner.signUp('ada@example.com');
    // A second short of the grace, since the clock runs on by itself.
    world.clock.advance(9_000);
    const late = elsewhere.renewed(held.refresh);
    await gate.reached;
    world.clock.advance(1_500);
    const rotated = await owner.renewed(held.refresh);
    assert.notEqual(rotated.refresh, held.refresh);
    gate.open();
    const { refresh } = await late;
    assert.equal(refresh, rotated.refresh, 'its predecessor would look like reuse at the next exchange');
    world.clock.advance(AFTER_GRACE);
    await elsewhere.renewed(refresh);
    assert.ok(!world.events.some(({ type }) => type === 'refresh_reused'));
    await world.auth.close();
  });
});
