import { listFollowers } from '../../../revocation/followers.ts';
import type { Route } from '../../route.ts';
import { followersShape, writeFollowers } from '../../wire-admin.ts';
import { adminRoute, answer } from './admin-route.ts';

/** `GET /auth/admin/followers` */
export const followersRoute: Route = adminRoute({
  method: 'GET',
  path: '/auth/admin/followers',
  summary: 'Where the revocation log stands, and who follows it',
  body: {},
  query: {},
  status: 200,
  answer: followersShape,
  errors: [],
  act: async ({ rooms }) => answer(writeFollowers(await listFollowers(rooms.receipts.sources))),
});
