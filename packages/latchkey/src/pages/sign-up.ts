import { emailField, entry, hidden, nameField, newPasswordField, titleOf, withReturnTo } from './form.ts';
import { type FormProblem, page } from './layout.ts';
import { html } from './markup.ts';

/** What the page that makes an account shows. */
export interface SignUpView {
  readonly brand: string;
  /** What was typed before, or empty texts. */
  readonly values: { readonly email: string; readonly name: string };
  /** The least length of a password, in characters. */
  readonly passwordLength: number;
  /** Where to go afterwards; the route has checked that it is ours. */
  readonly returnTo: string | null;
  readonly problem: FormProblem | null;
}

/** Writes the page that makes an account. */
export function signUpPage(view: SignUpView): string {
  const { brand, values, problem, returnTo } = view;
  const content = html`<form class="stack" method="post" action="/auth/sign-up">
${hidden('return_to', returnTo)}
${emailField(values.email, problem)}
${nameField(values.name, problem)}
${newPasswordField('password', 'Password', view.passwordLength, problem)}
<button class="primary">Create account</button>
</form>
<p class="other-way">Have an account? <a href="${withReturnTo('/auth/sign-in', returnTo)}">Sign in</a></p>
<p class="small soft">If an address already has an account, this page says so to whoever enters it here.</p>`;
  return page({
    title: titleOf('Create your account', problem),
    brand,
    signedInAs: null,
    notice: null,
    body: entry({
      heading: 'Create your account',
      lead: null,
      problem,
      fields: ['email', 'name', 'password'],
      content,
    }),
  });
}
