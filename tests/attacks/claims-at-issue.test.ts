import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLIENTS, enter, Program, saidBy } from '../http/program.ts';
import { bodyOf, codeOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import { inside } from './scene.ts';

/** A list in a list, so many deep. */
const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}1${']'.repeat(depth)}`);

describe('a claim of which a verifier could make nothing', () => {
  let given: unknown = 'free';
  let world: World;
  let program: Program;
  before(async () => {
    world = await openWorld({ clients: CLIENTS, claims: { plan: () => given } });
    program = new Program(world.auth);
    await program.signUp('ada@example.com');
  });
  after(() => world.auth.close());
  const signIn = (client: string): Promise<Response> =>
    program.send('POST', '/auth/sign-in', { json: { email: 'ada@example.com', password: PASSWORD, client } });

  const REFUSED: readonly (readonly [string, unknown])[] = [
    ['half of a character', '\ud800'],
    ['half of a character as a key', { '\udfff': 1 }],
    ['a member named constructor', { constructor: 1 }],
    ['a member named __proto__', JSON.parse('{"__proto__":{"administrator":true}}')],
    ['a member named prototype, deep inside', [{ inner: [{ prototype: null }] }]],
    ['lists in lists without end', nested(20)],
    ['a set, which would be an empty object', new Set(['admin'])],
    ['a map', new Map([['admin', true]])],
    ['a promise', Promise.resolve('pro')],
    ['an object of some class', /pro/],
    ['no number', Number.NaN],
    ['a number without end', [Number.POSITIVE_INFINITY]],
    ['nothing, inside', { level: undefined }],
    ['a function, inside', { level: () => 1 }],
    ['a symbol', Symbol('pro')],
  ];
  const refusedAtIssue = async (value: unknown): Promise<void> => {
    given = 'free';
    const held = await program.signIn('ada@example.com');
    given = value;
    for (const ask of [() => signIn('mobile'), () => signIn('spa'), () => program.refresh(held.refresh)]) {
      world.events.length = 0;
      const response = await ask();
      assert.equal(response.status, 500);
      assert.equal(await codeOf(response), 'LK_INTERNAL');
      const failed = world.events.find(({ type }) => type === 'failed');
      assert.equal(failed?.code, 'LK_CLAIM_REFUSED');
      assert.equal(inside(failed.error, 'detail', 'claim'), 'plan');
    }
    given = 'free';
    assert.equal(await program.status((await program.renewed(held.refresh)).access), 200, 'nothing broke');
  };
  for (const [what, value] of REFUSED) {
    test(`is refused as the token is made, and not wherever it is presented: ${what} (@incident D1, @rfc 8725 §3.7)`, () =>
      refusedAtIssue(value));
  }

  test('does not keep a copied refresh token from ending its session (@rule R10, @asvs 10.4.5)', async () => {
    given = 'free';
    const held = await program.signIn('ada@example.com');
    world.clock.advance(11_000);
    const { access, refresh } = await program.renewed(held.refresh);
    world.clock.advance(11_000);
    given = () => 1;
    assert.equal(await program.refusal(held.refresh), '400 invalid_grant LK_GRANT_REFUSED');
    given = 'free';
    assert.equal(await program.status(access), 401);
    assert.equal(await program.refusal(refresh), '400 invalid_grant LK_GRANT_REFUSED');
  });

  const TAKEN: readonly (readonly [string, unknown])[] = [
    ['characters beyond the first plane', 'plan 🜁 \u{10ffff}'],
    ['an end of line and a NUL', 'a\n\u0000'],
    ['names that only look like hostile ones', { constructors: [1], __proto: null, proto: 'type' }],
    ['lists in lists', nested(4)],
    ['an object without a prototype', Object.assign(Object.create(null), { level: 3 })],
    ['numbers at the ends of what is exact', [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 1e-7]],
    ['null', null],
    ['a date, which writes itself as text', new Date(0)],
  ];
  const goodEverywhere = async (value: unknown): Promise<void> => {
    given = value;
    const expected: unknown = JSON.parse(JSON.stringify(value));
    const spa = await enter(world.browser(), 'ada@example.com', 'spa');
    for (const { access } of [await program.signIn('ada@example.com'), spa]) {
      assert.deepEqual(saidBy(access)['plan'], expected);
      const response = await program.send('GET', '/auth/me', { bearer: access });
      assert.equal(response.status, 200);
      assert.deepEqual(inside(await bodyOf(response), 'claims', 'plan'), expected);
    }
  };
  for (const [what, value] of TAKEN) {
    test(`is not one that JSON carries: ${what}`, () => goodEverywhere(value));
  }
});
