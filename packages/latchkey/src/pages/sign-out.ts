import { entry } from './form.ts';
import { page } from './layout.ts';
import { type Html, html } from './markup.ts';

/** What the sign-out page shows. */
export interface SignOutView {
  readonly brand: string;
  /** The address of who is signed in, or `null` where nobody is any more. */
  readonly signedInAs: string | null;
}

/** Writes the page that asks whether to sign out, or says that it is done: a link alone ends nothing. */
export function signOutPage(view: SignOutView): string {
  const { brand, signedInAs } = view;
  return page({
    title: signedInAs === null ? 'Signed out' : 'Sign out?',
    brand,
    signedInAs,
    notice: null,
    body: signedInAs === null ? signedOut() : question(signedInAs),
  });
}

function question(signedInAs: string): Html {
  return entry({
    heading: 'Sign out?',
    lead: html`You are signed in as <strong>${signedInAs}</strong>. Signing out ends this session; your other sessions stay.`,
    problem: null,
    fields: [],
    content: html`<form class="stack" method="post" action="/auth/sign-out">
<div class="actions"><button class="primary">Sign out</button>
<a class="button" href="/auth/account">Stay signed in</a></div>
</form>`,
  });
}

function signedOut(): Html {
  return entry({
    heading: 'You are signed out',
    lead: 'This browser has no session any more.',
    problem: null,
    fields: [],
    content: html`<div class="actions"><a class="button primary" href="/auth/sign-in">Sign in again</a></div>`,
  });
}
