import { failure } from '../errors.ts';
import type { RequestHead } from '../foundation/header-source.ts';

/** Bodies that a page of another site can send without asking first (Fetch §2.2.2, CORS-safelisted). */
const SIMPLE_BODY = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

/** Whose pages may make unsafe requests. */
export interface AllowedOrigins {
  /** The deployment's own. */
  readonly own: string;
  /** Listed in the configuration: these may also read the answers (CORS). */
  readonly listed: ReadonlySet<string>;
}

/**
 * Refuses an unsafe request that another site's page has made: the browser adds
 * the cookie, or would keep the one in the answer, whoever wrote the request.
 *
 * @throws `LK_ORIGIN_REFUSED`
 */
export function refuseCrossSite(request: RequestHead, allowed: AllowedOrigins): void {
  const site = request.headers.get('sec-fetch-site');
  const origin = request.headers.get('origin');
  if (origin !== null && allowed.listed.has(origin)) return;
  if (site !== null) {
    if (site === 'same-origin' || site === 'none') return;
    throw failure('LK_ORIGIN_REFUSED');
  }
  if (origin !== null) {
    if (origin === allowed.own) return;
    throw failure('LK_ORIGIN_REFUSED');
  }
  // Neither header: no browser of the last years, unless something in between strips them.
  if (SIMPLE_BODY.test(request.headers.get('content-type') ?? '')) throw failure('LK_ORIGIN_REFUSED');
}
