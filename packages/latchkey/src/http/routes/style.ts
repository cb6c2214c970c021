import { sha256 } from '../../foundation/secret.ts';
import { STYLE } from '../../pages/style.ts';
import { page, type Route } from '../route.ts';

const ETAG = `"${sha256(STYLE).toString('base64url').slice(0, 22)}"`;

/** `GET /auth/style.css` */
export const styleRoute: Route = page('/auth/style.css', async ({ request }) => {
  const headers = { ETag: ETAG, 'Cache-Control': 'public, max-age=300' };
  if (request.headers.get('if-none-match') === ETAG) return new Response(null, { status: 304, headers });
  return new Response(STYLE, { headers: { ...headers, 'Content-Type': 'text/css; charset=utf-8' } });
});
