import { MARK } from './art.ts';
import { type Html, html } from './markup.ts';

export type { Html } from './markup.ts';

/** What has just been done, or what has gone wrong, said once at the top of the next page. */
export interface Notice {
  readonly kind: 'done' | 'problem';
  readonly text: string;
}

/** What keeps a form from being accepted. */
export interface FormProblem {
  /** One sentence for the whole form. */
  readonly summary: string;
  /** What is wrong with each field, by the field's name. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A whole page. */
export interface PageView {
  /** Without the brand, which is added. */
  readonly title: string;
  readonly brand: string;
  /** The address of who is signed in, or `null`. */
  readonly signedInAs: string | null;
  readonly notice: Notice | null;
  readonly body: Html;
  /** For pages that hold more than a form. */
  readonly wide?: boolean;
}

/**
 * Writes a complete document. It holds no script, no style of its own and
 * nothing of another site, so that the strictest content security policy fits.
 */
export function page(view: PageView): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${view.title} · ${view.brand}</title>
<link rel="icon" href="/auth/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/auth/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="site-header">
<div class="bar">
<a class="brand" href="/">${MARK}<span>${view.brand}</span></a>
${view.signedInAs === null ? null : navigation(view.signedInAs)}
</div>
</header>
<main id="main" tabindex="-1" class="${view.wide === true ? 'wide' : 'narrow'}">
${view.notice === null ? null : noticeBox(view.notice)}
${view.body}
</main>
<footer class="site-footer">
<p>These pages run no scripts and load nothing from other sites.</p>
</footer>
</body>
</html>
`.toString();
}

function navigation(signedInAs: string): Html {
  return html`<nav aria-label="Account">
<span class="who">${signedInAs}</span>
<a href="/auth/account">Account</a>
<form method="post" action="/auth/sign-out"><button class="plain">Sign out</button></form>
</nav>`;
}

function noticeBox(notice: Notice): Html {
  return html`<p class="notice ${notice.kind}" role="${notice.kind === 'done' ? 'status' : 'alert'}">${notice.text}</p>`;
}
