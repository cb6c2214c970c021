import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { Program } from '../http/program.ts';
import { bodyOf, ORIGIN, openWorld, type World } from '../http/world.ts';
import { confirmLog, inside } from './scene.ts';

const user = z.object({
  teams: z.array(z.object({ name: z.string() })).default([{ name: 'readers' }]),
});
const claims = { groups: (): unknown => [{ name: 'readers', tags: ['a'] }] };

describe('what one request is told of a principal', () => {
  let world: World;
  let headers: Readonly<Record<'cookie' | 'token', Headers>>;
  before(async () => {
    world = await openWorld({ clients: { spa: 'hybrid' }, user, claims });
    const visit = world.browser();
    const { access_token: token } = await bodyOf(await visit.signUp('ada@example.com'));
    headers = {
      cookie: new Headers({ Cookie: visit.cookie ?? '' }),
      token: new Headers({ Authorization: `Bearer ${String(token)}` }),
    };
    await confirmLog(world);
  });
  after(() => world.auth.close());

  /** Every object in a value, with the way that leads to it. */
  function* objectsIn(value: unknown, path = 'principal'): Generator<readonly [string, object]> {
    if (typeof value !== 'object' || value === null) return;
    yield [path, value];
    for (const [key, inner] of Object.entries(value)) yield* objectsIn(inner, `${path}.${key}`);
  }

  const frozen = async (via: 'cookie' | 'token'): Promise<void> => {
    const [first, again] = [await world.auth.require(headers[via]), await world.auth.require(headers[via])];
    assert.equal(again, first, 'they share it');
    assert.equal(first.via, via);
    const found = [...objectsIn(first)];
    const paths = found.map(([path]) => path);
    for (const path of ['principal.claims.groups.0.tags', 'principal.amr', 'principal.session'])
      assert.ok(paths.includes(path), path);
    if (via === 'cookie') assert.ok(paths.includes('principal.user.fields.teams.0'), paths.join());
    for (const [path, object] of found) assert.ok(Object.isFrozen(object), path);
  };
  const unwritten = async (via: 'cookie' | 'token'): Promise<void> => {
    const groups = inside((await world.auth.require(headers[via])).claims, 'groups');
    assert.ok(Array.isArray(groups));
    assert.throws(() => groups.push({ name: 'administrators' }), TypeError);
    const response = await world.auth.handler(new Request(`${ORIGIN}/auth/me`, { headers: headers[via] }));
    assert.deepEqual(inside(await bodyOf(response), 'claims', 'groups'), [{ name: 'readers', tags: ['a'] }]);
  };
  for (const via of ['cookie', 'token'] as const) {
    test(`by a ${via} cannot be written for the next one: all of it is frozen (@incident O2)`, () =>
      frozen(via));
    test(`by a ${via} is not what another request left in it (@incident O2)`, () => unwritten(via));
  }

  test('by a token whose facts have changed is frozen as well (@incident O2)', async () => {
    const { id } = await world.auth.require(headers.token);
    await world.auth.users.setFields(id, { teams: [{ name: 'writers' }] });
    const program = new Program(world.auth);
    const bearer = (headers.token.get('authorization') ?? '').slice('Bearer '.length);
    assert.equal(await program.status(bearer), 200);
    for (const [path, object] of objectsIn(await world.auth.require(headers.token)))
      assert.ok(Object.isFrozen(object), path);
  });
});
