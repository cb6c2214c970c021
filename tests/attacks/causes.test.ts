import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mode } from '@latchkey/verify';
import { CAUSES, type Cause } from '../../packages/latchkey/src/revocation/causes.ts';
import { STORES } from '../contract/stores.ts';
import { CLIENTS, Program, sessionGrant, tokenIn } from '../http/program.ts';
import { bodyOf, OTHER_PASSWORD, openWorld, PASSWORD, type World } from '../http/world.ts';
import { sendCanary } from './canaries.ts';
import { holding, idIn, inside } from './scene.ts';

/*
 * What follows from each cause of revocation, in each mode, on each store, on the node
 * that did it and on another. A cause without a row here does not compile.
 */

/**
 * - `refused`: nothing of it is accepted, and nothing renews it.
 * - `renewed`: its cookie is accepted; its access token is not, and it gets a new one.
 * - `kept`: all of it is accepted.
 */
type Outcome = 'refused' | 'renewed' | 'kept';

/** Whoever holds the credentials of one login. */
interface Holder {
  readonly email: string;
  readonly mode: Mode;
  readonly session: string;
  readonly user: string;
  readonly refresh: string;
  cookie: string | null;
  access: string;
}

/** Three logins at the client of one mode. */
interface Cast {
  /** Ada's, which the cause is about. */
  readonly target: Holder;
  /** Another of Ada's. */
  readonly other: Holder;
  /** Bob's. */
  readonly bystander: Holder;
}

interface Row {
  /** Brings it about on one node. */
  readonly act: (node: World, cast: Cast) => Promise<unknown>;
  readonly target: Outcome;
  readonly other: Outcome;
  readonly bystander: Outcome;
  /** Modes in which it cannot happen, with the reason. */
  readonly without?: Partial<Record<Mode, string>>;
  /** What else it ends, where nobody in the cast holds it. */
  readonly ends?: string;
  /** What else must be true then, on each of the nodes. */
  readonly also?: (node: World, cast: Cast) => Promise<void>;
}

const ONE = { target: 'refused', other: 'kept', bystander: 'kept' } as const;
const THEIRS = { target: 'refused', other: 'refused', bystander: 'kept' } as const;
const OTHERS = { target: 'renewed', other: 'refused', bystander: 'kept' } as const;
const NOBODY = { target: 'kept', other: 'kept', bystander: 'kept' } as const;
const ALL = { target: 'refused', other: 'refused', bystander: 'refused' } as const;

const CLIENT_OF: Readonly<Record<Mode, keyof typeof CLIENTS>> = {
  session: 'web',
  hybrid: 'spa',
  jwt: 'mobile',
};

function rotated(options: { readonly grace?: '1h' }): Row['act'] {
  return async ({ auth }) => {
    await auth.clients.create({ name: 'orders', audiences: ['orders'] });
    await auth.clients.rotate('orders', options);
  };
}

const ROWS = {
  signed_out: { ...ONE, act: (node, { target }) => request(node, target, 'POST', '/auth/sign-out') },
  session_ended: {
    ...ONE,
    act: (node, { target, other }) => request(node, other, 'DELETE', `/auth/sessions/${target.session}`),
  },
  session_replaced: {
    ...ONE,
    act: (node, { target }) =>
      request(node, { ...target }, 'POST', '/auth/sign-in', {
        email: target.email,
        password: PASSWORD,
        client: CLIENT_OF[target.mode],
      }),
  },
  refresh_reused: {
    ...ONE,
    without: { session: 'it has no refresh token', hybrid: 'it has no refresh token' },
    act: async (node, { target }) => {
      const program = new Program(node.auth);
      let { refresh } = target;
      for (let generations = 0; generations < 2; generations += 1) {
        node.clock.advance(11_000);
        ({ refresh } = await program.renewed(refresh));
      }
      assert.match(await program.refusal(target.refresh), /^400 invalid_grant/);
    },
  },
  other_sessions_ended: {
    ...OTHERS,
    act: (node, { target }) => request(node, target, 'DELETE', '/auth/sessions?except=current'),
  },
  all_sessions_ended: { ...THEIRS, act: (node, { target }) => node.auth.revoke({ user: target.user }) },
  password_changed: {
    ...OTHERS,
    act: (node, { target }) =>
      request(node, target, 'POST', '/auth/password', {
        current_password: PASSWORD,
        new_password: OTHER_PASSWORD,
      }),
    also: async (node, { target }) => {
      assert.equal((await signIn(node, target, PASSWORD)).status, 401);
      assert.equal((await signIn(node, target, OTHER_PASSWORD)).status, 200);
    },
  },
  secret_rotated: {
    ...NOBODY,
    act: (node, { target }) => request(node, target, 'POST', '/auth/reauthenticate', { password: PASSWORD }),
  },
  user_disabled: {
    ...THEIRS,
    act: (node, { target }) => node.auth.users.disable(target.user),
    also: async (node, { target }) => assert.equal((await signIn(node, target)).status, 401),
  },
  user_enabled: {
    ...THEIRS,
    act: async (node, { target }) => {
      await node.auth.users.disable(target.user);
      await node.auth.users.enable(target.user);
    },
    also: async (node, { target }) => assert.equal((await signIn(node, target)).status, 200),
  },
  user_deleted: {
    ...THEIRS,
    act: (node, { target }) => node.auth.users.delete(target.user),
    also: async (node, { target }) => assert.equal((await signIn(node, target)).status, 401),
  },
  roles_changed: {
    ...NOBODY,
    act: (node, { target }) => node.auth.users.changeRoles(target.user, { add: ['auditor'] }),
    also: async (node, { target, bystander }) => {
      for (const [holder, roles] of [
        [target, ['auditor']],
        [bystander, []],
      ] as const) {
        const me = await bodyOf(await request(node, { ...holder }, 'GET', '/auth/me'));
        assert.deepEqual(inside(me, 'user', 'roles'), roles);
        assert.equal(inside(me, 'claims', 'audits'), roles.length > 0);
      }
    },
  },
  profile_changed: {
    ...NOBODY,
    act: (node, { target }) => node.auth.users.setFields(target.user, { plan: 'pro' }),
    also: async (node, { target, bystander }) => {
      for (const [holder, plan] of [
        [target, 'pro'],
        [bystander, 'free'],
      ] as const) {
        const me = await bodyOf(await request(node, { ...holder }, 'GET', '/auth/me'));
        assert.equal(inside(me, 'claims', 'plan'), plan);
      }
    },
  },
  client_disabled: {
    ...ALL,
    act: (node, { target }) => node.auth.clients.disable(CLIENT_OF[target.mode]),
    also: async (node, { target }) => {
      assert.equal(inside(await bodyOf(await signIn(node, target)), 'code'), 'LK_CLIENT_REFUSED');
    },
  },
  client_key_rotated: {
    ...NOBODY,
    ends: 'what a service holds, in tests/attacks/service-clients.test.ts',
    act: rotated({}),
  },
  client_key_replaced: { ...NOBODY, act: rotated({ grace: '1h' }) },
  client_ended: {
    ...ALL,
    act: (node, { target }) => node.auth.revoke({ client: CLIENT_OF[target.mode] }),
    also: async (node, { target }) => assert.equal((await signIn(node, target)).status, 200),
  },
  signing_key_revoked: {
    target: 'renewed',
    other: 'renewed',
    bystander: 'renewed',
    act: async (node) => {
      const current = (await node.auth.keys.list()).find(({ state }) => state === 'current');
      await node.auth.keys.revoke(current?.kid ?? '');
    },
  },
  everything_ended: { ...ALL, act: (node) => node.auth.revoke({ all: true }) },
  canary: {
    ...NOBODY,
    ends: 'nothing: its subject is nobody’s, in tests/attacks/log-canary.test.ts',
    act: async (node) => {
      const told = await sendCanary(node);
      assert.deepEqual(
        told.map(({ type }) => type),
        ['canary_settled'],
      );
    },
  },
} as const satisfies Record<Cause, Row>;

const plan = {
  '~standard': {
    version: 1,
    vendor: 'the test',
    validate: (value: unknown) => ({ value: { plan: inside(value, 'plan') ?? 'free' } }),
  },
} as const;

const OPTIONS = {
  clients: CLIENTS,
  roles: ['auditor'],
  user: plan,
  claims: {
    audits: ({ roles }: { readonly roles: readonly string[] }) => roles.includes('auditor'),
    plan: ({ fields }: { readonly fields: Record<string, unknown> }) => fields['plan'],
  },
} as const;

/** Sends a request with what somebody holds, and keeps the cookie that the answer hands out. */
async function request(
  node: World,
  holder: Holder,
  method: string,
  path: string,
  json?: unknown,
): Promise<Response> {
  if (holder.mode === 'jwt') {
    const response = await new Program(node.auth).send(method, path, {
      bearer: holder.access,
      ...(json === undefined ? {} : { json }),
    });
    assert.ok(response.ok, await response.clone().text());
    return response;
  }
  const visit = holding(node, holder.cookie);
  const response = await visit.send(method, path, json === undefined ? {} : { json });
  assert.ok(response.ok, await response.clone().text());
  if (visit.cookie !== null) holder.cookie = visit.cookie;
  return response;
}

function signIn(node: World, { email, mode }: Holder, password = PASSWORD): Promise<Response> {
  return new Program(node.auth).send('POST', '/auth/sign-in', {
    json: { email, password, client: CLIENT_OF[mode] },
  });
}

async function enter(node: World, mode: Mode, email: string, path: 'sign-in' | 'sign-up'): Promise<Holder> {
  const visit = node.browser(mode === 'jwt' ? { 'Sec-Fetch-Site': '' } : {});
  const response = await visit.send('POST', `/auth/${path}`, {
    json: { email, password: PASSWORD, client: CLIENT_OF[mode] },
    ...(mode === 'jwt' ? { headers: { 'Sec-Fetch-Site': '' } } : {}),
  });
  assert.ok(response.ok, await response.clone().text());
  const body = await bodyOf(response);
  const text = (...at: string[]): string => {
    const value = inside(body, ...at);
    return typeof value === 'string' ? value : '';
  };
  return {
    email,
    mode,
    session: idIn(text('session', 'id')),
    user: idIn(text('user', 'id')),
    refresh: text('refresh_token'),
    access: text('access_token'),
    cookie: visit.cookie,
  };
}

/** What becomes of everything that somebody holds, on one node. */
async function outcomeOf(node: World, holder: Holder): Promise<string> {
  const program = new Program(node.auth);
  const cookie = holder.cookie === null ? null : (await holding(node, holder.cookie).get('/auth/me')).status;
  const token = holder.access === '' ? null : await program.status(holder.access);
  const renewal = await renewalOf(node, holder);
  const all = [cookie, token, renewal].filter((status) => status !== null);
  if (all.every((status) => status === 200)) {
    return 'kept';
  }
  if (all.every((status) => status === 401 || status === 400)) return 'refused';
  if (cookie !== 401 && token === 401 && renewal === 200) return 'renewed';
  return `cookie ${cookie}, token ${token}, renewal ${renewal}`;
}

/** The status of asking for a new access token, which must be good where there is one; `null` where there is none to ask for. */
async function renewalOf(node: World, { mode, cookie, refresh }: Holder): Promise<number | null> {
  if (mode === 'session') return null;
  const program = new Program(node.auth);
  const response =
    mode === 'jwt' ? await program.refresh(refresh) : await sessionGrant(holding(node, cookie));
  if (!response.ok) return response.status;
  assert.equal(await program.status(await tokenIn(response)), 200, 'what was renewed is good');
  return response.status;
}

/** Resolves when a node has come as far as another. */
async function followed(leader: World, follower: World): Promise<void> {
  const { seq } = await leader.store.log.head();
  while ((await follower.auth.status()).position < seq) await sleep(5);
}

/** A mode session has nothing to renew: what renews others keeps it. */
function expected(outcome: Outcome, { mode }: Holder): Outcome {
  return outcome === 'renewed' && mode === 'session' ? 'kept' : outcome;
}

for (const [store, open] of STORES) {
  describe(`on ${store}, two nodes (@rule R2, @rule R3, @rule R7, @asvs 7.4.1, @asvs 7.4.2)`, () => {
    for (const [cause, row] of Object.entries(ROWS) as [Cause, Row][]) {
      for (const mode of ['session', 'jwt', 'hybrid'] as const) {
        const impossible = row.without?.[mode];
        if (impossible === undefined) cell(cause, row, mode, open);
      }
    }
  });
}

function cell(cause: Cause, row: Row, mode: Mode, open: (typeof STORES)[number][1]): void {
  describe(`${cause} × ${mode}`, () => {
    const nodes: World[] = [];
    let close = async (): Promise<void> => undefined;
    let cast: Cast | null = null;

    before(async () => {
      const opened = await open(2);
      close = opened.close;
      for (const store of opened.stores) nodes.push(await openWorld(OPTIONS, store));
      const [here, there] = nodes;
      assert.ok(here !== undefined && there !== undefined);
      cast = {
        target: await enter(here, mode, 'ada@example.com', 'sign-up'),
        other: await enter(there, mode, 'ada@example.com', 'sign-in'),
        bystander: await enter(here, mode, 'bob@example.com', 'sign-up'),
      };
      // Remembered on both, so that it is memory that must let go.
      for (const node of nodes) {
        for (const holder of [cast.target, cast.other, cast.bystander])
          assert.equal(await outcomeOf(node, holder), 'kept');
      }
      await row.act(here, cast);
      await followed(here, there);
    });
    after(async () => {
      for (const { auth } of nodes) await auth.close();
      await close();
    });

    const judge = async (node: World | undefined): Promise<void> => {
      assert.ok(node !== undefined && cast !== null);
      for (const role of ['target', 'other', 'bystander'] as const) {
        assert.equal(await outcomeOf(node, cast[role]), expected(row[role], cast[role]), role);
      }
      await row.also?.(node, cast);
    };
    test('on the node that did it', () => judge(nodes[0]));
    test('on another node', () => judge(nodes[1]));
  });
}

test('every entry of the log has a cause, and what a cause writes is what its row says', () => {
  assert.deepEqual(Object.keys(ROWS).toSorted(), Object.keys(CAUSES).toSorted());
  for (const [cause, { kind }] of Object.entries(CAUSES) as [Cause, (typeof CAUSES)[Cause]][]) {
    const row: Row = ROWS[cause];
    const ends = [row.target, row.other, row.bystander].some((outcome) => outcome !== 'kept');
    // Enabling ends nothing by itself: what it finds has ended before.
    if (cause !== 'user_enabled' && row.ends === undefined) assert.equal(ends, kind === 'revoke', cause);
  }
});
