import { emailField, entry, hidden, nameField, newPasswordField, titleOf } from './form.ts';
import { type FormProblem, page } from './layout.ts';
import { html } from './markup.ts';

/** What the page that makes the first administrator shows. */
export interface SetupView {
  readonly brand: string;
  /** The proof from the link, carried through the form. */
  readonly token: string;
  /** What was typed before, or empty texts. */
  readonly values: { readonly email: string; readonly name: string };
  /** The least length of a password, in characters. */
  readonly passwordLength: number;
  readonly problem: FormProblem | null;
}

/** Writes the page that makes the first administrator. */
export function setupPage(view: SetupView): string {
  const { values, problem } = view;
  const content = html`<form class="stack" method="post" action="/auth/setup">
${hidden('token', view.token)}
${emailField(values.email, problem)}
${nameField(values.name, problem)}
${newPasswordField('password', 'Password', view.passwordLength, problem)}
<button class="primary">Create administrator</button>
</form>`;
  return page({
    title: titleOf('Create the first administrator', problem),
    brand: view.brand,
    signedInAs: null,
    notice: null,
    body: entry({
      heading: 'Create the first administrator',
      lead: 'The link that brought you here works once. This account gets the role administrator: it may manage the others over HTTP, as the command does, and has the permission latchkey:admin in the rules of your application.',
      problem,
      fields: ['email', 'name', 'password'],
      content,
    }),
  });
}

/** Writes the page for a set-up link that is spent, expired or unknown, without saying which. */
export function setupSpentPage(view: { readonly brand: string }): string {
  return page({
    title: 'This link no longer works',
    brand: view.brand,
    signedInAs: null,
    notice: null,
    body: entry({
      heading: 'This link no longer works',
      lead: 'A set-up link works once, and for one hour. The server prints a new one each time it starts, until an administrator exists.',
      problem: null,
      fields: [],
      content: html`<div class="actions"><a class="button primary" href="/auth/sign-in">Sign in</a>
<a class="button" href="/">Go to the start page</a></div>`,
    }),
  });
}
