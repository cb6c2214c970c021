import type { AllowedOrigins } from './origin-rule.ts';

/**
 * Where a form's redirect may lead: a path of ours, or a listed origin. Anything
 * else is `fallback` (ASVS 3.7.2).
 *
 * What browsers make of a backslash, a tab or a second slash is not guessed: the
 * URL is parsed as a browser does, and its own spelling is what is answered.
 */
export function safeReturnTo(
  text: string | null | undefined,
  allowed: AllowedOrigins,
  fallback: string,
): string {
  if (text === null || text === undefined || text === '' || text.length > 2_048) return fallback;
  const url = URL.parse(text, `${allowed.own}/`);
  if (url === null || url.username !== '' || url.password !== '') return fallback;
  // `blob:` has the origin of the URL inside it, and leads nowhere.
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return fallback;
  if (url.origin === allowed.own) {
    const path = `${url.pathname}${url.search}${url.hash}`;
    return path.startsWith('//') ? fallback : path;
  }
  return allowed.listed.has(url.origin) ? url.href : fallback;
}
