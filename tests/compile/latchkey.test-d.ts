/*
 * What a configuration says reaches principals, session data, rules and users
 * without a cast, and what it does not say does not compile. Each line under an
 * `@ts-expect-error` would fail the check of types if it compiled.
 */
import { allowSensitive, latchkey, me, resource, role, sqlite } from 'latchkey';
import { z } from 'zod';

interface Document {
  readonly ownerId: string;
  readonly state: 'draft' | 'published';
}

const place = { url: 'https://app.example.com', secret: 'x', store: sqlite(':memory:') } as const;
const draft: Document = { ownerId: 'x', state: 'draft' };

function expectType<Expected>(_value: Expected): void {}

/** Nothing but a place: one client of mode `session`, so the user is always there. */
export async function withoutAnything(): Promise<void> {
  const auth = latchkey({ ...place });
  const principal = await auth.require(new Headers());
  expectType<string>(principal.user.email);
  expectType<'cookie'>(principal.via);
  // @ts-expect-error no claims are configured
  void principal.claims.plan;
  // @ts-expect-error users have no fields
  void principal.user.fields.plan;
  // @ts-expect-error no permissions are declared but the built-in one
  await auth.can(principal, 'document:edit', draft);
  expectType<boolean>(await auth.can(principal, 'latchkey:admin'));
  await auth.users.changeRoles('id', { add: ['administrator'] });
  // @ts-expect-error no roles are declared
  await auth.users.changeRoles('id', { add: ['editor'] });
}

/** Everything at once. */
export async function withEverything(): Promise<void> {
  const auth = latchkey({
    ...place,
    clients: { web: 'session', spa: 'hybrid', once: { mode: 'jwt', refresh: false } },
    user: z.object({ plan: z.enum(['free', 'pro']).default('free') }),
    session: z.object({ cart: z.array(z.string()).default([]) }),
    claims: {
      plan: (user) => user.fields.plan,
      editor: (user) => user.roles.includes('editor'),
      [allowSensitive]: [],
    },
    roles: ['editor', 'auditor'],
    access: {
      document: resource<Document>()({ read: [role('auditor')], edit: [{ ownerId: me.id }, role('editor')] }),
    },
  });
  const principal = await auth.require(new Headers());
  expectType<'free' | 'pro'>(principal.claims.plan);
  expectType<boolean>(principal.claims.editor);
  // @ts-expect-error there is no such claim
  void principal.claims.plans;
  // @ts-expect-error with tokens the user may not be known
  void principal.user.email;
  if (principal.user !== null) expectType<'free' | 'pro'>(principal.user.fields.plan);
  if (principal.via === 'cookie') expectType<string>(principal.user.email);

  expectType<boolean>(await auth.can(principal, 'document:edit', draft));
  expectType<boolean>(await auth.can(null, 'document:read', draft));
  // @ts-expect-error there is no such action
  await auth.can(principal, 'document:remove', draft);
  // @ts-expect-error the permission is about a document
  await auth.can(principal, 'document:edit');
  // @ts-expect-error and this is none
  await auth.authorize(principal, 'document:edit', { owner: 'x' });
  const decision = await auth.explain(principal, 'document:edit', draft);
  expectType<boolean>(decision.allowed);
  // @ts-expect-error a decision is not a boolean
  expectType<boolean>(decision);

  await auth.users.changeRoles('id', { add: ['editor', 'administrator'] });
  // @ts-expect-error there is no such role
  await auth.users.changeRoles('id', { add: ['editors'] });
  await auth.users.setFields('id', { plan: 'pro' });
  // @ts-expect-error no such plan
  await auth.users.setFields('id', { plan: 'gold' });

  const session = await auth.session(new Request('https://app.example.com'), () => undefined);
  await session.update('cart', (cart) => [...cart, 'x']);
  // @ts-expect-error there is no such key
  await session.get('carts');
  // @ts-expect-error a cart holds texts
  await session.set('cart', [1]);
}

/** What is wrong in a configuration does not compile either. */
export function wrongly(): void {
  latchkey({
    ...place,
    roles: ['editor'],
    // @ts-expect-error a role that is not declared
    access: { document: resource<Document>()({ edit: [role('editors')] }) },
  });
  // @ts-expect-error an attribute that documents don't have
  resource<Document>()({ edit: [{ owner: me.id }] });
  // @ts-expect-error a mode that there isn't
  latchkey({ ...place, clients: { web: 'cookie' } });
  // @ts-expect-error a profile that there isn't
  latchkey({ ...place, profile: 'small' });
  latchkey({
    ...place,
    user: z.object({ plan: z.string().default('free') }),
    // @ts-expect-error a field that users don't have
    claims: { tier: (user) => user.fields.tier },
  });
}

/** The mode of the client that a profile brings counts as well. */
export async function byProfile(): Promise<void> {
  const pages = await latchkey({ ...place, profile: 'server-rendered' }).require(new Headers());
  expectType<string>(pages.user.email);
  const api = await latchkey({ ...place, profile: 'api' }).require(new Headers());
  // @ts-expect-error its client has tokens
  void api.user.email;
  const several = await latchkey({ ...place, profile: ['small-app', 'distributed'] }).require(new Headers());
  // @ts-expect-error of several it is not known which comes first
  void several.user.email;
}
