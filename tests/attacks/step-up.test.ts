import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Store, sqlite } from 'latchkey';
import { CLIENTS, enter, errorOf, type Held, Program, sessionGrant, tokenIn } from '../http/program.ts';
import {
  bodyOf,
  codeOf,
  OTHER_PASSWORD,
  openWorld,
  PASSWORD,
  type Visit,
  type World,
} from '../http/world.ts';
import { confirmLog, cuttable, folder, holding } from './scene.ts';

const open = (store?: Store): Promise<World> => openWorld({ clients: CLIENTS }, store);

/** When who holds it last proved who they are, as the deployment says. */
async function provedAt(response: Response): Promise<number> {
  assert.equal(response.status, 200);
  return Date.parse(String((await bodyOf(response))['auth_time']));
}
const byToken = async (program: Program, bearer: string): Promise<number> =>
  provedAt(await program.send('GET', '/auth/me', { bearer }));
const byCookie = async (world: World, cookie: string | null): Promise<number> =>
  provedAt(await holding(world, cookie).get('/auth/me'));

interface Scene {
  readonly world: World;
  readonly program: Program;
  /** Has the node ask the store at its next check. */
  readonly blind: () => void;
}

async function opened(): Promise<Scene> {
  const { store, cut } = cuttable(sqlite(':memory:'));
  const world = await open(store);
  const blind = (): void => {
    cut(true);
    world.clock.advance(5_001);
  };
  return { world, program: new Program(world.auth), blind };
}

/** Somebody with a cookie and a token of one hybrid session, a minute after they signed in. */
async function hybrid({ world }: Scene): Promise<{ readonly visit: Visit; readonly held: Held }> {
  await world.browser().signUp('ada@example.com');
  const visit = world.browser();
  const held = await enter(visit, 'ada@example.com', 'spa');
  world.clock.advance(60_000);
  return { visit, held };
}

describe('a copy of an access token', () => {
  for (const blinded of [false, true]) {
    const where = blinded ? ', also where the store is asked' : '';

    test(`does not rise when its owner proves again by the cookie, and a new token does${where} (@rule R11, @nist 5.1)`, async () => {
      const scene = await opened();
      const { program, blind } = scene;
      const { visit, held } = await hybrid(scene);
      const before = await byToken(program, held.access);
      assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
      const renewed = await tokenIn(await sessionGrant(visit));
      if (blinded) blind();
      assert.equal(await byToken(program, held.access), before);
      assert.ok((await byToken(program, renewed)) >= before + 60_000);
      await scene.world.auth.close();
    });

    test(`does not rise when its owner proves again by it, and its successor does${where} (@rule R11, @nist 5.1)`, async () => {
      const { world, program, blind } = await opened();
      const held = await program.signUp('ada@example.com');
      world.clock.advance(60_000);
      const before = await byToken(program, held.access);
      const sent = { bearer: held.access, json: { password: PASSWORD } };
      const response = await program.send('POST', '/auth/reauthenticate', sent);
      assert.ok((await provedAt(response)) >= before + 60_000, 'a session of tokens alone can rise');
      const renewed = await program.renewed(held.refresh);
      if (blinded) blind();
      assert.equal(await byToken(program, held.access), before);
      assert.ok((await byToken(program, renewed.access)) >= before + 60_000);
      await world.auth.close();
    });
  }
});

describe('a session that a cookie holds', () => {
  const ASKS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['/auth/reauthenticate', { password: PASSWORD }],
    ['/auth/password', { current_password: PASSWORD, new_password: OTHER_PASSWORD }],
  ];
  const byTokenAlone = async (path: string, json: Readonly<Record<string, string>>): Promise<void> => {
    const scene = await opened();
    const { world, program } = scene;
    const { visit, held } = await hybrid(scene);
    const copy = visit.cookie;
    const before = await byCookie(world, copy);
    const response = await program.send('POST', path, { bearer: held.access, json });
    assert.equal(response.status, 401);
    assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
    world.clock.advance(10_001);
    assert.equal(await byCookie(world, copy), before, 'whoever copied the cookie gains nothing');
    const renewed = await tokenIn(await sessionGrant(visit));
    assert.ok((await byToken(program, renewed)) <= before, 'and a new token is of the old proof');
    await world.browser().signIn('ada@example.com', PASSWORD);
    await world.auth.close();
  };
  for (const [path, json] of ASKS) {
    test(`does not rise by ${path} with its token alone: a copy of the cookie would rise along (@rule R11, @nist 5.1)`, () =>
      byTokenAlone(path, json));
  }

  test('rises with its cookie beside the token, which gets a new secret (@rule R11, @asvs 7.2.4)', async () => {
    const scene = await opened();
    const { world } = scene;
    const { visit, held } = await hybrid(scene);
    const copy = visit.cookie;
    const before = await byCookie(world, copy);
    const headers = { Authorization: `Bearer ${held.access}` };
    const response = await visit.post('/auth/reauthenticate', { password: PASSWORD }, { headers });
    assert.equal(response.status, 200);
    assert.notEqual(visit.cookie, copy);
    assert.ok((await byCookie(world, visit.cookie)) >= before + 60_000);
    assert.equal(await byCookie(world, copy), before, 'in its grace the old secret is of the old proof');
    world.clock.advance(10_001);
    assert.equal((await holding(world, copy).get('/auth/me')).status, 401);
    await world.auth.close();
  });

  test('has no token made of its old cookie by a process that remembers it, in its grace or after (@rule R11)', async () => {
    const place = await folder();
    const here = await open(sqlite(place.file));
    const { store, cut } = cuttable(sqlite(place.file));
    const there = await open(store);
    await here.browser().signUp('ada@example.com');
    const visit = here.browser();
    await enter(visit, 'ada@example.com', 'spa');
    const thief = holding(there, visit.cookie);
    await confirmLog(there);
    assert.equal((await sessionGrant(thief)).status, 200, 'it was good until now');
    cut(true);
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    assert.equal((await thief.get('/auth/me')).status, 200, 'that process has not heard of it');
    assert.equal(await errorOf(await sessionGrant(thief)), '400 invalid_grant LK_GRANT_REFUSED');
    cut(false);
    there.clock.advance(10_001);
    assert.equal(await errorOf(await sessionGrant(thief)), '400 invalid_grant LK_GRANT_REFUSED');
    assert.equal((await sessionGrant(visit)).status, 200);
    for (const { auth } of [here, there]) await auth.close();
    await place.remove();
  });
});
