import type { Route } from '../route.ts';
import { accountPageRoute, endOthersButton, endSessionButton } from './account.ts';
import { clientRoutes } from './admin/clients.ts';
import { explainRoute } from './admin/explain.ts';
import { followersRoute } from './admin/followers.ts';
import { listKeysRoute, revokeKeyRoute, rotateKeysRoute } from './admin/keys.ts';
import { adminRevokeRoute } from './admin/revoke.ts';
import { sessionRoutes } from './admin/sessions.ts';
import { userRoutes } from './admin/users.ts';
import { iconRoute, styleRoute } from './constants.ts';
import { introspectRoute } from './introspect.ts';
import { meRoute } from './me.ts';
import { passwordPageRoute, passwordRoute } from './password.ts';
import { reauthenticatePageRoute, reauthenticateRoute } from './reauthenticate.ts';
import { receiptRoute } from './receipts.ts';
import { revokeRoute } from './revoke.ts';
import { endSessionRoute, endSessionsRoute, listSessionsRoute } from './sessions.ts';
import { setUpPageRoute, setUpRoute } from './set-up.ts';
import { signInPageRoute, signInRoute } from './sign-in.ts';
import { signOutPageRoute, signOutRoute } from './sign-out.ts';
import { signUpPageRoute, signUpRoute } from './sign-up.ts';
import { tokenRoute } from './token.ts';
import { jwksRoute, metadataRoute } from './well-known.ts';

/** Every route there is: what is not in this table does not answer. */
export const ROUTES: readonly Route[] = [
  signUpRoute,
  signUpPageRoute,
  signInRoute,
  signInPageRoute,
  signOutRoute,
  signOutPageRoute,
  meRoute,
  reauthenticateRoute,
  reauthenticatePageRoute,
  passwordRoute,
  passwordPageRoute,
  listSessionsRoute,
  endSessionRoute,
  endSessionsRoute,
  receiptRoute,
  tokenRoute,
  introspectRoute,
  revokeRoute,
  jwksRoute,
  metadataRoute,
  ...userRoutes,
  ...sessionRoutes,
  adminRevokeRoute,
  ...clientRoutes,
  followersRoute,
  explainRoute,
  listKeysRoute,
  rotateKeysRoute,
  revokeKeyRoute,
  accountPageRoute,
  endSessionButton,
  endOthersButton,
  setUpRoute,
  setUpPageRoute,
  styleRoute,
  iconRoute,
];
