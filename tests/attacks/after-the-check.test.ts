import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { sqlite } from 'latchkey';
import { codeOf, OTHER_PASSWORD, openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';
import {
  confirmLog,
  cuttable,
  type Door,
  door,
  folder,
  holding,
  send,
  sessionIn,
  statusOf,
} from './scene.ts';

/** What a session may ask for that concerns others, or what it will be trusted with. */
interface Ask {
  readonly what: string;
  readonly method: string;
  readonly path: (owner: Visit) => string;
  readonly json: Readonly<Record<string, string>>;
}

const ASKS: readonly Ask[] = [
  {
    what: 'end all others',
    method: 'DELETE',
    path: () => '/auth/sessions?except=current',
    json: {},
  },
  { what: 'end all', method: 'DELETE', path: () => '/auth/sessions', json: {} },
  {
    what: 'end another one',
    method: 'DELETE',
    path: ({ cookie }) => `/auth/sessions/${sessionIn(cookie)}`,
    json: {},
  },
  {
    what: 'change the password',
    method: 'POST',
    path: () => '/auth/password',
    json: { current_password: PASSWORD, new_password: OTHER_PASSWORD },
  },
  {
    what: 'prove again',
    method: 'POST',
    path: () => '/auth/reauthenticate',
    json: { password: PASSWORD },
  },
];

const endOthers = async (owner: Visit): Promise<void> => {
  assert.equal((await owner.delete('/auth/sessions?except=current')).status, 200);
};

const assertRefused = async (response: Response): Promise<void> => {
  assert.equal(response.status, 401);
  assert.deepEqual(response.headers.getSetCookie(), []);
  assert.equal(await codeOf(response), 'LK_UNAUTHENTICATED');
};

/** A request whose body its sender holds back until the door opens. */
function heldBack(
  { auth }: World,
  thief: Visit,
  { method, path, json }: Ask,
  owner: Visit,
  gate: Door,
): Promise<Response> {
  const body = new ReadableStream(
    {
      pull: async (controller) => {
        await gate.pass();
        controller.enqueue(Buffer.from(JSON.stringify(json)));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const headers = {
    'Sec-Fetch-Site': 'same-origin',
    Cookie: thief.cookie ?? '',
    'Content-Type': 'application/json',
  };
  return send(auth, path(owner), { method, body, headers });
}

describe('a session that is ended while its request is on its way', () => {
  let world: World;
  let owner: Visit;
  let thief: Visit;
  beforeEach(async () => {
    world = await openWorld();
    owner = world.browser();
    await owner.signUp('ada@example.com');
    thief = world.browser();
    await thief.signIn('ada@example.com');
    await confirmLog(world);
    assert.equal((await thief.get('/auth/me')).status, 200, 'it is good, and remembered');
  });
  afterEach(() => world.auth.close());

  const tooLate = async (ask: Ask): Promise<void> => {
    const gate = door();
    const asked = heldBack(world, thief, ask, owner, gate);
    await gate.reached;
    await endOthers(owner);
    gate.open();
    await assertRefused(await asked);
    assert.equal((await owner.get('/auth/me')).status, 200);
    assert.equal((await thief.get('/auth/me')).status, 401);
    await world.browser().signIn('ada@example.com', PASSWORD);
  };
  for (const ask of ASKS) {
    test(`may not ${ask.what} by a body that it held back (@asvs 7.4.1)`, () => tooLate(ask));
  }

  const guess = async (ask: Ask): Promise<void> => {
    const gate = door();
    const json = { ...ask.json, [ask.what === 'prove again' ? 'password' : 'current_password']: 'a guess' };
    const asked = heldBack(world, thief, { ...ask, json }, owner, gate);
    await gate.reached;
    await endOthers(owner);
    gate.open();
    await assertRefused(await asked);
    assert.ok(!world.events.some(({ type }) => type === 'reauthentication_refused'));
  };
  for (const ask of ASKS.filter(({ method }) => method === 'POST')) {
    test(`learns of no password whether it is right as it means to ${ask.what} (@asvs 7.4.1)`, () =>
      guess(ask));
  }
});

describe('a session that was ended on another process, which the one that it asks has not heard of', () => {
  let place: Awaited<ReturnType<typeof folder>>;
  let ahead: World;
  let behind: World;
  let cut: (is: boolean) => void;
  let people = 0;
  before(async () => {
    place = await folder();
    ahead = await openWorld({}, sqlite(place.file));
    const cutting = cuttable(sqlite(place.file));
    cut = cutting.cut;
    behind = await openWorld({}, cutting.store);
  });
  afterEach(() => cut(false));
  after(async () => {
    for (const { auth } of [ahead, behind]) await auth.close();
    await place.remove();
  });

  const unheard = async (ask: Ask, end: (owner: Visit) => Promise<unknown>): Promise<void> => {
    people += 1;
    const email = `person-${people}@example.com`;
    const owner = ahead.browser();
    await owner.signUp(email);
    const first = ahead.browser();
    await first.signIn(email);
    const thief = holding(behind, first.cookie);
    await confirmLog(behind);
    assert.equal((await thief.get('/auth/me')).status, 200);
    cut(true);
    await end(owner);
    const ownersWas = await statusOf(ahead, owner.cookie);
    assert.equal((await thief.get('/auth/me')).status, 200, 'it has not heard of it');
    const response = await thief.send(ask.method, ask.path(owner), { json: ask.json });
    await assertRefused(response);
    assert.equal(await statusOf(ahead, owner.cookie), ownersWas, 'whoever lived goes on');
    assert.equal(await statusOf(ahead, first.cookie), 401, 'and it spared nothing of itself');
    await ahead.browser().signIn(email, PASSWORD);
  };
  const revokeAll = (): Promise<unknown> => ahead.auth.revoke({ all: true });
  for (const ask of ASKS) {
    test(`may not ${ask.what} once its owner has ended it (@rule R3, @asvs 7.4.1)`, () =>
      unheard(ask, endOthers));
    test(`may not ${ask.what} once everything was revoked (@rule R3, @asvs 7.4.1)`, () =>
      unheard(ask, revokeAll));
  }

  test('cannot be one of two that are left, where many end all others at once (@rule R3)', async () => {
    const email = 'many@example.com';
    await ahead.browser().signUp(email);
    const visits: Visit[] = [];
    for (let index = 0; index < 16; index += 1) {
      const visit = ahead.browser();
      await visit.signIn(email);
      const world = index % 2 === 0 ? ahead : behind;
      visits.push(holding(world, visit.cookie));
    }
    for (const world of [ahead, behind]) await confirmLog(world);
    for (const visit of visits) assert.equal((await visit.get('/auth/me')).status, 200);
    const answers = await Promise.all(visits.map((visit) => visit.delete('/auth/sessions?except=current')));
    const statuses = answers.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
    assert.equal(statuses.filter((status) => status === 401).length, 15, statuses.join());
    for (const [index, { cookie }] of visits.entries())
      assert.equal(await statusOf(ahead, cookie), statuses[index], 'the one that asked first lives, alone');
  });
});
