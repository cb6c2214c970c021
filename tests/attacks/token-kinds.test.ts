import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CLIENTS, enter, Program, saidBy, sessionGrant, tokenIn } from '../http/program.ts';
import { bodyOf, openWorld, PASSWORD, type Visit, type World } from '../http/world.ts';
import { confirmLog, inside, ownSigner } from './scene.ts';

const ORDERS = 'https://orders.example.com';
const COOKIE = 'latchkey-3000';

/** One of each thing that somebody may hold, all of one user. */
interface Scene {
  readonly world: World;
  readonly program: Program;
  /** The user's browser, for places that ask who is there besides. */
  readonly owner: Visit;
  readonly texts: ReadonlyMap<string, string>;
}

interface Place {
  /** Whether the text is taken for what belongs there. */
  readonly accepts: (scene: Scene, text: string) => Promise<boolean>;
  /** Whether it is spent or ends something where it is accepted. */
  readonly once?: true;
}

const authenticated = async (
  { world }: Scene,
  headers: Record<string, string>,
  audience?: string,
): Promise<boolean> => {
  const options = audience === undefined ? {} : { audience };
  return world.auth.authenticate(new Headers(headers), options).then(
    (principal) => principal !== null,
    () => false,
  );
};
const posted = async ({ program }: Scene, path: string, form: Record<string, string>): Promise<boolean> => {
  const headers = { 'Sec-Fetch-Site': 'none' };
  const response = await program.send('POST', path, path === '/auth/token' ? { form } : { form, headers });
  if (!response.ok) return false;
  const body = await bodyOf(response);
  return !('receipt' in body) || body['receipt'] !== null;
};

/** Every place that takes such a thing. */
const PLACES: Readonly<Record<string, Place>> = {
  'the cookie of /auth/me': {
    accepts: async ({ program }, text) =>
      (await program.send('GET', '/auth/me', { headers: { Cookie: `${COOKIE}=${text}` } })).ok,
  },
  'the cookie of an application': {
    accepts: (scene, text) => authenticated(scene, { Cookie: `${COOKIE}=${text}` }),
  },
  'the cookie of the session grant': {
    accepts: async ({ program }, text) => {
      const json = { grant_type: 'urn:latchkey:grant:session' };
      return (await program.send('POST', '/auth/token', { json, headers: { Cookie: `${COOKIE}=${text}` } }))
        .ok;
    },
  },
  'Authorization of /auth/me': {
    accepts: async ({ program }, text) => (await program.send('GET', '/auth/me', { bearer: text })).ok,
  },
  'the query of /auth/me': {
    accepts: async ({ program }, text) =>
      (await program.send('GET', `/auth/me?${new URLSearchParams({ access_token: text }).toString()}`)).ok,
  },
  'Authorization of the session grant': {
    accepts: async ({ program }, bearer) => {
      const json = { grant_type: 'urn:latchkey:grant:session' };
      return (await program.send('POST', '/auth/token', { json, bearer })).ok;
    },
  },
  'Authorization of an application': {
    accepts: (scene, text) => authenticated(scene, { Authorization: `Bearer ${text}` }),
  },
  'Authorization of an application that is another audience': {
    accepts: (scene, text) => authenticated(scene, { Authorization: `Bearer ${text}` }, ORDERS),
  },
  'refresh_token of /auth/token': {
    accepts: (scene, text) =>
      posted(scene, '/auth/token', { grant_type: 'refresh_token', refresh_token: text }),
  },
  'token of /auth/revoke': {
    accepts: (scene, token) => posted(scene, '/auth/revoke', { token }),
    once: true,
  },
  'refresh_token of /auth/sign-out': {
    accepts: async ({ program }, refresh_token) => {
      const response = await program.send('POST', '/auth/sign-out', { json: { refresh_token } });
      return (await bodyOf(response))['receipt'] !== null;
    },
    once: true,
  },
  'token of /auth/setup': {
    accepts: async ({ program }, token) => {
      const json = { token, email: 'admin@example.com', password: PASSWORD };
      return (await program.send('POST', '/auth/setup', { json })).ok;
    },
    once: true,
  },
  'the page of /auth/setup': {
    accepts: async ({ program }, token) =>
      (
        await (await program.send('GET', `/auth/setup?${new URLSearchParams({ token }).toString()}`)).text()
      ).includes('name="token"'),
  },
  'the path of a receipt': {
    accepts: async ({ owner }, text) => (await owner.get(`/auth/receipts/${encodeURIComponent(text)}`)).ok,
  },
  'the path of a session': {
    accepts: async ({ owner }, text) => (await owner.delete(`/auth/sessions/${encodeURIComponent(text)}`)).ok,
    once: true,
  },
};

const OF_REFRESH = [
  'refresh_token of /auth/token',
  'token of /auth/revoke',
  'refresh_token of /auth/sign-out',
];

/** Every kind of thing, and where it is good. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  cookie: ['the cookie of /auth/me', 'the cookie of an application', 'the cookie of the session grant'],
  'access token': ['Authorization of /auth/me', 'Authorization of an application', 'token of /auth/revoke'],
  'access token for another audience': [
    'Authorization of an application that is another audience',
    'token of /auth/revoke',
  ],
  // Shows that what is signed here is good but for what the others say.
  'access token, signed by the same key': [
    'Authorization of /auth/me',
    'Authorization of an application',
    'token of /auth/revoke',
  ],
  'access token that has expired': [],
  'access token before its time': [],
  'refresh token': OF_REFRESH,
  'refresh token before the current one': OF_REFRESH,
  'one-time link': ['token of /auth/setup', 'the page of /auth/setup'],
  'id of a receipt': ['the path of a receipt'],
  'id of a session': ['the path of a session'],
  'id of a user': [],
  'ID token, signed by the same key': [],
  'token without a type, signed by the same key': [],
  'logout token, signed by the same key': [],
  'proof of possession, signed by the same key': [],
  'status list, signed by the same key': [],
  'key of a client': [],
  'API key': [],
  password: [],
  nothing: [],
};

async function openScene(): Promise<Scene> {
  const world = await openWorld({ clients: CLIENTS, tokens: { audiences: [ORDERS] } });
  const program = new Program(world.auth);
  const email = 'holder@example.com';
  const owner = world.browser();
  await owner.signUp(email);
  const spa = world.browser();
  const { access } = await enter(spa, email, 'spa');
  const forOrders = await tokenIn(await sessionGrant(spa, { audience: ORDERS }));
  const mobile = await program.signIn(email);
  world.clock.advance(11_000);
  const { refresh } = await program.renewed(mobile.refresh);
  const setup = new URL((await world.auth.setupLink())?.reveal() ?? '').searchParams.get('token') ?? '';
  const receipt = inside(
    await bodyOf(await owner.delete(`/auth/sessions/${(await program.signIn(email)).session}`)),
    'receipt',
    'id',
  );
  const sign = await ownSigner(world);
  const said = saidBy(access);
  const seconds = Math.floor(world.clock.now() / 1_000);
  const texts = new Map([
    ['cookie', (spa.cookie ?? '').slice(COOKIE.length + 1)],
    ['access token', access],
    ['access token for another audience', forOrders],
    ['access token, signed by the same key', sign('at+jwt', said)],
    ['access token that has expired', sign('at+jwt', { ...said, iat: seconds - 301, exp: seconds - 1 })],
    ['access token before its time', sign('at+jwt', { ...said, nbf: seconds + 60 })],
    ['refresh token', refresh],
    ['refresh token before the current one', mobile.refresh],
    ['one-time link', setup],
    ['id of a receipt', String(receipt)],
    ['id of a session', mobile.session],
    ['id of a user', mobile.user],
    ['ID token, signed by the same key', sign('JWT', { ...said, nonce: 'n', azp: 'mobile' })],
    ['token without a type, signed by the same key', sign(undefined, said)],
    ['logout token, signed by the same key', sign('logout+jwt', { ...said, events: {} })],
    [
      'proof of possession, signed by the same key',
      sign('dpop+jwt', { ...said, htm: 'GET', htu: said['iss'] }),
    ],
    [
      'status list, signed by the same key',
      sign('statuslist+jwt', { ...said, status_list: { bits: 1, lst: '' } }),
    ],
    ['key of a client', `lks_${refresh.slice(4, 47)}`],
    ['API key', `lka_${refresh.slice(4, 47)}`],
    ['password', PASSWORD],
    ['nothing', ''],
  ]);
  return { world, program, owner, texts };
}

describe('of all that somebody may hold', () => {
  let scene: Scene;
  before(async () => {
    scene = await openScene();
  });
  after(() => scene.world.auth.close());

  const accepted = async (kind: string, place: string, where: Scene): Promise<boolean> => {
    const text = where.texts.get(kind);
    assert.ok(text !== undefined, kind);
    return (await PLACES[place]?.accepts(where, text)) ?? assert.fail(place);
  };
  const assertGood = async (kind: string, place: string): Promise<void> => {
    const fresh = await openScene();
    assert.equal(await accepted(kind, place, fresh), true);
    await fresh.world.auth.close();
  };
  const assertRefused = async (kind: string, place: string): Promise<void> => {
    assert.equal(await accepted(kind, place, scene), false);
  };
  const assertRefusedWarm = async (kind: string, own: readonly string[]): Promise<void> => {
    const fresh = await openScene();
    await confirmLog(fresh.world);
    const reusable = own.filter((place) => PLACES[place]?.once !== true);
    for (const place of reusable) assert.equal(await accepted(kind, place, fresh), true, place);
    if (kind === 'cookie' || kind.startsWith('access token'))
      assert.ok((await fresh.world.auth.status()).remembered > 0, 'the node remembers it');
    for (const place of Object.keys(PLACES)) {
      if (!own.includes(place)) assert.equal(await accepted(kind, place, fresh), false, place);
    }
    for (const place of reusable) assert.equal(await accepted(kind, place, fresh), true, `${place}, still`);
    await fresh.world.auth.close();
  };

  for (const [kind, own] of Object.entries(KINDS)) {
    for (const place of Object.keys(PLACES)) {
      const good = own.includes(place);
      test(`${kind} is ${good ? 'good' : 'refused'} as ${place} (@asvs 9.2.2, @incident N2, @rfc 8725 §3.12)`, () =>
        good ? assertGood(kind, place) : assertRefused(kind, place));
    }
    if (own.some((place) => PLACES[place]?.once !== true)) {
      test(`${kind}, once accepted where it belongs, is refused everywhere else (@asvs 9.2.2, @incident N2, @incident J3)`, () =>
        assertRefusedWarm(kind, own));
    }
  }

  test('what was refused in all those places is still good where it belongs', async () => {
    for (const kind of ['cookie', 'access token', 'access token for another audience']) {
      const place = KINDS[kind]?.[0] ?? '';
      assert.equal(await accepted(kind, place, scene), true, kind);
    }
  });
});
