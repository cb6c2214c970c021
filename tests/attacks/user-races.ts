import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { allowInBrowser, type LatchkeyOptions, type Store } from 'latchkey';
import { disableClient } from '../../packages/latchkey/src/flows/clients.ts';
import { deleteUser, disableUser } from '../../packages/latchkey/src/flows/user-life.ts';
import { createUser } from '../../packages/latchkey/src/flows/users.ts';
import { administrator, somebody } from '../http/administrators.ts';
import { bodyOf, openWorld, PASSWORD, type World } from '../http/world.ts';
import { type Composed, cheapArgon2, composed } from './composed.ts';
import { type Door, door, inside, overriding } from './scene.ts';

const OPTIONS: Partial<LatchkeyOptions> = {
  clients: {
    web: 'session',
    spa: 'hybrid',
    mobile: { mode: 'jwt', [allowInBrowser]: true },
    once: { mode: 'jwt', refresh: false, [allowInBrowser]: true },
  },
  roles: ['auditor'],
  password: { queue: 1_000 },
  throttle: {
    network: { attempts: 1_000_000, within: '1m' },
    account: { attempts: 1_000_000, within: '10m' },
  },
};
const users = '/auth/admin/users';

/** An empty database, and stores on it, one a node. */
export interface Place {
  readonly store: () => Store;
  readonly drop: () => Promise<void>;
}

/** A store in which the next role that is given waits in its transaction until the door opens. */
function holdingRoles(inner: Store): { readonly store: Store; readonly shut: () => Door } {
  let next: Door | null = null;
  const transaction: Store['transaction'] = (work) =>
    inner.transaction((tables) => {
      const users = overriding(tables.users, {
        assignRole: async (id, role) => {
          const held = next;
          next = null;
          await held?.pass();
          await tables.users.assignRole(id, role);
        },
      });
      return work(overriding(tables, { users }));
    });
  return {
    store: { ...inner, transaction },
    shut: () => {
      next = door();
      return next;
    },
  };
}

/** What may be done to one user at the same moment, on two nodes over one database of any kind. */
export function userRaces(name: string, open: () => Promise<Place>): void {
  describe(`${name}: sign-ins while trust ends`, () => storms(open));
  describe(`${name}: two things that are done to a user at once`, () => collisions(open));
}

/** What ends the trust that is just being given, each in its way. */
const ENDS: Readonly<
  Record<
    string,
    (node: Composed, id: Awaited<ReturnType<typeof createUser>>['id'], client: string) => Promise<unknown>
  >
> = {
  'their user is disabled': ({ rooms }, id) => disableUser(rooms, id, null),
  'their user is deleted': ({ rooms }, id) => deleteUser(rooms, id, null),
  'their client is disabled': ({ rooms }, _id, client) => disableClient(rooms, client, null),
};

/** Whether what an answer handed out is good at a node. */
async function lives(node: Composed, answer: Response): Promise<boolean> {
  const statuses = answer.headers
    .getSetCookie()
    .map((line) => node.status({ Cookie: line.slice(0, line.indexOf(';')) }));
  const { access_token: access } = await bodyOf(answer.clone());
  if (typeof access === 'string') statuses.push(node.status({ Authorization: `Bearer ${access}` }));
  return (await Promise.all(statuses)).some((status) => status !== 401);
}

function storms(open: () => Promise<Place>): void {
  let place: Place;
  let nodes: readonly [Composed, Composed];
  before(async () => {
    place = await open();
    const node = (): Promise<Composed> =>
      composed({ ...OPTIONS, store: place.store() }, (usual) => usual, cheapArgon2);
    nodes = [await node(), await node()];
  });
  after(async () => {
    for (const node of nodes) await node.close();
    await place.drop();
  });

  const leavesNothing = async (end: (typeof ENDS)[string], client: string): Promise<void> => {
    const [here, there] = nodes;
    let signedIn = 0;
    for (let round = 0; round < 8; round += 1) {
      const email = `${client}-${round}-${signedIn}-${Object.values(ENDS).indexOf(end)}@example.com`;
      const input = { email, password: PASSWORD, name: null, roles: [] };
      const { id } = await createUser(here.rooms, input, null);
      const json = { email, password: PASSWORD, client };
      const started = Promise.withResolvers<void>();
      const answers = Array.from({ length: 6 }, () => [here, there])
        .flat()
        .map((node) => node.post('/auth/sign-in', json));
      for (const answer of answers) void answer.then(() => started.resolve());
      // As soon as one is through, the others being somewhere on their way.
      await started.promise;
      await end(here, id, client);
      const settled = await Promise.all(answers);
      for (const { status } of settled) assert.ok([200, 400, 401].includes(status), `${status}`);
      signedIn += settled.filter(({ status }) => status === 200).length;
      for (const node of nodes) await node.rooms.tail.catchUp();
      for (const answer of settled) {
        for (const node of nodes) assert.equal(await lives(node, answer), false);
      }
      const { seq } = await here.store.log.head();
      assert.ok((there.rooms.tail.cursor?.seq ?? 0) >= seq);
      await here.rooms.store.clients.enable(here.rooms.config.clients.get(client)?.subject ?? '');
    }
    assert.ok(signedIn > 0, 'some were through before');
  };
  for (const [what, end] of Object.entries(ENDS)) {
    for (const client of ['web', 'spa', 'mobile', 'once']) {
      test(`at ${client} none leaves anything that lives where ${what} (@rule R1)`, () =>
        leavesNothing(end, client));
    }
  }
}

function collisions(open: () => Promise<Place>): void {
  let place: Place;
  let worlds: readonly [World, World];
  before(async () => {
    place = await open();
    worlds = [await openWorld(OPTIONS, place.store()), await openWorld(OPTIONS, place.store())];
    await administrator(worlds[0]);
  });
  after(async () => {
    for (const world of worlds) await world.auth.close();
    await place.drop();
  });

  test('a role that is given while they are deleted is left to nobody', async () => {
    const [here, there] = worlds;
    for (let round = 0; round < 10; round += 1) {
      const { id } = await somebody(here);
      const outcomes = await Promise.allSettled([
        there.auth.users.changeRoles(id, { add: ['administrator'] }),
        here.auth.users.delete(id),
        there.auth.users.setFields(id, {}),
        here.auth.users.disable(id),
      ]);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.equal(inside(outcome.reason, 'code'), 'LK_NOT_FOUND');
      }
      assert.equal(await here.auth.users.find(id), null);
    }
    assert.equal(await here.store.users.countWithRole('administrator'), 1);
  });

  test('whoever is being given a role is deleted only then, role and all', async (context) => {
    const [here] = worlds;
    const { store, shut } = holdingRoles(place.store());
    const slow = await openWorld(OPTIONS, store);
    const { id } = await somebody(here);
    const shutDoor = shut();
    context.after(async () => {
      shutDoor.open();
      await slow.auth.close();
    });
    const given = slow.auth.users.changeRoles(id, { add: ['auditor'] });
    await shutDoor.reached;
    const gone = here.auth.users.delete(id);
    // It waits, or it would be through by now.
    await Promise.race([gone, setTimeout(300)]);
    shutDoor.open();
    assert.deepEqual(await given, ['auditor']);
    await gone;
    assert.equal(await here.auth.users.find(id), null);
  });

  test('who is deleted can be given nothing', async () => {
    const [{ auth }] = worlds;
    const { id, email } = await somebody(worlds[0]);
    await auth.users.delete(id);
    for (const give of [
      () => auth.users.changeRoles(id, { add: ['administrator'] }),
      () => auth.users.setFields(id, {}),
      () => auth.users.disable(id),
      () => auth.users.enable(id),
      () => auth.users.delete(id),
      () => auth.users.unlock(email),
      () => auth.sessions.list({ user: id }),
    ])
      await assert.rejects(give(), { code: 'LK_NOT_FOUND', status: 404 });
  });

  test('two administrators who take away each other at once leave one', async () => {
    const [here, there] = worlds;
    const ways: readonly ((id: string) => readonly [string, string, unknown?])[] = [
      (id) => ['POST', `${users}/${id}/disable`],
      (id) => ['DELETE', `${users}/${id}`],
      (id) => ['POST', `${users}/${id}/roles`, { remove: ['administrator'] }],
    ];
    for (const way of ways) {
      const left = await here.auth.users.list({ limit: 200 });
      const pair = [await administrator(here), await administrator(there)] as const;
      // Nobody else could administer.
      for (const { id, roles, disabledAt } of left.items) {
        if (roles.includes('administrator') && disabledAt === null) await here.auth.users.delete(id);
      }
      const [first, second] = pair;
      const visit = there.browser();
      visit.cookie = second.visit.cookie;
      const take = (from: typeof visit, id: string): Promise<Response> => {
        const [method, path, json] = way(id);
        return from.send(method, path, json === undefined ? {} : { json });
      };
      const answers = await Promise.all([take(first.visit, second.id), take(visit, first.id)]);
      const statuses = answers.map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
      assert.equal(await here.store.users.countEnabledWithRole('administrator'), 1);
    }
  });

  test('of five who are taken away in a ring on two nodes one is left at least, also by the application', async () => {
    const five = await Promise.all(
      Array.from({ length: 5 }, (_, index) => administrator(worlds[index % 2] ?? worlds[0])),
    );
    const [here, there] = worlds;
    const all = (await here.auth.users.list({ limit: 200 })).items.filter(
      ({ roles, disabledAt }) => roles.includes('administrator') && disabledAt === null,
    );
    assert.ok(all.length >= five.length);
    const outcomes = await Promise.allSettled(
      all.map(({ id }, index) => (index % 2 === 0 ? here : there).auth.users.disable(id)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }) => inside(reason, 'code')),
      ['LK_LOCKOUT'],
    );
    assert.equal(await here.store.users.countEnabledWithRole('administrator'), 1);
  });
}
