import { entry } from './form.ts';
import { page } from './layout.ts';
import { type Html, html } from './markup.ts';

/** What the page for a request that failed shows. */
export interface FailureView {
  readonly brand: string;
  /** The address of who is signed in, or `null`. */
  readonly signedInAs: string | null;
  /** The status of the HTTP answer. */
  readonly status: number;
  readonly title: string;
  readonly text: string;
  /** By which the operator finds the request in the log, or `null`. */
  readonly requestId: string | null;
}

/** Writes the page for a request that failed. It says what the caller may know, and nothing of the cause. */
export function failurePage(view: FailureView): string {
  return page({
    title: view.title,
    brand: view.brand,
    signedInAs: view.signedInAs,
    notice: null,
    body: entry({
      heading: view.title,
      lead: view.text,
      problem: null,
      fields: [],
      content: html`<div class="actions">${wayOn(view.signedInAs)}</div>
<p class="small soft">Status ${view.status}${
        view.requestId === null ? null : html`, request <code>${view.requestId}</code>`
      }</p>`,
    }),
  });
}

function wayOn(signedInAs: string | null): Html {
  return signedInAs === null
    ? html`<a class="button primary" href="/">Go to the start page</a>`
    : html`<a class="button primary" href="/auth/account">Go to your account</a>`;
}
