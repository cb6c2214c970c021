import { sha256 } from '../../foundation/secret.ts';
import { ICON } from '../../pages/art.ts';
import { STYLE } from '../../pages/style.ts';
import { page, type Route } from '../route.ts';

/** A constant text of the pages, which a browser may keep for five minutes and then asks about. */
function constant(path: string, type: string, text: string): Route {
  const etag = `"${sha256(text).toString('base64url').slice(0, 22)}"`;
  const headers = { ETag: etag, 'Cache-Control': 'public, max-age=300' };
  return page(path, async ({ request }) =>
    request.headers.get('if-none-match') === etag
      ? new Response(null, { status: 304, headers })
      : new Response(text, { headers: { ...headers, 'Content-Type': type } }),
  );
}

/** `GET /auth/style.css` */
export const styleRoute: Route = constant('/auth/style.css', 'text/css; charset=utf-8', STYLE);

/** `GET /auth/icon.svg` */
export const iconRoute: Route = constant('/auth/icon.svg', 'image/svg+xml', ICON);
