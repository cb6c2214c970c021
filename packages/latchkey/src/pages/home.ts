import { DOORWAY } from './art.ts';
import { page } from './layout.ts';
import { type Html, html } from './markup.ts';

/** What the standalone server's first page shows. */
export interface HomeView {
  readonly brand: string;
  /** The address of who is signed in, or `null`. */
  readonly signedInAs: string | null;
  /** The public origin, for the line to paste. */
  readonly origin: string;
  /** Whether `/docs` and `/openapi.json` are served. */
  readonly docs: boolean;
}

/** Writes the standalone server's first page: what this is, and the way in. */
export function homePage(view: HomeView): string {
  return page({
    title: 'Sign-in for TypeScript applications',
    brand: view.brand,
    signedInAs: view.signedInAs,
    notice: null,
    wide: true,
    body: html`<div class="hero">
<div>
<h1>The latch stays on the server. The key travels.</h1>
<p class="lead">Latchkey is an authentication system for TypeScript applications. It knows who is asking, and where each person is signed in. Every request is checked against one revocation log, so a session or a token that you end is over at once, not when something expires.</p>
${ways(view.signedInAs)}
</div>
${DOORWAY}
</div>
${developers(view)}`,
  });
}

function ways(signedInAs: string | null): Html {
  if (signedInAs !== null) {
    return html`<p>You are signed in as <strong>${signedInAs}</strong>.</p>
<div class="actions"><a class="button primary" href="/auth/account">Open your account</a></div>`;
  }
  return html`<div class="actions"><a class="button primary" href="/auth/sign-up">Create an account</a>
<a class="button" href="/auth/sign-in">Sign in</a></div>`;
}

function developers(view: HomeView): Html {
  const command = `curl -c cookies.txt \\
  -H 'content-type: application/json' \\
  -d '{ "email": "you@example.com",
        "password": "your password" }' \\
  ${view.origin}/auth/sign-in`;
  const links = html`<p class="actions"><a class="button" href="/docs">Read the API reference</a>
<a class="button" href="/openapi.json">openapi.json</a></p>`;
  return html`<section class="developers" aria-labelledby="developers">
<div>
<h2 id="developers">For developers</h2>
<p>All that these pages do, an application does over HTTP. The same address answers a browser with a page and a program with JSON.</p>
${view.docs ? links : null}
</div>
<pre><code>${command}</code></pre>
</section>`;
}
