import { currentPasswordField, entry, hidden, managerHint, titleOf } from './form.ts';
import { type FormProblem, page } from './layout.ts';
import { html } from './markup.ts';

/** What the page that asks for the password once more shows. */
export interface ReauthenticateView {
  readonly brand: string;
  /** The address of who is signed in. */
  readonly signedInAs: string;
  /** Where to go afterwards; the route has checked that it is ours. */
  readonly returnTo: string | null;
  readonly problem: FormProblem | null;
}

/** Writes the page that asks for the password once more. */
export function reauthenticatePage(view: ReauthenticateView): string {
  const { problem } = view;
  const content = html`<form class="stack" method="post" action="/auth/reauthenticate">
${hidden('return_to', view.returnTo)}
${managerHint(view.signedInAs)}
${currentPasswordField('password', 'Password', problem)}
<div class="actions"><button class="primary">Continue</button>
<a class="button" href="/auth/account">Cancel</a></div>
</form>`;
  return page({
    title: titleOf('Confirm that it is you', problem),
    brand: view.brand,
    signedInAs: view.signedInAs,
    notice: null,
    body: entry({
      heading: 'Confirm that it is you',
      lead: html`You are signed in as <strong>${view.signedInAs}</strong>. Enter your password once more to go on.`,
      problem,
      fields: ['password'],
      content,
    }),
  });
}
