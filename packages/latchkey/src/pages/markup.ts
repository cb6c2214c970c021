import { html as template } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** A piece of HTML whose variable parts have been escaped. */
export type Html = HtmlEscapedString;

/** What may stand in a page: text and numbers are escaped, pieces of HTML are not, `null` is nothing. */
export type Part = Html | string | number | null | readonly Part[];

/**
 * Writes HTML, with every part escaped that is not HTML already. The pages use
 * this and never hono's own tag: it takes no part whose type is open, and it
 * answers at once, so that a page is whole before anything of it is sent.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const made = template(strings, ...parts);
  if (made instanceof Promise) throw new TypeError('a page must not wait for one of its parts');
  return made;
}

/**
 * Passes on a path of our own, so that no link of a page leads elsewhere
 * whatever the caller made it from.
 *
 * @throws {TypeError} where it is anything else: another origin, another scheme, a relative path.
 */
export function ownPath(text: string): string {
  if (!/^\/(?![/\\])/.test(text)) throw new TypeError('a page links to paths of its own origin alone');
  return text;
}
