import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SigningAlgorithm } from '@latchkey/verify';
import { type LatchkeyOptions, sqlite } from 'latchkey';
import { CLIENTS, Program, saidBy } from '../http/program.ts';
import { bodyOf, openWorld, type World } from '../http/world.ts';
import { confirmLog, cuttable, folder, idIn, inside, statusOf } from './scene.ts';

/** Two processes on one database, each with options of its own. */
async function pair(
  first: Partial<LatchkeyOptions>,
  second: Partial<LatchkeyOptions>,
): Promise<{ readonly worlds: readonly [World, World]; readonly close: () => Promise<void> }> {
  const place = await folder();
  const worlds = [
    await openWorld(first, sqlite(place.file)),
    await openWorld(second, sqlite(place.file)),
  ] as const;
  return {
    worlds,
    close: async () => {
      for (const { auth } of worlds) await auth.close();
      await place.remove();
    },
  };
}

/** What the header of a token says. */
function headerOf(token: string): { readonly alg: unknown; readonly kid: unknown } {
  const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
  return { alg: inside(header, 'alg'), kid: inside(header, 'kid') };
}

describe('two processes that sign with different algorithms', () => {
  const signing = (algorithm: SigningAlgorithm): Partial<LatchkeyOptions> => ({
    clients: CLIENTS,
    tokens: { algorithm },
  });
  /** Longer than a process waits between two readings of the keys. */
  const COOLDOWN = 5_001;

  for (const [first, second] of [
    ['ES256', 'EdDSA'],
    ['EdDSA', 'ES256'],
  ] as const) {
    test(`verify each other's tokens, and each keeps its own: ${first} first (@asvs 13.3.4, @fault F14)`, async () => {
      const { worlds, close } = await pair(signing(first), signing(second));
      const [here, there] = worlds;
      const programs = [new Program(here.auth), new Program(there.auth)] as const;
      const one = await programs[0].signUp('ada@example.com');
      const other = await programs[1].signIn('ada@example.com');
      assert.deepEqual(
        [one, other].map(({ access }) => headerOf(access).alg),
        [first, second],
      );
      for (const { clock } of worlds) clock.advance(COOLDOWN);
      for (const program of programs)
        for (const { access } of [one, other]) assert.equal(await program.status(access), 200);

      const kids = [one, other].map(({ access }) => headerOf(access).kid);
      const all = await here.store.signingKeys.list();
      const stored = all.map(({ kid }) => kid);
      assert.deepEqual(all.map(({ algorithm }) => algorithm).toSorted(), [
        'ES256',
        'ES256',
        'EdDSA',
        'EdDSA',
      ]);
      assert.ok(
        kids.every((kid) => stored.includes(String(kid))),
        'beside the next ones',
      );
      for (const program of programs) {
        const { keys } = await bodyOf(await program.send('GET', '/.well-known/jwks.json'));
        assert.ok(Array.isArray(keys));
        assert.deepEqual(
          keys.map((key) => inside(key, 'kid')),
          stored,
        );
      }
      await close();
    });
  }

  test('leave the first with its key, also when the second comes and goes and unknown ids are asked for (@asvs 13.3.4)', async () => {
    const place = await folder();
    const here = await openWorld(signing('ES256'), sqlite(place.file));
    const program = new Program(here.auth);
    const held = await program.signUp('ada@example.com');
    const command = await openWorld({}, sqlite(place.file));
    await command.auth.users.create({ email: 'root@example.com', password: 'a command made this user' });
    await command.auth.close();
    let { refresh } = held;
    for (let round = 0; round < 3; round += 1) {
      here.clock.advance(17 * 60_000);
      const next = await program.renewed(refresh);
      refresh = next.refresh;
      assert.deepEqual(headerOf(next.access), headerOf(held.access));
      assert.equal(await program.status(next.access), 200);
      // An id that nobody knows has the keys read again.
      const header = { ...headerOf(held.access), typ: 'at+jwt', kid: 'x'.repeat(43) };
      const unknown = [header, saidBy(next.access)].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      );
      const forged = [...unknown, next.access.split('.')[2]].join('.');
      assert.equal(await program.status(forged), 401);
      assert.equal(await program.status(next.access), 200, 'and the own one is among them');
    }
    await here.auth.close();
    await place.remove();
  });
});

describe('a process that revokes, beside one that holds things longer than it would', () => {
  const LONG = { nearCache: { life: '5m' }, log: { maxStaleness: '60s' } } as const;

  test('writes an entry that outlives what the other remembers (@rule R6)', async () => {
    const { worlds, close } = await pair({ nearCache: LONG.nearCache }, {});
    const [long, short] = worlds;
    const visit = long.browser();
    await visit.signUp('ada@example.com');
    const { cookie } = visit;
    await confirmLog(long);
    assert.equal(await statusOf(long, cookie), 200, 'it is remembered from here on');
    const { id } = await bodyOf(await visit.get('/auth/me'));
    await short.auth.revoke({ user: idIn<'user'>(String(id)) });
    // Longer than entries live that nobody holds for so long, and not asked meanwhile: a hit would forget it.
    for (let passed = 0; passed < 250_000; passed += 4_000) {
      for (const { clock } of worlds) clock.advance(4_000);
      await confirmLog(long);
    }
    assert.equal(await statusOf(long, cookie), 401);
    await close();
  });

  test('is held to what each has said, in each entry of the log (@rule R6)', async () => {
    const { worlds, close } = await pair({ ...LONG, clients: CLIENTS, tokens: { life: '15m' } }, {});
    const [, short] = worlds;
    const before = short.clock.now();
    await short.auth.revoke({ all: true });
    const { entries } = await short.store.log.pull(null, before);
    const longest = 900_000 + 300_000 + 60_000 + 30_000 + 60_000;
    // The log's time goes on by the monotonic clock, which may be a millisecond behind the wall's.
    assert.ok((entries.at(-1)?.expiresAt ?? 0) >= before + longest - 1, JSON.stringify(entries.at(-1)));
    await close();
  });

  test('promises no deadline and no death of tokens before the other keeps it (@rule R9)', async () => {
    const { worlds, close } = await pair({ ...LONG, clients: CLIENTS, tokens: { life: '15m' } }, {});
    const [long, short] = worlds;
    const receipts = [
      await short.auth.revoke({ client: 'nobody' }),
      await long.auth.revoke({ client: 'nobody' }),
    ];
    for (const { at, deadline, tokensDeadBy } of receipts) {
      assert.equal(deadline, at + 60_000);
      assert.ok(tokensDeadBy >= at + 900_000);
    }
    await close();
  });

  test('is right in its deadline: until then the other may accept, from then on it does not (@rule R4, @rule R9)', async () => {
    const place = await folder();
    const { store, cut } = cuttable(sqlite(place.file));
    const long = await openWorld(LONG, store);
    const short = await openWorld({}, sqlite(place.file));
    const visit = long.browser();
    await visit.signUp('ada@example.com');
    await confirmLog(long);
    assert.equal(await statusOf(long, visit.cookie), 200);
    cut(true);
    const { deadline } = await short.auth.revoke({ all: true });
    long.clock.advance(50_000);
    assert.equal(await statusOf(long, visit.cookie), 200, 'it has not heard of it, and may still believe');
    long.clock.advance(deadline - long.clock.now());
    assert.equal(await statusOf(long, visit.cookie), 401);
    for (const { auth } of [long, short]) await auth.close();
    await place.remove();
  });
});
