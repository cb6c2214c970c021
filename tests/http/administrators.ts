import assert from 'node:assert/strict';
import { me, permissions, resource, role } from 'latchkey';
import { inside } from '../attacks/scene.ts';
import { CLIENTS } from './program.ts';
import { bodyOf, PASSWORD, type Visit, type World } from './world.ts';

/** Somebody with a browser that is signed in. */
export interface Somebody {
  readonly id: string;
  readonly email: string;
  readonly visit: Visit;
  readonly session: string;
}

let people = 0;

/** A new user who is signed in. */
export async function somebody(world: World, roles: readonly 'administrator'[] = []): Promise<Somebody> {
  people += 1;
  const email = `somebody-${people}@example.com`;
  const { id } = await world.auth.users.create({ email, password: PASSWORD, roles });
  const visit = world.browser();
  const { session } = await bodyOf(await visit.signIn(email));
  return { id, email, visit, session: String(inside(session, 'id')) };
}

/** A new administrator who is signed in. */
export function administrator(world: World): Promise<Somebody> {
  return somebody(world, ['administrator']);
}

/** Operations of administration, as the OpenAPI document names them: `GET /auth/admin/users`. */
export function administration(world: World): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const [path, methods] of Object.entries(world.auth.openApi().paths)) {
    if (!path.startsWith('/auth/admin/')) continue;
    for (const [method, operation] of Object.entries(methods)) {
      const codes = JSON.stringify(operation).matchAll(/`(LK_\w+)`/g);
      found.set(`${method.toUpperCase()} ${path}`, new Set(Array.from(codes, ([, code]) => code ?? '')));
    }
  }
  assert.ok(found.size >= 16);
  return found;
}

/** The items of a list. */
export async function itemsOf(response: Response): Promise<readonly unknown[]> {
  assert.equal(response.status, 200, await response.clone().text());
  const { items } = await bodyOf(response);
  assert.ok(Array.isArray(items));
  return items.map((item: unknown) => item);
}

/** What the rules of these tests are about. */
export interface Note {
  readonly ownerId: string;
}

/** A configuration with something to administer. */
export const OPTIONS = {
  clients: CLIENTS,
  roles: ['auditor'],
  tokens: { audiences: ['notes'] },
  access: {
    note: resource<Note>()({ read: [{ ownerId: me.id }] }),
    reports: permissions({ view: [role('auditor')] }),
  },
};

/** One call of an operation, about somebody who must be there. */
export interface Call {
  readonly operation: string;
  readonly path: (about: Somebody) => string;
  readonly body?: (about: Somebody) => unknown;
  readonly status?: 201;
}

export const users = '/auth/admin/users';
/** A call of each operation. */
export const CALLS: readonly Call[] = [
  { operation: `GET ${users}`, path: () => `${users}?search=some&limit=2` },
  {
    operation: `POST ${users}`,
    path: () => users,
    body: ({ id }) => ({
      email: `made-for-${id.toLowerCase().replaceAll(/[^a-z]/g, '')}@example.com`,
      password: PASSWORD,
    }),
    status: 201,
  },
  { operation: `GET ${users}/{id}`, path: ({ id }) => `${users}/${id}` },
  { operation: `GET ${users}/{id}/sessions`, path: ({ id }) => `${users}/${id}/sessions` },
  {
    operation: `POST ${users}/{id}/roles`,
    path: ({ id }) => `${users}/${id}/roles`,
    body: () => ({ add: ['auditor'], remove: ['gone'] }),
  },
  { operation: `POST ${users}/{id}/unlock`, path: ({ id }) => `${users}/${id}/unlock` },
  { operation: 'GET /auth/admin/sessions', path: () => '/auth/admin/sessions?client=web' },
  { operation: 'DELETE /auth/admin/sessions/{id}', path: ({ session }) => `/auth/admin/sessions/${session}` },
  { operation: `POST ${users}/{id}/disable`, path: ({ id }) => `${users}/${id}/disable` },
  { operation: `POST ${users}/{id}/enable`, path: ({ id }) => `${users}/${id}/enable` },
  {
    operation: 'POST /auth/admin/revoke',
    path: () => '/auth/admin/revoke',
    body: ({ id }) => ({ user: id, reason: 'a test' }),
  },
  {
    operation: 'POST /auth/admin/explain',
    path: () => '/auth/admin/explain',
    body: ({ id }) => ({ user: id, permission: 'note:read', resource: { ownerId: id } }),
  },
  { operation: 'GET /auth/admin/clients', path: () => '/auth/admin/clients' },
  {
    operation: 'POST /auth/admin/clients',
    path: () => '/auth/admin/clients',
    body: ({ id }) => ({ name: `of-${id.toLowerCase()}`, audiences: ['orders'] }),
    status: 201,
  },
  {
    operation: 'POST /auth/admin/clients/{name}/rotate',
    path: () => '/auth/admin/clients/kept/rotate',
    body: () => ({ grace_in: 60 }),
  },
  { operation: 'POST /auth/admin/clients/{name}/disable', path: () => '/auth/admin/clients/spa/disable' },
  { operation: 'POST /auth/admin/clients/{name}/enable', path: () => '/auth/admin/clients/spa/enable' },
  { operation: 'GET /auth/admin/followers', path: () => '/auth/admin/followers' },
  { operation: `DELETE ${users}/{id}`, path: ({ id }) => `${users}/${id}` },
];

/** The method of a call. */
export const methodOf = ({ operation }: Call): string => operation.slice(0, operation.indexOf(' '));

/** Makes a call. */
export function ask(visit: Visit, call: Call, about: Somebody): Promise<Response> {
  const json = call.body?.(about);
  return visit.send(methodOf(call), call.path(about), json === undefined ? {} : { json });
}
