import { z } from 'zod';
import { invalid } from '../../../errors.ts';
import { explainFor } from '../../../flows/explain.ts';
import { findId } from '../../../foundation/ids.ts';
import type { Route } from '../../route.ts';
import { decisionShape, writeDecision } from '../../wire-admin.ts';
import { adminRoute, answer } from './admin-route.ts';

/** `POST /auth/admin/explain` */
export const explainRoute: Route = adminRoute({
  method: 'POST',
  path: '/auth/admin/explain',
  summary: 'Whether a user might, and why, had they signed in with their password just now',
  body: {
    user: z.string().nullable().describe('an id; null for nobody in particular'),
    permission: z.string(),
    resource: z.record(z.string(), z.unknown()).optional().describe('what the permission is about'),
  },
  query: {},
  status: 200,
  answer: decisionShape,
  errors: ['LK_NOT_FOUND'],
  act: async ({ rooms }, { body: { user, permission, resource } }) => {
    const id = user === null ? null : findId<'user'>(user);
    if (user !== null && id === null) throw invalid('user', 'is no id');
    return answer(writeDecision(await explainFor(rooms, { user: id, permission, resource })));
  },
});
