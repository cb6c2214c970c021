import { currentPasswordField, emailField, entry, hidden, titleOf, withReturnTo } from './form.ts';
import { type FormProblem, page } from './layout.ts';
import { html } from './markup.ts';

/** What the sign-in page shows. */
export interface SignInView {
  readonly brand: string;
  /** What was typed before, or an empty text. */
  readonly values: { readonly email: string };
  /** Where to go afterwards; the route has checked that it is ours. */
  readonly returnTo: string | null;
  readonly problem: FormProblem | null;
  /** Whether the browser believes that somebody is signed in, who is not. */
  readonly signedOut?: boolean;
}

/** Writes the sign-in page. */
export function signInPage(view: SignInView): string {
  const { brand, values, problem, returnTo } = view;
  const content = html`<form class="stack" method="post" action="/auth/sign-in">
${hidden('return_to', returnTo)}
${emailField(values.email, problem)}
${currentPasswordField('password', 'Password', problem)}
<button class="primary">Sign in</button>
</form>
<p class="other-way">New here? <a href="${withReturnTo('/auth/sign-up', returnTo)}">Create an account</a></p>`;
  return page({
    title: titleOf('Sign in', problem),
    brand,
    signedInAs: null,
    notice: null,
    body: entry({
      heading: 'Sign in',
      lead: view.signedOut === true ? 'You are signed out here: sign in again.' : null,
      problem,
      fields: ['email', 'password'],
      content,
    }),
  });
}
