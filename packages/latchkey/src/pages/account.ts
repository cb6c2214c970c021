import type { Timestamp } from '@latchkey/verify';
import type { Person } from '../flows/person.ts';
import { keyOf } from './art.ts';
import { type Notice, page } from './layout.ts';
import { type Html, html, ownPath } from './markup.ts';
import { time } from './time.ts';

/** A session as its owner sees it in the list. */
export interface SessionView {
  readonly id: string;
  /** Whether it is the one that asks for this page. */
  readonly current: boolean;
  /** The name of the configured client through which it was created. */
  readonly client: string;
  /** A label such as "Firefox on Linux", or `null` where nothing is known. */
  readonly device: string | null;
  /** The network address at sign-in, or `null` where it is not known. */
  readonly ip: string | null;
  readonly createdAt: Timestamp;
  /** `null` where it has not been used since it was created. */
  readonly lastSeenAt: Timestamp | null;
}

/** What the account page shows. */
export interface AccountView {
  readonly brand: string;
  readonly person: Person;
  readonly sessions: readonly SessionView[];
  /** The path where the list goes on, or `null` at its end. */
  readonly moreHref: string | null;
  readonly notice: Notice | null;
}

/** Writes the page on which people see who they are and where they are signed in. */
export function accountPage(view: AccountView): string {
  return page({
    title: 'Your account',
    brand: view.brand,
    signedInAs: view.person.user.email,
    notice: view.notice,
    wide: true,
    body: html`<h1>Your account</h1>
<div class="account">
${identity(view.person)}
${sessions(view)}
</div>`,
  });
}

/** An address that may go on in the next line where a person would read it so, and not within a word. */
function breakable(email: string): Html[] {
  const parts = email.split(/(?<=\.)|(?=@)/);
  return parts.map((part, index) => (index === 0 ? html`${part}` : html`<wbr>${part}`));
}

function identity({ principal, user, session }: Person): Html {
  const badge = user.roles.includes('administrator') ? html`<span class="badge">Administrator</span>` : null;
  return html`<section class="identity card" aria-labelledby="identity">
<div class="nameplate">
<h2 id="identity">${user.name ?? breakable(user.email)}</h2>
${user.name === null ? null : html`<p>${breakable(user.email)}</p>`}
</div>
${badge === null ? null : html`<p>${badge}</p>`}
<dl class="facts">
<div><dt>Password last entered</dt><dd>${time(principal.authTime)}</dd></div>
<div><dt>This session ends by</dt><dd>${time(session.expiresAt ?? principal.expiresAt)}</dd></div>
</dl>
<div class="actions">
<a class="button" href="/auth/password">Change password</a>
<form method="post" action="/auth/sign-out"><button>Sign out</button></form>
</div>
</section>`;
}

function sessions(view: AccountView): Html {
  const others = view.moreHref !== null || view.sessions.some((session) => !session.current);
  // The client's name tells sessions apart only where there are several.
  const withClient = new Set(view.sessions.map((session) => session.client)).size > 1;
  return html`<section class="sessions" aria-labelledby="sessions">
<div class="section-head">
<div>
<h2 id="sessions">Sessions</h2>
<p class="soft">${
    others
      ? 'Each one is a place where you are signed in. End any that you do not know.'
      : 'You are signed in here and nowhere else.'
  }</p>
</div>
${
  others
    ? html`<form method="post" action="/auth/account/end-others"><button class="danger">End all other sessions</button></form>`
    : null
}
</div>
<ul class="session-list">${view.sessions.map((session) => row(session, withClient))}</ul>
${view.moreHref === null ? null : html`<p><a class="button" href="${ownPath(view.moreHref)}">Older sessions</a></p>`}
</section>`;
}

function row(session: SessionView, withClient: boolean): Html {
  const device = session.device ?? 'Unknown device';
  const seen = session.lastSeenAt === null ? 'Not since then' : time(session.lastSeenAt);
  return html`<li class="session card${session.current ? ' current' : ''}">
<h3>${device}${session.current ? html` <span class="badge">This session</span>` : null}</h3>
${keyOf(session.id)}
<dl class="facts">
<div><dt>Signed in</dt><dd>${time(session.createdAt)}</dd></div>
<div><dt>Last seen</dt><dd>${seen}</dd></div>
<div><dt>Address</dt><dd>${session.ip ?? 'Unknown'}</dd></div>
${withClient ? html`<div><dt>Client</dt><dd>${session.client}</dd></div>` : null}
</dl>
${session.current ? null : endForm(session, device)}
</li>`;
}

function endForm(session: SessionView, device: string): Html {
  return html`<form method="post" action="/auth/account/end-session">
<input type="hidden" name="session" value="${session.id}">
<button>End session<span class="unseen"> on ${device}, signed in ${time(session.createdAt)}</span></button>
</form>`;
}
