/*
 * What must compile, and, after each `@ts-expect-error`, what must not: the
 * compiler is the test, and nothing here runs.
 */
import { type AuthEvent, latchkey, type PrincipalUser, sqlite } from 'latchkey';
import { testing } from 'latchkey/testing';
import { z } from 'zod';

type Same<A, B> = [A, B] extends [B, A] ? [] : [never];
declare function same<A, B>(...proof: Same<A, B>): void;

const user = z.object({ plan: z.enum(['free', 'pro']).default('free'), team: z.string().optional() });
type Fields = z.infer<typeof user>;
const place = { url: 'https://app.example.com', secret: 'x', store: sqlite('app.db') };
const t = await testing(
  latchkey({
    ...place,
    clients: { web: 'hybrid', ios: 'jwt' },
    user,
    claims: { plan: ({ fields }: PrincipalUser<Fields>) => fields.plan },
    roles: ['editor', 'auditor'],
  }),
);
const email = 'ada@example.com';

const ada = await t.signIn({
  email,
  name: null,
  roles: ['editor', 'administrator'],
  fields: { plan: 'pro' },
  client: 'ios',
  acr: 'aal2',
  authTime: t.clock.now() - 60_000,
});
await t.signIn({ email, fields: {} });
await t.clock.advance('90m');
same<typeof ada.principal.claims.plan, 'free' | 'pro'>();
same<typeof t.events, readonly AuthEvent[]>();
same<ReturnType<typeof ada.token>, Promise<string>>();
const request = new Request('https://app.example.com', {
  headers: { ...ada.headers, 'Content-Type': 'text/plain' },
});

// A token says who, and not all of whom.
if (ada.principal.user !== null) same<typeof ada.principal.user.fields.plan, 'free' | 'pro'>();
// @ts-expect-error: so the user may be unknown
void ada.principal.user.email;

// @ts-expect-error: nobody
await t.signIn({});
// @ts-expect-error: no such role
await t.signIn({ email, roles: ['emperor'] });
// @ts-expect-error: no such field
await t.signIn({ email, fields: { plant: 'pro' } });
// @ts-expect-error: no such value
await t.signIn({ email, fields: { plan: 'gold' } });
// @ts-expect-error: no such assurance
await t.signIn({ email, acr: 'aal9' });
// @ts-expect-error: a time is a number
await t.signIn({ email, authTime: '6m' });
// @ts-expect-error: no one is asked for a password
await t.signIn({ email, password: 'lantern orchid gravel seven' });
// @ts-expect-error: not a duration
await t.clock.advance('8 days');
// @ts-expect-error: a duration says its unit
await t.clock.advance(1_000);
// @ts-expect-error: only Latchkey adds to what has happened
t.events.length = 0;
// @ts-expect-error: what a request carries is not changed behind its back
ada.headers['Cookie'] = '';

// Where every client is of mode `session`, the user is always known; where nothing is declared, there is nothing to name.
const plain = await testing(latchkey(place));
const grace = await plain.signIn({ email, roles: ['administrator'] });
same<typeof grace.principal.user.email, string>();
// @ts-expect-error: no role is declared
await plain.signIn({ email, roles: ['editor'] });
// @ts-expect-error: no field is declared
await plain.signIn({ email, fields: { plan: 'pro' } });

// @ts-expect-error: not a Latchkey
await testing(place);

export { request };
