import type { UserPrincipal } from '@latchkey/verify';
import { z } from 'zod';
import { invalid } from '../../../errors.ts';
import { requireTarget, revoke } from '../../../flows/revoke.ts';
import { revokeSigningKey } from '../../../flows/signing-keys.ts';
import { findId } from '../../../foundation/ids.ts';
import type { RevocationTarget } from '../../../revocation/target.ts';
import type { Route } from '../../route.ts';
import { receiptDetailsShape, writeReceiptDetails } from '../../wire-admin.ts';
import { adminRoute, answer } from './admin-route.ts';

const targets = {
  session: z.string().optional().describe('an id'),
  user: z.string().optional().describe('an id: all sessions of the user end'),
  client: z.string().optional().describe('a name: all that was given out through it ends'),
  signing_key: z.string().max(200).optional().describe('a `kid`: what it has signed is good nowhere'),
  all: z.literal(true).optional().describe('everything ends, this session as well'),
};

type Targets = z.infer<z.ZodObject<typeof targets>>;

/** `POST /auth/admin/revoke`: ends trust in exactly one thing. */
export const adminRevokeRoute: Route = adminRoute({
  method: 'POST',
  path: '/auth/admin/revoke',
  summary: 'End trust in exactly one of these',
  body: {
    ...targets,
    reason: z.string().max(200, 'may have 200 characters at most').optional(),
  },
  query: {},
  status: 200,
  answer: z.object({ receipt: receiptDetailsShape }),
  errors: ['LK_NOT_FOUND'],
  act: async ({ rooms }, { body: { reason = null, ...given } }, by) => {
    const target = targetOf(given);
    if ('signingKey' in target) {
      const receipt = await revokeSigningKey(rooms, target.signingKey, { by, reason });
      return answer({ receipt: writeReceiptDetails(await receipt.details()) });
    }
    await requireTarget(rooms, target);
    const receipt = await revoke(rooms, target, { by, reason });
    const { id } = by.session;
    return {
      ...answer({ receipt: writeReceiptDetails(await receipt.details()) }),
      cookie: endsOwn(target, by) ? { value: 'clear', session: id } : null,
    };
  },
});

/** Each is read by its name: nothing that is left over may come to mean everything. */
function targetOf(given: Targets): RevocationTarget | { readonly signingKey: string } {
  const { session, user, client, signing_key: signingKey, all } = given;
  const wanted = [
    session === undefined ? [] : [{ session: idFrom('session', session) }],
    user === undefined ? [] : [{ user: idFrom('user', user) }],
    client === undefined ? [] : [{ client }],
    signingKey === undefined ? [] : [{ signingKey }],
    all === undefined ? [] : [{ all }],
  ].flat();
  const [target] = wanted;
  if (target === undefined || wanted.length > 1)
    throw invalid('', 'name exactly one of session, user, client, signing_key and all');
  return target;
}

function idFrom<Kind extends 'session' | 'user'>(kind: Kind, text: string) {
  const id = findId<Kind>(text);
  if (id === null) throw invalid(kind, 'is no id');
  return id;
}

function endsOwn(target: RevocationTarget, { id, session }: UserPrincipal): boolean {
  if ('session' in target) return target.session === session.id;
  if ('user' in target) return target.user === id;
  return 'all' in target || target.client === session.client;
}
