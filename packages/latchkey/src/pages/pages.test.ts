import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CookiePrincipal, SessionId, UserId } from '@latchkey/verify';
import type { Person } from '../flows/person.ts';
import { findId } from '../foundation/ids.ts';
import { accountPage } from './account.ts';
import { failurePage } from './failure.ts';
import { homePage } from './home.ts';
import type { FormProblem } from './layout.ts';
import { passwordPage } from './password.ts';
import { reauthenticatePage } from './reauthenticate.ts';
import { referencePage } from './reference.ts';
import { setupPage, setupSpentPage } from './setup.ts';
import { signInPage } from './sign-in.ts';
import { signOutPage } from './sign-out.ts';
import { signUpPage } from './sign-up.ts';

/** Breaks out of text, of both kinds of attribute, of a title and of a style, where nothing is escaped. */
const HOSTILE = `"'></title></style><script>alert(1)</script><img src=x onerror=alert(2)>&amp;`;
const RETURN_TO = `javascript:alert('3')//"><b>`;

const USER = findId<'user'>('AZr4k2mXcQqk3yT0v8FhXw');
const SESSION = findId<'session'>('AZr3k2mXcQqk9bZ1cPWo1A');

function person(user: UserId, session: SessionId): Person {
  const principal: CookiePrincipal = {
    kind: 'user',
    id: user,
    user: {
      id: user,
      email: HOSTILE,
      name: HOSTILE,
      emailVerified: false,
      roles: ['administrator', HOSTILE],
      fields: {},
    },
    session: { id: session, client: HOSTILE, mode: 'session', createdAt: 0, expiresAt: 1 },
    claims: {},
    via: 'cookie',
    acr: 'aal1',
    amr: ['pwd'],
    authTime: 0,
    expiresAt: 1,
  };
  return { principal, user: principal.user, session: principal.session };
}

function account(): string {
  assert(USER !== null && SESSION !== null);
  const row = { client: HOSTILE, device: HOSTILE, ip: HOSTILE, createdAt: 0, lastSeenAt: 0 };
  return accountPage({
    brand: HOSTILE,
    person: person(USER, SESSION),
    sessions: [
      { ...row, id: SESSION, current: true },
      { ...row, id: HOSTILE, client: 'web', current: false },
    ],
    moreHref: `/auth/account?cursor=${HOSTILE}`,
    notice: { kind: 'done', text: HOSTILE },
  });
}

function reference(): string {
  const schema = {
    type: 'object',
    description: HOSTILE,
    properties: { [HOSTILE]: { type: HOSTILE, format: HOSTILE, description: `${HOSTILE} \`${HOSTILE}\`` } },
    required: [HOSTILE],
  };
  const operation = {
    summary: HOSTILE,
    description: HOSTILE,
    tags: [HOSTILE],
    parameters: [{ name: HOSTILE, in: HOSTILE, description: HOSTILE, schema: { enum: [HOSTILE] } }],
    requestBody: { description: HOSTILE, content: { [HOSTILE]: { schema } } },
    responses: {
      '200': { description: HOSTILE, content: { [HOSTILE]: { schema } } },
      [HOSTILE]: { description: HOSTILE },
    },
  };
  return referencePage({
    brand: HOSTILE,
    signedInAs: HOSTILE,
    document: {
      info: { title: HOSTILE, version: HOSTILE, description: HOSTILE },
      tags: [{ name: HOSTILE, description: HOSTILE }],
      paths: { [HOSTILE]: { get: operation } },
    },
  });
}

const VALUES = { email: HOSTILE, name: HOSTILE };

function problemWith(...fields: readonly string[]): FormProblem {
  const all = [...fields, HOSTILE].map((field): [string, string] => [field, HOSTILE]);
  return { summary: HOSTILE, fields: Object.fromEntries(all) };
}

function signUp(problem: FormProblem | null, passwordLength = 15): string {
  return signUpPage({ brand: HOSTILE, values: VALUES, passwordLength, returnTo: RETURN_TO, problem });
}

function setup(problem: FormProblem | null, passwordLength = 15): string {
  return setupPage({ brand: HOSTILE, token: HOSTILE, values: VALUES, passwordLength, problem });
}

function password(problem: FormProblem | null, passwordLength = 15): string {
  return passwordPage({ brand: HOSTILE, signedInAs: HOSTILE, passwordLength, problem });
}

function signIn(problem: FormProblem | null): string {
  return signInPage({ brand: HOSTILE, values: VALUES, returnTo: RETURN_TO, problem });
}

function reauthenticate(problem: FormProblem | null): string {
  return reauthenticatePage({ brand: HOSTILE, signedInAs: HOSTILE, returnTo: RETURN_TO, problem });
}

function failure(signedInAs: string | null): string {
  return failurePage({
    brand: HOSTILE,
    signedInAs,
    status: 404,
    title: HOSTILE,
    text: HOSTILE,
    requestId: HOSTILE,
  });
}

/** Every page, each with a hostile value in every place that takes one. */
const PAGES: readonly (readonly [name: string, page: string])[] = [
  ['sign-up', signUp(null)],
  ['sign-up, refused', signUp(problemWith('email', 'name', 'password'))],
  ['sign-in', signIn(null)],
  ['sign-in, refused', signIn(problemWith('email', 'password'))],
  ['account', account()],
  ['password', password(null)],
  ['password, refused', password(problemWith('current_password', 'new_password'))],
  ['reauthenticate', reauthenticate(null)],
  ['reauthenticate, refused', reauthenticate(problemWith('password'))],
  ['sign-out', signOutPage({ brand: HOSTILE, signedInAs: HOSTILE })],
  ['signed out', signOutPage({ brand: HOSTILE, signedInAs: null })],
  ['set-up', setup(null)],
  ['set-up, refused', setup(problemWith('email', 'name', 'password'))],
  ['set-up, spent', setupSpentPage({ brand: HOSTILE })],
  ['failure', failure(null)],
  ['failure, signed in', failure(HOSTILE)],
  ['home', homePage({ brand: HOSTILE, signedInAs: null, origin: HOSTILE, docs: true })],
  ['home, signed in', homePage({ brand: HOSTILE, signedInAs: HOSTILE, origin: HOSTILE, docs: false })],
  ['reference', reference()],
];

interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

const TAG = /<(\/?[a-z][a-z0-9]*)((?: [a-zA-Z-]+(?:="[^"<>]*")?)*)\/?>/g;

/** The tags of a page, and what is left of it without them, in which no bracket may stand. */
function read(page: string): { readonly tags: readonly Tag[]; readonly text: string } {
  const tags: Tag[] = [];
  const text = page.replace('<!doctype html>', '').replaceAll(TAG, (_, name: string, written: string) => {
    const pairs = [...written.matchAll(/ ([a-zA-Z-]+)(?:="([^"]*)")?/g)];
    tags.push({ name, attributes: new Map(pairs.map(([, key, value]) => [key ?? '', decode(value ?? '')])) });
    return '';
  });
  return { tags, text };
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

function inputs(page: string): readonly Tag[] {
  return read(page).tags.filter(
    ({ name, attributes }) =>
      name === 'input' && attributes.get('type') !== 'hidden' && !attributes.has('hidden'),
  );
}

const ELEMENTS = new Set(
  'html head meta title link body a header div span nav form button main h1 h2 h3 h4 p ul li dl dt dd section footer details summary label input code pre strong time svg rect path circle g'.split(
    ' ',
  ),
);

for (const [name, page] of PAGES) {
  describe(`the page "${name}"`, () => {
    const { tags, text } = read(page);

    test('shows hostile values as text and makes no markup of them', () => {
      assert.deepEqual([...text.matchAll(/[<>]/g)], [], 'a bracket outside of a tag');
      for (const tag of tags) assert(ELEMENTS.has(tag.name.replace('/', '')), tag.name);
      assert(decode(text).includes(HOSTILE));
    });

    test('has no script, no style of its own and no handler of events', () => {
      for (const { name: element, attributes } of tags) {
        assert(!['script', 'style'].includes(element));
        for (const attribute of attributes.keys())
          assert.doesNotMatch(attribute, /^(on.*|style|formaction|srcdoc)$/);
      }
    });

    test('leads to and loads from its own origin alone', () => {
      for (const { attributes } of tags) {
        for (const key of ['href', 'src', 'action', 'xlink:href']) {
          const url = attributes.get(key);
          if (url !== undefined) assert.match(url, /^(#[a-z0-9-]+|\/(?![/\\]).*)$/s);
        }
      }
    });

    test('sends every form by POST, to a path that is its own', () => {
      for (const { name: element, attributes } of tags) {
        if (element !== 'form') continue;
        assert.equal(attributes.get('method'), 'post');
        assert.match(attributes.get('action') ?? '', /^\/auth\/[a-z/-]+$/);
      }
    });

    test('ties a label to each input, and each reference to what is there', () => {
      const ids = tags.flatMap(({ attributes }) => attributes.get('id') ?? []);
      assert.equal(new Set(ids).size, ids.length, 'an id that stands twice');
      const labels = tags.flatMap(({ name: element, attributes }) =>
        element === 'label' ? (attributes.get('for') ?? []) : [],
      );
      assert.deepEqual(
        inputs(page).map(({ attributes }) => attributes.get('id')),
        labels,
      );
      for (const { attributes } of tags) {
        const described = attributes.get('aria-describedby')?.split(' ') ?? [];
        const labelled = attributes.get('aria-labelledby')?.split(' ') ?? [];
        const target = /^#(.+)$/.exec(attributes.get('href') ?? '')?.slice(1) ?? [];
        for (const id of [...described, ...labelled, ...target]) assert(ids.includes(id), id);
      }
    });

    test('is a whole document in English, with one heading of the first rank', () => {
      assert(page.startsWith('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'));
      assert.equal(tags.filter((tag) => tag.name === 'h1').length, 1);
      assert.equal(tags.filter((tag) => tag.name === 'main').length, 1);
      const hrefs = tags.flatMap((tag) => (tag.name === 'link' ? [tag.attributes.get('href')] : []));
      assert.deepEqual(hrefs, ['/auth/icon.svg', '/auth/style.css']);
    });

    test('masks every password, lets managers and paste fill it, and never sends one back (@asvs 6.2.6, @asvs 6.2.7)', () => {
      for (const { attributes } of inputs(page)) {
        const isPassword = attributes.get('name')?.includes('password') === true;
        assert.equal(attributes.get('type') === 'password', isPassword);
        if (!isPassword) continue;
        assert.match(attributes.get('autocomplete') ?? '', /^(current|new)-password$/);
        for (const attribute of ['value', 'maxlength', 'readonly', 'disabled', 'onpaste']) {
          assert(!attributes.has(attribute), attribute);
        }
      }
    });
  });
}

describe('a form', () => {
  const AUTOCOMPLETE: readonly [name: string, page: string, tokens: readonly string[]][] = [
    ['sign-up', signUp(null), ['username', 'name', 'new-password']],
    ['sign-in', signIn(null), ['username', 'current-password']],
    ['password', password(null), ['current-password', 'new-password']],
    ['reauthenticate', reauthenticate(null), ['current-password']],
    ['set-up', setup(null), ['username', 'name', 'new-password']],
  ];
  for (const [name, page, tokens] of AUTOCOMPLETE) {
    test(`"${name}" names its fields to password managers (@asvs 6.2.7)`, () => {
      assert.deepEqual(
        inputs(page).map(({ attributes }) => attributes.get('autocomplete')),
        tokens,
      );
    });
  }

  test('that asks only for a password tells a password manager whose it is, and does not send that', () => {
    for (const page of [password(null), reauthenticate(null)]) {
      const hints = read(page).tags.filter(
        ({ name, attributes }) => name === 'input' && attributes.has('hidden'),
      );
      assert.deepEqual(
        hints.map(({ attributes }) => [
          attributes.get('autocomplete'),
          attributes.get('value'),
          attributes.has('name'),
        ]),
        [['username', HOSTILE, false]],
      );
    }
  });

  test('says how long a password must be before the first try, and reads it out with the field (NIST SP 800-63B-4 §3.1.1.2)', () => {
    for (const make of [signUp, setup, password]) {
      for (const length of [15, 20]) {
        const page = make(null, length);
        const field = inputs(page).find(
          ({ attributes }) => attributes.get('autocomplete') === 'new-password',
        );
        assert(field !== undefined);
        assert.equal(field.attributes.get('minlength'), String(length));
        const hint = /<p class="hint" id="([a-z-]+)">([^<]*)<\/p>/.exec(page);
        assert.equal(field.attributes.get('aria-describedby'), hint?.[1]);
        assert.equal(
          hint?.[2],
          `At least ${length} characters. A few unrelated words work well; spaces and any characters are fine.`,
        );
      }
    }
  });

  test('carries where to go, and the set-up token, as plain hidden values', () => {
    const hiddenOf = (page: string): readonly (string | undefined)[][] =>
      read(page)
        .tags.filter(({ attributes }) => attributes.get('type') === 'hidden')
        .map(({ attributes }) => [attributes.get('name'), attributes.get('value')]);
    for (const page of [signUp(null), signIn(null), reauthenticate(null)]) {
      assert.deepEqual(hiddenOf(page), [['return_to', RETURN_TO]]);
    }
    assert.deepEqual(hiddenOf(setup(null)), [['token', HOSTILE]]);
    assert.deepEqual(hiddenOf(signInPage({ brand: 'B', values: VALUES, returnTo: null, problem: null })), []);
  });

  test('keeps where to go on the way between sign-in and sign-up', () => {
    const href = `?return_to=${new URLSearchParams({ r: RETURN_TO }).toString().slice(2)}"`;
    assert(signIn(null).includes(`href="/auth/sign-up${href}`));
    assert(signUp(null).includes(`href="/auth/sign-in${href}`));
    const lone = signInPage({ brand: 'B', values: VALUES, returnTo: '/\ud800', problem: null });
    assert(lone.includes('href="/auth/sign-up?return_to=%2F%EF%BF%BD"'));
  });

  test('says before the first try that it tells whether an address has an account', () => {
    assert(signUp(null).includes('If an address already has an account, this page says so'));
  });
});

describe('a form that was refused', () => {
  const problem = {
    summary: 'Two things are wrong',
    fields: { email: 'No address', password: 'Too short', other: 'Unknown' },
  };
  const page = signUpPage({
    brand: 'Acme',
    values: { email: 'a', name: '' },
    passwordLength: 15,
    returnTo: null,
    problem,
  });

  test('says so first in its title', () => {
    assert(page.includes('<title>Error: Create your account · Acme</title>'));
    for (const [name, text] of PAGES) {
      assert.equal(text.includes('<title>Error: '), name.endsWith('refused'), name);
    }
  });

  test('has a summary that is read out, takes the focus and links to the fields', () => {
    const summary =
      /<div class="summary" role="alert" tabindex="-1" autofocus>([\s\S]*?)<\/div>/.exec(page)?.[1] ?? '';
    assert(summary.includes('Two things are wrong'));
    assert(summary.includes('<a href="#email">No address</a>'));
    assert(summary.includes('<a href="#password">Too short</a>'));
    assert(summary.includes('<li>Unknown</li>'));
  });

  test('marks each wrong field, and says beside it what is wrong', () => {
    const [email, name, secret] = inputs(page).map(({ attributes }) => attributes);
    assert(email !== undefined && name !== undefined && secret !== undefined);
    assert.equal(email.get('aria-invalid'), 'true');
    assert.equal(email.get('aria-describedby'), 'email-error');
    assert.equal(email.get('value'), 'a');
    assert.equal(name.has('aria-invalid'), false);
    assert.equal(secret.get('aria-describedby'), 'password-hint password-error');
    assert(page.includes('<p class="field-error" id="password-error">Too short</p>'));
  });
});
