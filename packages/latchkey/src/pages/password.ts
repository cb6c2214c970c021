import { currentPasswordField, entry, managerHint, newPasswordField, titleOf } from './form.ts';
import { type FormProblem, page } from './layout.ts';
import { html } from './markup.ts';

/** What the page that changes a password shows. */
export interface PasswordView {
  readonly brand: string;
  /** The address of who is signed in. */
  readonly signedInAs: string;
  /** The least length of a password, in characters. */
  readonly passwordLength: number;
  readonly problem: FormProblem | null;
}

/** Writes the page that changes a password; it asks for the present one (ASVS 5.0 6.2.3). */
export function passwordPage(view: PasswordView): string {
  const { problem } = view;
  const content = html`<form class="stack" method="post" action="/auth/password">
${managerHint(view.signedInAs)}
${currentPasswordField('current_password', 'Current password', problem)}
${newPasswordField('new_password', 'New password', view.passwordLength, problem)}
<div class="actions"><button class="primary">Change password</button>
<a class="button" href="/auth/account">Cancel</a></div>
</form>`;
  return page({
    title: titleOf('Change your password', problem),
    brand: view.brand,
    signedInAs: view.signedInAs,
    notice: null,
    body: entry({
      heading: 'Change your password',
      lead: 'All your other sessions end when it changes. You stay signed in here.',
      problem,
      fields: ['current_password', 'new_password'],
      content,
    }),
  });
}
