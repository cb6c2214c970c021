import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Store } from 'latchkey';
import { STORES } from '../contract/stores.ts';
import { somebody } from '../http/administrators.ts';
import { CLIENTS, type Held, Program } from '../http/program.ts';
import { codeOf, OTHER_PASSWORD, openWorld, PASSWORD, type World } from '../http/world.ts';
import { confirmLog, cuttable, type Door, door, idIn } from './scene.ts';

const OPTIONS = {
  clients: { ...CLIENTS, kiosk: { mode: 'jwt', refresh: false } },
  roles: ['auditor'],
} as const;
const users = '/auth/admin/users';

/** A store whose next transaction waits at a door before it begins. */
function holdable(inner: Store): { readonly store: Store; readonly shut: () => Door } {
  let next: Door | null = null;
  const transaction: Store['transaction'] = async (work) => {
    const held = next;
    next = null;
    await held?.pass();
    return await inner.transaction(work);
  };
  return {
    store: { ...inner, transaction },
    shut: () => {
      next = door();
      return next;
    },
  };
}

/** Whatever ends a login that leaves no row, on another node. */
const ENDS: Readonly<Record<string, (node: World, held: Held, email: string) => Promise<unknown>>> = {
  'their sessions were ended': ({ auth }, { user }) => auth.revoke({ user: idIn<'user'>(user) }),
  'their session was ended': ({ auth }, { session }) => auth.revoke({ session: idIn<'session'>(session) }),
  'their client was ended': ({ auth }) => auth.revoke({ client: 'kiosk' }),
  'everything was ended': ({ auth }) => auth.revoke({ all: true }),
  'they were disabled and enabled': async ({ auth }, { user }) => {
    await auth.users.disable(idIn<'user'>(user));
    await auth.users.enable(idIn<'user'>(user));
  },
  'their password was changed': async (node, _held, email) => {
    const visit = node.browser();
    await visit.signIn(email);
    const json = { current_password: PASSWORD, new_password: OTHER_PASSWORD };
    assert.equal((await visit.post('/auth/password', json)).status, 200);
  },
};

function races([name, open]: (typeof STORES)[number]): void {
  describe(`${name}: an administrator whose login leaves no row`, () => {
    let close = async (): Promise<void> => undefined;
    let here: World;
    let there: World;
    let shut: () => Door;
    let cut: (is: boolean) => void;
    before(async () => {
      const { stores, close: remove } = await open(2);
      const [one, two] = stores;
      assert.ok(one !== undefined && two !== undefined);
      const cutting = cuttable(one);
      const holding = holdable(cutting.store);
      ({ cut } = cutting);
      ({ shut } = holding);
      close = remove;
      here = await openWorld(OPTIONS, holding.store);
      there = await openWorld(OPTIONS, two);
    });
    afterEach(() => cut(false));
    after(async () => {
      for (const { auth } of [here, there]) await auth.close();
      await close();
    });

    interface Cast {
      readonly held: Held;
      readonly email: string;
      readonly act: () => Promise<Response>;
      readonly roles: () => Promise<readonly string[] | undefined>;
    }
    const cast = async (): Promise<Cast> => {
      const { email } = await somebody(there, ['administrator']);
      const about = await somebody(there);
      const program = new Program(here.auth);
      const held = await program.signIn(email, 'kiosk');
      await confirmLog(here);
      assert.equal(await program.status(held.access), 200, 'it is good, and remembered');
      return {
        held,
        email,
        act: () =>
          program.send('POST', `${users}/${about.id}/roles`, {
            bearer: held.access,
            json: { add: ['auditor'] },
          }),
        roles: async () => (await there.auth.users.find(idIn<'user'>(about.id)))?.roles,
      };
    };
    const assertRefused = async (response: Response, { roles }: Cast): Promise<void> => {
      assert.equal(response.status, 401, await response.clone().text());
      assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
      assert.deepEqual(await roles(), []);
    };

    test('may act, also where older logins of theirs have ended', async () => {
      const { email } = await somebody(there, ['administrator']);
      const program = new Program(here.auth);
      const old = await program.signIn(email, 'kiosk');
      await there.auth.revoke({ user: idIn<'user'>(old.user) });
      const held = await program.signIn(email, 'kiosk');
      const about = await somebody(there);
      const sent = { bearer: held.access, json: { add: ['auditor'] } };
      const response = await program.send('POST', `${users}/${about.id}/roles`, sent);
      assert.equal(response.status, 200, await response.clone().text());
    });

    const finish = async (end: (typeof ENDS)[string]): Promise<void> => {
      const actor = await cast();
      const gate = shut();
      const asked = actor.act();
      await gate.reached;
      await end(there, actor.held, actor.email);
      gate.open();
      await assertRefused(await asked, actor);
    };
    const actUnheard = async (end: (typeof ENDS)[string]): Promise<void> => {
      const actor = await cast();
      cut(true);
      await end(there, actor.held, actor.email);
      await assertRefused(await actor.act(), actor);
    };
    for (const [what, end] of Object.entries(ENDS)) {
      test(`may not finish what was begun before ${what} (@rule R3, @asvs 7.4.1)`, () => finish(end));
      test(`may not act on a node that has not heard that ${what} (@rule R3, @asvs 7.4.1)`, () =>
        actUnheard(end));
    }
  });
}

for (const store of STORES) races(store);
