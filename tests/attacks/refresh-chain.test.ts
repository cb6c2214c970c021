import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { parseRootSecret } from '../../packages/latchkey/src/foundation/root-secret.ts';
import type { RefreshChain } from '../../packages/latchkey/src/stores/records.ts';
import { refreshToken } from '../../packages/latchkey/src/tokens/refresh-token.ts';
import { CLIENTS, type Held, Program } from '../http/program.ts';
import { openWorld, TEST_SECRET, type World } from '../http/world.ts';
import { folder, idIn, rowsOf } from './scene.ts';

/** Another root secret, for tests alone. */
const OTHER_SECRET = 'Q7m2c0pXv5Jd8sWkR1yZ4uLhN6bTgE3oFiAqPzVxC9s=';

/** R10, and a second more, or less: the clock runs on while a test does. */
const AFTER_GRACE = 11_000;
const WITHIN_GRACE = 8_000;
const REFUSED = '400 invalid_grant LK_GRANT_REFUSED';

const kinds = (world: World, type: string): number =>
  world.events.filter((event) => event.type === type).length;
const codes = (world: World): (string | undefined)[] =>
  world.events.filter(({ type }) => type === 'refresh_refused').map(({ code }) => code);

describe('a refresh token', () => {
  let world: World;
  let program: Program;
  let place: Awaited<ReturnType<typeof folder>>;
  let people = 0;
  before(async () => {
    place = await folder();
    world = await openWorld({ clients: CLIENTS }, sqlite(place.file));
    program = new Program(world.auth);
  });
  after(async () => {
    await world.auth.close();
    await place.remove();
  });
  const somebody = async (): Promise<Held> => {
    people += 1;
    const held = await program.signUp(`chain-${people}@example.com`);
    world.events.length = 0;
    return held;
  };
  const chainOf = async ({ session }: Held): Promise<RefreshChain> => {
    const chain = (await world.store.sessions.read(idIn<'session'>(session)))?.session.chain;
    assert.ok(chain !== null && chain !== undefined);
    return chain;
  };
  /** Asserts that nothing of a session is good any more. */
  const assertDead = async (held: Held, ...tokens: string[]): Promise<void> => {
    for (const token of [held.refresh, ...tokens]) assert.equal(await program.refusal(token), REFUSED);
    assert.equal(await program.status(held.access), 401);
  };

  test('that fifty tabs exchange at once has one successor, which all of them get (@incident R1, @rule R10)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    const answers = await Promise.all(Array.from({ length: 50 }, () => program.refresh(held.refresh)));
    const bodies = await Promise.all(
      answers.map((answer) => answer.json() as Promise<Record<string, string>>),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.ok(
      answers.every(({ headers }) => headers.getSetCookie().length === 0),
      'no cookie is set or cleared',
    );
    assert.equal(new Set(bodies.map((body) => body['refresh_token'])).size, 1);
    for (const body of bodies) assert.equal(await program.status(body['access_token'] ?? ''), 200);
    assert.equal((await chainOf(held)).generation, 1);
    assert.equal(kinds(world, 'refreshed'), 1);
    world.clock.advance(AFTER_GRACE);
    await program.renewed(bodies[0]?.['refresh_token'] ?? '');
  });

  test('whose answer was lost is answered with the same successor again (@incident R2, @rule R10)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    const lost = await program.renewed(held.refresh);
    world.clock.advance(WITHIN_GRACE);
    const again = await program.renewed(held.refresh);
    assert.equal(again.refresh, lost.refresh);
    assert.notEqual(again.access, lost.access);
    assert.equal(await program.status(again.access), 200);
    assert.equal(kinds(world, 'refreshed'), 1);
  });

  test('younger than the grace is not exchanged: itself and a new access token are the answer (@rule R10)', async () => {
    const held = await somebody();
    for (const moment of [0, WITHIN_GRACE]) {
      world.clock.advance(moment);
      const { refresh, access } = await program.renewed(held.refresh);
      assert.equal(refresh, held.refresh);
      assert.notEqual(access, held.access);
    }
    world.clock.advance(AFTER_GRACE - WITHIN_GRACE);
    const { refresh } = await program.renewed(held.refresh);
    assert.notEqual(refresh, held.refresh);
    assert.equal((await program.renewed(refresh)).refresh, refresh, 'and so is its successor');
    assert.equal((await chainOf(held)).generation, 1);
  });

  test('whose successor has one of its own ends the session, also within the grace (@incident R3, @incident O6, @asvs 10.4.5)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    const { refresh: second } = await program.renewed(held.refresh);
    world.clock.advance(AFTER_GRACE);
    const { refresh: third, access } = await program.renewed(second);
    assert.equal(await program.refusal(held.refresh), REFUSED);
    await assertDead(held, second, third);
    assert.equal(await program.status(access), 401);
    assert.equal(kinds(world, 'refresh_reused'), 1);
  });

  test('whose grace is over ends the session (@incident R4, @asvs 10.4.5)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    const { refresh: next } = await program.renewed(held.refresh);
    world.clock.advance(AFTER_GRACE);
    assert.equal(await program.refusal(held.refresh), REFUSED);
    await assertDead(held, next);
    assert.deepEqual(
      world.events.filter(({ type }) => type === 'refresh_reused').map(({ code }) => code),
      ['LK_REFRESH_REUSED'],
    );
  });

  test('that fifty replay at once ends the session once: one entry of the log (@rule R10)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    await program.renewed(held.refresh);
    world.clock.advance(AFTER_GRACE);
    const before = (await world.store.log.head()).seq;
    const errors = await Promise.all(Array.from({ length: 50 }, () => program.refusal(held.refresh)));
    assert.deepEqual(new Set(errors), new Set([REFUSED]));
    assert.equal((await world.store.log.head()).seq, before + 1);
  });

  test('that a thief exchanges within the grace gives both the same, and the next use of both shows it (@incident R4)', async () => {
    const held = await somebody();
    const thief = new Program(world.auth, { peer: '198.51.100.7', userAgent: 'curl/8' });
    world.clock.advance(AFTER_GRACE);
    const { refresh: owners } = await program.renewed(held.refresh);
    const { refresh: stolen } = await thief.renewed(held.refresh);
    assert.equal(stolen, owners, 'no second chain begins');
    world.clock.advance(AFTER_GRACE);
    const { access } = await thief.renewed(stolen);
    assert.equal(await program.status(access), 200, 'until then nobody can tell them apart');
    world.clock.advance(AFTER_GRACE);
    assert.equal(await program.refusal(owners), REFUSED);
    assert.equal(await thief.refusal(stolen), REFUSED);
    assert.equal(await program.status(access), 401);
  });

  /** A generation that its owner exchanges and another one asks for as well, within the grace. */
  const share = async (token: string, other: Program): Promise<{ next: string; theirs: Response }> => {
    world.clock.advance(AFTER_GRACE);
    const { refresh: next } = await program.renewed(token);
    return { next, theirs: await other.refresh(token) };
  };
  const elsewhere: readonly (readonly [string, { peer?: string; userAgent?: string }])[] = [
    ['another network', { peer: '198.51.100.7' }],
    [
      'another device',
      { userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
    ],
  ];
  const sharedToTheEnd = async (device: { peer?: string; userAgent?: string }): Promise<void> => {
    const held = await somebody();
    const other = new Program(world.auth, device);
    let token = held.refresh;
    for (const status of [200, 200, 400]) {
      const { next, theirs } = await share(token, other);
      assert.equal(theirs.status, status);
      token = next;
    }
    await assertDead(held, token);
    assert.equal(kinds(world, 'refresh_reused'), 1);
  };
  for (const [what, device] of elsewhere) {
    test(`that ${what} uses as well, three generations running, ends the session (@rule R10, @incident R4)`, () =>
      sharedToTheEnd(device));
  }

  test('that is shared now and then, or by tabs of one device, ends nothing (@rule R10)', async () => {
    const held = await somebody();
    const other = new Program(world.auth, { peer: '198.51.100.7' });
    let token = held.refresh;
    for (const asking of [other, other, program, other, other, program, program, program]) {
      const { next, theirs } = await share(token, asking);
      assert.equal(theirs.status, 200);
      token = next;
    }
    assert.equal(await program.status((await program.renewed(token)).access), 200);
  });

  const forged = async (tokens: readonly string[], held: Held): Promise<void> => {
    const rows = rowsOf(place.file);
    for (const token of tokens) {
      assert.equal(await program.refusal(token), REFUSED, token);
      const form = { token };
      const revoked = await program.send('POST', '/auth/revoke', { form });
      assert.deepEqual(await revoked.json(), { receipt: null }, token);
    }
    assert.equal(rowsOf(place.file), rows, 'nothing was written');
    assert.equal(await program.status(held.access), 200);
    await program.renewed(held.refresh);
  };
  const bytesOf = (token: string): Buffer => Buffer.from(token.slice(4), 'base64url');
  const tokenOf = (bytes: Uint8Array): string => `lkr_${Buffer.from(bytes).toString('base64url')}`;

  test('of which a bit is changed is worth nothing and changes nothing, whichever bit (@rule R10)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    const tokens = Array.from({ length: 61 * 8 }, (_, bit) => {
      const bytes = bytesOf(held.refresh);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return tokenOf(bytes);
    });
    assert.equal(new Set(tokens).size, 61 * 8);
    await forged(tokens, held);
  });

  test('with the proof of another is worth nothing and changes nothing (@rule R10)', async () => {
    const [held, other] = [await somebody(), await somebody()];
    const chain = await chainOf(held);
    const session = idIn<'session'>(held.session);
    const foreign = parseRootSecret(OTHER_SECRET);
    const [own, others] = [bytesOf(held.refresh), bytesOf(other.refresh)];
    const mac = (bytes: Buffer): Buffer => bytes.subarray(29);
    const next = refreshToken(parseRootSecret(TEST_SECRET), session, { ...chain, generation: 1 }).reveal();
    const alien = refreshToken(foreign, session, { ...chain, key: foreign.current.id }).reveal();
    const renonced = refreshToken(parseRootSecret(TEST_SECRET), session, {
      ...chain,
      nonce: new Uint8Array(16),
    });
    await forged(
      [
        tokenOf(Buffer.concat([own.subarray(0, 29), mac(others)])),
        tokenOf(Buffer.concat([others.subarray(0, 29), mac(own)])),
        tokenOf(Buffer.concat([own.subarray(0, 29), mac(bytesOf(next))])),
        tokenOf(Buffer.concat([own.subarray(0, 29), Buffer.alloc(32)])),
        tokenOf(Buffer.concat([own.subarray(0, 20), bytesOf(alien).subarray(20, 29), mac(own)])),
        alien,
        renonced.reveal(),
      ],
      held,
    );
  });

  test('spelled in any other way is none (@rule R10)', async () => {
    const held = await somebody();
    const text = held.refresh;
    const last = 'AQgw'.includes(text.at(-1) ?? '')
      ? String.fromCharCode((text.at(-1) ?? '').charCodeAt(0) + 1)
      : 'x';
    const base64 = text.replaceAll('-', '+').replaceAll('_', '/').replace('lkr/', 'lkr_');
    const spelled = [
      `${text.slice(0, -1)}${last}`,
      `${text}=`,
      `${text}AA`,
      ` ${text}`,
      `${text}\n`,
      text.slice(4),
      text.toUpperCase(),
      text.replace('lkr_', 'lkc_'),
      ...(base64 === text ? [] : [base64]),
    ];
    await forged(spelled, held);
  });

  test('of a generation that the store does not know yet is refused, and changes nothing (@rule R10)', async () => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    const chain = await chainOf(held);
    const secret = parseRootSecret(TEST_SECRET);
    const rows = rowsOf(place.file);
    for (const generation of [1, 2, 4_294_967_295]) {
      const ahead = refreshToken(secret, idIn<'session'>(held.session), { ...chain, generation }).reveal();
      assert.equal(await program.refusal(ahead), REFUSED);
    }
    assert.equal(rowsOf(place.file), rows);
    assert.deepEqual(codes(world), ['LK_REFRESH_REFUSED', 'LK_REFRESH_REFUSED', 'LK_REFRESH_REFUSED']);
    await program.renewed(held.refresh);
  });

  const endings: readonly (readonly [string, (held: Held) => unknown, string])[] = [
    [
      'the session was revoked',
      ({ session }) => world.auth.revoke({ session: idIn<'session'>(session) }),
      'LK_SESSION_REVOKED',
    ],
    [
      'trust in the user ended',
      ({ user }) => world.auth.revoke({ user: idIn<'user'>(user) }),
      'LK_SESSION_REVOKED',
    ],
    ['trust in the client ended', () => world.auth.revoke({ client: 'mobile' }), 'LK_SESSION_REVOKED'],
    ['all trust ended', () => world.auth.revoke({ all: true }), 'LK_SESSION_REVOKED'],
    ['the user was disabled', ({ user }) => disable(user), 'LK_SESSION_USER_DISABLED'],
    ['the session was idle too long', () => world.clock.advance(7 * 86_400_000), 'LK_SESSION_IDLE'],
  ];
  function disable(user: string): void {
    const database = new DatabaseSync(place.file);
    database
      .prepare('update account set disabled_at = ? where id = ?')
      .run(1, Buffer.from(user, 'base64url'));
    database.close();
  }
  const refusedOnce = async (end: (held: Held) => unknown, code: string): Promise<void> => {
    const held = await somebody();
    world.clock.advance(AFTER_GRACE);
    await end(held);
    const rows = rowsOf(place.file);
    assert.equal(await program.refusal(held.refresh), REFUSED);
    assert.deepEqual(codes(world), [code], 'the log has the real reason');
    assert.equal(rowsOf(place.file), rows, 'no row was written');
  };
  for (const [what, end, code] of endings) {
    test(`is not good where ${what} (@rule R3, @asvs 7.4.1, @asvs 7.4.2)`, () => refusedOnce(end, code));
  }

  test('never takes the session over its absolute limit, however often it is used (@asvs 10.4.8, @asvs 7.3.2)', async () => {
    const held = await somebody();
    let token = held.refresh;
    for (let day = 0; day < 29; day += 1) {
      world.clock.advance(86_400_000);
      token = (await program.renewed(token)).refresh;
    }
    world.clock.advance(86_400_000 - 60_000);
    const response = await program.refresh(token);
    const { refresh_token: last, expires_in: left } = (await response.json()) as Record<string, unknown>;
    assert.ok(Number(left) <= 60, 'no access token outlives its session');
    world.clock.advance(60_000);
    assert.equal(await program.refusal(String(last)), REFUSED);
    assert.equal(codes(world).at(-1), 'LK_SESSION_EXPIRED');
  });

  test('is exchanged by twenty tabs of twenty users at once, and nobody is signed out (@fault F13, @incident R1)', async () => {
    const all: Held[] = [];
    for (let index = 0; index < 20; index += 1) all.push(await somebody());
    world.clock.advance(AFTER_GRACE);
    const answers = await Promise.all(
      all.flatMap((held) =>
        Array.from({ length: 20 }, async () => ({ held, ...(await program.renewed(held.refresh)) })),
      ),
    );
    const successors = Map.groupBy(answers, ({ held }) => held.session);
    for (const held of all) {
      const own = successors.get(held.session) ?? [];
      assert.equal(new Set(own.map(({ refresh }) => refresh)).size, 1);
      const headers = new Headers({ Authorization: `Bearer ${own[0]?.access}` });
      assert.equal((await world.auth.require(headers)).id, held.user, 'each got their own');
      assert.equal((await chainOf(held)).generation, 1);
    }
    assert.equal(kinds(world, 'refreshed'), 20);
  });
});
