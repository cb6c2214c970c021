import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type LatchkeyOptions, type PrincipalUser, type Store, sqlite } from 'latchkey';
import { subjectOf } from '../../packages/latchkey/src/foundation/ids.ts';
import {
  CLIENTS,
  enter,
  errorOf,
  type Held,
  Program,
  saidBy,
  sessionGrant,
  tokenIn,
} from '../http/program.ts';
import { bodyOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import {
  confirmLog,
  counting,
  cuttable,
  door,
  folder,
  idIn,
  inside,
  overriding,
  ownSigner,
} from './scene.ts';

const isAuditor = ({ roles }: PrincipalUser): boolean => roles.includes('auditor');
const OPTIONS = {
  clients: { ...CLIENTS, kiosk: { mode: 'jwt', refresh: false } },
  roles: ['auditor'],
  claims: { audits: isAuditor },
} as const satisfies Partial<LatchkeyOptions>;

interface Watched {
  readonly world: World;
  readonly program: Program;
  /** Sessions read from the store since the last call. */
  readonly reads: () => number;
  /** Makes the node's copy of the log too old, and keeps it so: the store must be asked. */
  readonly blind: () => void;
}

async function watched(): Promise<Watched> {
  const { store: inner, cut } = cuttable(sqlite(':memory:'));
  const { store, reads } = counting(inner);
  const world = await openWorld(OPTIONS, store);
  let before = 0;
  return {
    world,
    program: new Program(world.auth),
    reads: () => {
      const since = reads() - before;
      before = reads();
      return since;
    },
    blind: () => {
      cut(true);
      world.clock.advance(5_001);
    },
  };
}

/** What an application learns of a token. */
async function checked({ auth }: World, access: string): Promise<Record<string, unknown>> {
  const principal = await auth.require(new Headers({ Authorization: `Bearer ${access}` }));
  return { ...principal.claims, authTime: principal.authTime };
}

describe('a token whose facts have changed', () => {
  test('is answered with those of now, and nobody has to renew it (@rule R2, @asvs 8.3.2)', async () => {
    const { world, program, reads } = await watched();
    const [held, other] = [
      await program.signUp('ada@example.com'),
      await program.signUp('other@example.com'),
    ];
    await confirmLog(world);
    for (const { access } of [held, other]) await checked(world, access);
    reads();
    for (const [change, audits] of [
      [{ add: ['auditor'] }, true],
      [{ remove: ['auditor'] }, false],
    ] as const) {
      await world.auth.users.changeRoles(held.user, change);
      assert.equal((await checked(world, held.access))['audits'], audits);
      assert.equal(reads(), 1, 'the row was asked');
      assert.equal((await checked(world, held.access))['audits'], audits);
      assert.equal(reads(), 0, 'and what it said is remembered');
      await checked(world, other.access);
      assert.equal(reads(), 0, 'nobody else is concerned');
    }
    assert.equal(saidBy(held.access)['audits'], false, 'it is the same token');
    assert.equal((await program.send('GET', '/auth/me', { bearer: held.access })).status, 200);
    await world.auth.close();
  });

  test('is renewed with those of now (@rule R1)', async () => {
    const { world, program } = await watched();
    const held = await program.signUp('ada@example.com');
    await world.auth.users.changeRoles(held.user, { add: ['auditor'] });
    const { access } = await program.renewed(held.refresh);
    assert.equal(saidBy(access)['audits'], true);
    assert.ok(Number(saidBy(access)['rs']) > Number(saidBy(held.access)['rs']));
    await world.auth.close();
  });

  test('leaves no row and is answered with those of now (@rule R2)', async () => {
    const { world, program } = await watched();
    await program.signUp('ada@example.com');
    const held = await program.signIn('ada@example.com', 'kiosk');
    await world.auth.users.changeRoles(held.user, { add: ['auditor'] });
    assert.equal((await checked(world, held.access))['audits'], true);
    await world.auth.close();
  });

  test('does not rise when its session is proved again; the next one does (@rule R11)', async () => {
    const { world } = await watched();
    await world.browser().signUp('ada@example.com');
    const visit = world.browser();
    const { access } = await enter(visit, 'ada@example.com', 'spa');
    const before = Number((await checked(world, access))['authTime']);
    world.clock.advance(60_000);
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    assert.equal((await checked(world, access))['authTime'], before, 'who copied it gains nothing');
    const next = await tokenIn(await sessionGrant(visit));
    assert.ok(Number((await checked(world, next))['authTime']) >= before + 60_000);
    await world.auth.close();
  });

  test('and was made from a reading before the change, carries the position before it (@rule R1)', async () => {
    const inner = sqlite(':memory:');
    let next: ReturnType<typeof door> | null = null;
    const sessions = overriding(inner.sessions, {
      read: async (id) => {
        const held = next;
        next = null;
        const reading = await inner.sessions.read(id);
        await held?.pass();
        return reading;
      },
    });
    const { store, cut } = cuttable({ ...inner, sessions });
    const world = await openWorld(OPTIONS, store);
    const program = new Program(world.auth);
    const ada = await program.signUp('ada@example.com');
    /** Renews the token, and acts while the row has been read and the token is not made yet. */
    const renewedAround = async (act: () => Promise<unknown>): Promise<string> => {
      next = door();
      const held = next;
      const renewing = program.renewed(ada.refresh);
      await held.reached;
      await act();
      held.open();
      return (await renewing).access;
    };
    const changed = await renewedAround(() => world.auth.users.changeRoles(ada.user, { add: ['auditor'] }));
    assert.equal(saidBy(changed)['audits'], false);
    assert.equal((await checked(world, changed))['audits'], true);
    const revoked = await renewedAround(() => world.auth.revoke({ user: idIn<'user'>(ada.user) }));
    assert.equal(await program.status(revoked), 401);
    cut(true);
    world.clock.advance(5_001);
    assert.equal(await program.status(revoked), 401, 'also where the store is asked');
    await world.auth.close();
  });
});

describe('a floor', () => {
  /** `stale`: the node's copy of the log is too old, so that the store is asked. */
  const spared = async (stale: boolean): Promise<void> => {
    const { world, program, blind } = await watched();
    const email = 'ada@example.com';
    const first = await program.signUp(email);
    const [mobile, visit] = [await program.signIn(email), world.browser()];
    const spa = await enter(visit, email, 'spa');
    await confirmLog(world);
    for (const { access } of [first, mobile, spa]) assert.equal(await program.status(access), 200);

    const ended = await program.send('DELETE', '/auth/sessions?except=current', { bearer: mobile.access });
    assert.equal(ended.status, 200);
    if (stale) blind();
    for (const { access } of [first, mobile, spa]) assert.equal(await program.status(access), 401);
    assert.equal(await program.refusal(first.refresh), '400 invalid_grant LK_GRANT_REFUSED');
    assert.equal(await errorOf(await sessionGrant(visit)), '400 invalid_grant LK_GRANT_REFUSED');
    const { access } = await program.renewed(mobile.refresh);
    assert.equal(await program.status(access), 200);
    assert.equal(await program.status(mobile.access), 401, 'the older token stays dead');
    await world.auth.close();
  };
  for (const stale of [false, true]) {
    test(`kills the older tokens of the session that it spares, and not its refresh${stale ? ', also where the store is asked' : ''} (@rule R1, @rule R2)`, () =>
      spared(stale));
  }

  test('spares a cookie, of which new tokens are made (@rule R1)', async () => {
    const { world, program } = await watched();
    const visit = world.browser();
    await visit.signUp('ada@example.com');
    const { access } = await enter(visit, 'ada@example.com', 'spa');
    assert.equal((await visit.delete('/auth/sessions?except=current')).status, 200);
    assert.equal(await program.status(access), 401);
    assert.equal((await visit.get('/auth/me')).status, 200);
    assert.equal(await program.status(await tokenIn(await sessionGrant(visit))), 200);
    await world.auth.close();
  });
});

describe('a token that the node remembers', () => {
  let world: World;
  let program: Program;
  let people = 0;
  before(async () => {
    ({ world, program } = await watched());
  });
  after(() => world.auth.close());
  const ends: readonly (readonly [string, (held: Held) => Promise<unknown>])[] = [
    ['its session', ({ session }) => world.auth.revoke({ session: idIn<'session'>(session) })],
    ['its user', ({ user }) => world.auth.revoke({ user: idIn<'user'>(user) })],
    ['its client', () => world.auth.revoke({ client: 'mobile' })],
    ['all', () => world.auth.revoke({ all: true })],
    ['the key that signed it', ({ access }) => world.auth.keys.revoke(kidOf(access))],
  ];
  const refusedAtOnce = async (end: (held: Held) => Promise<unknown>): Promise<void> => {
    people += 1;
    const held = await program.signUp(`remembered-${people}@example.com`);
    await confirmLog(world);
    await checked(world, held.access);
    const { remembered } = await world.auth.status();
    await checked(world, held.access);
    assert.equal((await world.auth.status()).remembered, remembered, 'it is remembered');
    await end(held);
    // A key that is trusted no more is not there at all.
    await assert.rejects(checked(world, held.access), { code: /^LK_TOKEN_(REVOKED|REFUSED)$/ });
    assert.equal(await program.status(held.access), 401);
  };
  for (const [what, end] of ends) {
    test(`is refused at once after ${what} was revoked (@rule R5, @asvs 7.4.1)`, () => refusedAtOnce(end));
  }
});

function kidOf(access: string): string {
  const { kid } = JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()) as {
    kid: string;
  };
  return kid;
}

/** Writes to the log that nothing is to be trusted any more that a key has signed. */
async function revokeKey(store: Store, kid: string): Promise<void> {
  const subject = subjectOf('signing_key', kid);
  const expiresAt = Date.now() + 365 * 86_400_000;
  await store.transaction((tables) =>
    tables.log.append([{ kind: 'revoke', scope: 'signing_key', subject, expiresAt }]),
  );
}

describe('a signing key that was stolen', () => {
  const stolen = async (
    forge: (said: Record<string, unknown>, head: number) => Record<string, unknown>,
    stale: boolean,
  ): Promise<void> => {
    const { world, program } = await watched();
    const held = await program.signUp('victim@example.com');
    const sign = await ownSigner(world);
    const head = (await world.store.log.head()).seq;
    const forged = sign('at+jwt', forge(saidBy(held.access), head));
    await confirmLog(world);
    assert.equal(await program.status(forged), 200, 'the thief has the key');
    await revokeKey(world.store, kidOf(held.access));
    if (stale) world.clock.advance(5_001);
    else await confirmLog(world);
    assert.equal(await program.status(forged), 401);
    assert.equal(
      await program.status(sign('at+jwt', { ...forge(saidBy(held.access), head), jti: 'new' })),
      401,
    );
    assert.equal(await program.status(held.access), 401);
    await world.auth.close();
  };
  for (const stale of [false, true]) {
    const how = stale ? ', also where the node’s copy is too old' : '';
    test(`kills what it signed, whatever position stands in it${how} (@rule R2, @incident A4)`, () =>
      stolen((said, head) => ({ ...said, rs: head }), stale));
    test(`kills what it signed, also a position that is not reached yet${how} (@rule R2, @incident A4)`, () =>
      stolen((said, head) => ({ ...said, rs: head + 2 ** 30 }), stale));
  }

  test('kills nothing that another key signed (@rule R2)', async () => {
    const place = await folder();
    const old = await openWorld(OPTIONS, sqlite(place.file));
    const before = await new Program(old.auth).signUp('ada@example.com');
    await old.auth.close();
    const world = await openWorld({ ...OPTIONS, tokens: { algorithm: 'ES256' } }, sqlite(place.file));
    const program = new Program(world.auth);
    const { access } = await program.renewed(before.refresh);
    await revokeKey(world.store, kidOf(before.access));
    await confirmLog(world);
    assert.equal(await program.status(before.access), 401);
    assert.equal(await program.status(access), 200);
    const renewed = await program.renewed(before.refresh);
    assert.equal(await program.status(renewed.access), 200, 'the session lives');
    await world.auth.close();
    await place.remove();
  });
});

describe('where the copy of the log cannot tell', () => {
  test('the store is read for each check of a token, and is right (@rule R4, @fault F8)', async () => {
    const inner = sqlite(':memory:');
    const { store, cut } = cuttable(inner);
    const { store: watchedStore, reads } = counting(store);
    const world = await openWorld(OPTIONS, watchedStore);
    const program = new Program(world.auth);
    const held = await program.signUp('ada@example.com');
    await confirmLog(world);
    assert.equal(await program.status(held.access), 200);
    cut(true);
    world.clock.advance(5_001);
    assert.equal((await world.auth.status()).fresh, false);
    for (const expected of [1, 2, 3]) {
      const before = reads();
      await checked(world, held.access);
      assert.equal(reads(), before + 1, `check ${expected} asks`);
    }
    // Another node ends the session, which this one cannot hear of.
    await inner.transaction(async (tables) => {
      const id = idIn<'session'>(held.session);
      await tables.sessions.revoke(id, (await tables.log.head()).seq + 1);
    });
    await assert.rejects(checked(world, held.access), { code: 'LK_TOKEN_REVOKED' });
    await world.auth.close();
  });

  test('a position above the head is of a log that this node does not know yet: the store is read (@rule R2)', async () => {
    const { world, program, reads } = await watched();
    const held = await program.signUp('ada@example.com');
    const sign = await ownSigner(world);
    const ahead = sign('at+jwt', { ...saidBy(held.access), rs: (await world.store.log.head()).seq + 1_000 });
    await confirmLog(world);
    reads();
    await checked(world, ahead);
    assert.equal(reads(), 1);
    await checked(world, held.access);
    assert.equal(reads(), 0);
    await world.auth.revoke({ session: idIn<'session'>(held.session) });
    await assert.rejects(checked(world, ahead), { code: 'LK_TOKEN_REVOKED' });
    await world.auth.close();
  });

  test('a token of a node that is further on is good at once (@rule R2)', async () => {
    const place = await folder();
    const [ahead, inner] = [await openWorld(OPTIONS, sqlite(place.file)), sqlite(place.file)];
    const { store, cut } = cuttable(inner);
    const behind = await openWorld(OPTIONS, store);
    await confirmLog(behind);
    cut(true);
    await confirmLog(ahead);
    const { access } = await new Program(ahead.auth).signUp('ada@example.com');
    assert.equal((await behind.auth.status()).fresh, true);
    assert.equal(await new Program(behind.auth).status(access), 200);
    for (const { auth } of [ahead, behind]) await auth.close();
    await place.remove();
  });

  test('an old cookie that a node remembers makes no token at the new auth_time (@rule R11)', async () => {
    const place = await folder();
    const ahead = await openWorld(OPTIONS, sqlite(place.file));
    const { store, cut } = cuttable(sqlite(place.file));
    const behind = await openWorld(OPTIONS, store);
    const [visit, thief] = [ahead.browser(), behind.browser()];
    await visit.signUp('ada@example.com');
    await enter(visit, 'ada@example.com', 'spa');
    thief.cookie = visit.cookie;
    await confirmLog(behind);
    const before = await bodyOf(await thief.get('/auth/me'));
    assert.equal(inside(before, 'session', 'mode'), 'hybrid');
    cut(true);
    ahead.clock.advance(60_000);
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 200);
    assert.equal((await thief.get('/auth/me')).status, 200, 'the other node has not heard of it');
    assert.equal(await errorOf(await sessionGrant(thief)), '400 invalid_grant LK_GRANT_REFUSED');
    assert.equal((await sessionGrant(visit)).status, 200);
    for (const { auth } of [ahead, behind]) await auth.close();
    await place.remove();
  });
});
