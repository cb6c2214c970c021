import { route } from '../../../auth.ts';
import { listNotes } from '../../../notes.ts';

/** For programs: whoever isn't signed in gets a problem instead of a page. */
export const GET = route.signedIn((_request, { principal }) =>
  Response.json({ items: listNotes(principal.id) }),
);
