import { DOOR } from './art.ts';
import type { FormProblem } from './layout.ts';
import { type Html, html, type Part } from './markup.ts';

/** One line of a form. */
export interface FieldView {
  readonly name: string;
  readonly label: string;
  readonly type: 'email' | 'text' | 'password';
  /** The token by which password managers and browsers know the field (HTML, "Autofill"). */
  readonly autocomplete: 'username' | 'name' | 'current-password' | 'new-password';
  /** Never given for a password: what was typed is not sent back. */
  readonly value?: string;
  /** Said before the first try, and read out with the field. */
  readonly hint?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly optional?: boolean;
}

/** Writes a label, its input, its hint and what is wrong with it, all tied together. */
export function field(view: FieldView, problem: FormProblem | null): Html {
  const id = fieldId(view.name);
  const wrong = problemOf(problem, view.name);
  const described = [
    ...(view.hint === undefined ? [] : [`${id}-hint`]),
    ...(wrong === null ? [] : [`${id}-error`]),
  ];
  const attributes: readonly Part[] = [
    view.optional === true ? null : html` required`,
    view.value === undefined ? null : html` value="${view.value}"`,
    view.minLength === undefined ? null : html` minlength="${view.minLength}"`,
    view.maxLength === undefined ? null : html` maxlength="${view.maxLength}"`,
    view.type === 'email' ? html` inputmode="email" autocapitalize="none" spellcheck="false"` : null,
    described.length === 0 ? null : html` aria-describedby="${described.join(' ')}"`,
    wrong === null ? null : html` aria-invalid="true"`,
  ];
  return html`<div class="field">
<label for="${id}">${view.label}${view.optional === true ? html` <span class="soft">(optional)</span>` : null}</label>
${view.hint === undefined ? null : html`<p class="hint" id="${id}-hint">${view.hint}</p>`}
${wrong === null ? null : html`<p class="field-error" id="${id}-error">${wrong}</p>`}
<input id="${id}" name="${view.name}" type="${view.type}" autocomplete="${view.autocomplete}"${attributes}>
</div>`;
}

/** The field for an e-mail address, which is also the name under which a password manager keeps the password. */
export function emailField(value: string, problem: FormProblem | null): Html {
  return field(
    { name: 'email', label: 'Email', type: 'email', autocomplete: 'username', value, maxLength: 254 },
    problem,
  );
}

/** The field for a person's name, which nobody has to give. */
export function nameField(value: string, problem: FormProblem | null): Html {
  return field(
    {
      name: 'name',
      label: 'Name',
      type: 'text',
      autocomplete: 'name',
      value,
      maxLength: 200,
      optional: true,
    },
    problem,
  );
}

/**
 * The field for a password to be chosen. It says what is asked for before the
 * first try (NIST SP 800-63B-4 §3.1.1.2), and has no upper limit in the browser:
 * a pasted password must not be cut short unseen.
 */
export function newPasswordField(
  name: 'password' | 'new_password',
  label: string,
  length: number,
  problem: FormProblem | null,
): Html {
  const hint = `At least ${length} characters. A few unrelated words work well; spaces and any characters are fine.`;
  return field(
    { name, label, type: 'password', autocomplete: 'new-password', hint, minLength: length },
    problem,
  );
}

/** The field for the password that a person has. */
export function currentPasswordField(
  name: 'password' | 'current_password',
  label: string,
  problem: FormProblem | null,
): Html {
  return field({ name, label, type: 'password', autocomplete: 'current-password' }, problem);
}

/**
 * Tells a password manager whose password a form asks for. The field has no
 * name, so that it is not sent, and is not shown.
 */
export function managerHint(email: string): Html {
  return html`<input type="email" autocomplete="username" value="${email}" readonly hidden>`;
}

/** Carries a value through a form unseen; nothing where there is none. */
export function hidden(name: string, value: string | null): Html | null {
  return value === null ? null : html`<input type="hidden" name="${name}" value="${value}">`;
}

/** A path of ours that keeps where the person wants to go afterwards. */
export function withReturnTo(path: string, returnTo: string | null): string {
  return returnTo === null ? path : `${path}?${new URLSearchParams({ return_to: returnTo }).toString()}`;
}

/** The page's title, which says first that something is wrong, since it is what is read out first. */
export function titleOf(title: string, problem: FormProblem | null): string {
  return problem === null ? title : `Error: ${title}`;
}

/** What stands on a page that leads in or out, beside the door. */
export interface EntryView {
  readonly heading: string;
  readonly lead: Part;
  readonly problem: FormProblem | null;
  /** The names of the form's visible fields, so that the summary links to those alone. */
  readonly fields: readonly string[];
  readonly content: Html;
}

/** Writes the card of a page that leads in or out. */
export function entry(view: EntryView): Html {
  return html`<div class="entry card">
<div class="entry-art">${DOOR}</div>
<div class="entry-body">
<h1>${view.heading}</h1>
${view.lead === null ? null : html`<p class="lead">${view.lead}</p>`}
${view.problem === null ? null : summary(view.problem, view.fields)}
${view.content}
</div>
</div>`;
}

/** Writes what is wrong with a form above it, with a link to each field, and takes the focus. */
function summary(problem: FormProblem, fields: readonly string[]): Html {
  const items = Object.entries(problem.fields).map(([name, text]) =>
    fields.includes(name) ? html`<li><a href="#${fieldId(name)}">${text}</a></li>` : html`<li>${text}</li>`,
  );
  return html`<div class="summary" role="alert" tabindex="-1" autofocus>
<p class="summary-title">${problem.summary}</p>
${items.length === 0 ? null : html`<ul>${items}</ul>`}
</div>`;
}

function fieldId(name: string): string {
  return name.replaceAll('_', '-');
}

function problemOf(problem: FormProblem | null, name: string): string | null {
  return problem !== null && Object.hasOwn(problem.fields, name) ? (problem.fields[name] ?? null) : null;
}
