import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { html } from 'hono/html';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import type { createAuth, Visited } from './auth.ts';

/** What a page may hold: text, which is escaped, and pieces of HTML. */
type Html = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; --edge: light-dark(#6b7785, #8b98a5); --accent: light-dark(#0b5394, #9cc9f5); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1rem; max-width: 30rem; font: 1.0625rem/1.5 system-ui, sans-serif; }
form { margin-block: 1.5rem; }
label { display: block; margin-block: 1rem .25rem; font-weight: 600; }
input { width: 100%; padding: .6rem; border: 1px solid var(--edge); border-radius: .3rem; font: inherit; }
.hint { margin: .25rem 0 0; font-size: .9375rem; }
button { margin-top: 1rem; padding: .6rem 1rem; border: 1px solid var(--accent); border-radius: .3rem; font: inherit; color: var(--accent); background: none; cursor: pointer; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[role=alert] { padding: .75rem 1rem; border-left: .25rem solid light-dark(#a61b1b, #ffb4ab); }
`;

/** Builds the application: its pages around the sessions of `auth.ts`. */
export function application(auth: ReturnType<typeof createAuth>, secure: boolean): Hono<Visited> {
  const app = new Hono<Visited>();
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      // Under `no-referrer` a browser sends `Origin: null` with a form, and an old one would be refused here.
      referrerPolicy: 'same-origin',
      strictTransportSecurity: secure,
      xFrameOptions: 'DENY',
    }),
  );
  app.use(auth.protect);
  app.use(bodyLimit({ maxSize: 64 * 1024 }));
  app.route('/', auth.routes);

  app.get('/style.css', (c) => c.body(STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
  app.get('/me', (c) => c.json({ user: c.var.visitor }));
  app.get('/', auth.requireUser, (c) => c.html(page('Your account', account(c.var.user.email))));
  app.get('/sign-in', (c) => c.html(page('Sign in', signIn())));
  app.get('/sign-up', (c) => c.html(page('Create an account', signUp())));

  app.notFound((c) => c.html(page('Not found', html`<p><a href="/">Back to the start</a></p>`), 404));
  app.onError((error, c) => {
    const status = error instanceof HTTPException ? error.status : 500;
    if (status === 503) c.header('Retry-After', '5');
    // What is thrown holds no field of a form; what a driver or a library throws is not shown.
    if (status === 500) console.error(error);
    return c.html(refused(c.req.path, SAID[status] ?? error.message), status);
  });
  return app;
}

const SAID: Readonly<Record<number, string>> = {
  413: 'That is too much.',
  500: 'Something went wrong. Try again later.',
};

function page(title: string, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Example</title>
<link rel="stylesheet" href="/style.css">
<main>
<h1>${title}</h1>
${body}
</main>
</html>`;
}

/** The form that was refused, with the reason above it, so that it can be sent again. */
function refused(path: string, reason: string): Html {
  const problem = html`<p role="alert">${reason}</p>`;
  if (path === '/sign-in') return page('Sign in', html`${problem}${signIn()}`);
  if (path === '/sign-up') return page('Create an account', html`${problem}${signUp()}`);
  return page('That did not work', html`${problem}<p><a href="/">Back to the start</a></p>`);
}

function signIn(): Html {
  return html`<form method="post" action="/sign-in">
${email()}
${password('password', 'Password', 'current-password')}
<button>Sign in</button>
</form>
<p>No account yet? <a href="/sign-up">Create one</a></p>`;
}

function signUp(): Html {
  return html`<form method="post" action="/sign-up">
${email()}
${password('password', 'Password', 'new-password')}
<button>Create the account</button>
</form>
<p>You have an account? <a href="/sign-in">Sign in</a></p>`;
}

function account(address: string): Html {
  return html`<p>You are signed in as <strong>${address}</strong>.</p>
<form method="post" action="/sign-out"><button>Sign out</button></form>
<form method="post" action="/sign-out-everywhere"><button>Sign out everywhere</button></form>
<h2>Change your password</h2>
<p>Every other browser is signed out.</p>
<form method="post" action="/password">
<input type="email" name="username" autocomplete="username" value="${address}" hidden>
${password('password', 'Present password', 'current-password')}
${password('new_password', 'New password', 'new-password')}
<button>Change the password</button>
</form>`;
}

function email(): Html {
  return html`<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254">`;
}

function password(name: string, label: string, autocomplete: 'current-password' | 'new-password'): Html {
  const isNew = autocomplete === 'new-password';
  const rules = isNew ? html` minlength="15" aria-describedby="${name}-hint"` : '';
  const hint = html`<p class="hint" id="${name}-hint">15 characters or more. A few unrelated words work well.</p>`;
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="password" autocomplete="${autocomplete}" required maxlength="1024"${rules}>
${isNew ? hint : ''}`;
}
