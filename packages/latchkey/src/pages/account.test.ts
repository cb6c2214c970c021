import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CookiePrincipal } from '@latchkey/verify';
import type { Person } from '../flows/person.ts';
import { findId } from '../foundation/ids.ts';
import { type AccountView, accountPage, type SessionView } from './account.ts';
import { keyOf } from './art.ts';

const NOW = Date.UTC(2026, 10, 23, 9, 14);
const HERE = 'AZr4k2mXcQqk3yT0v8FhXw';
const THERE = 'AZr3k2mXcQqk9bZ1cPWo1A';

function person(name: string | null, roles: readonly string[]): Person {
  const user = findId<'user'>(THERE);
  const session = findId<'session'>(HERE);
  assert(user !== null && session !== null);
  const principal: CookiePrincipal = {
    kind: 'user',
    id: user,
    user: { id: user, email: 'Ada@example.com', name, emailVerified: false, roles, fields: {} },
    session: { id: session, client: 'web', mode: 'session', createdAt: NOW, expiresAt: NOW + 86_400_000 },
    claims: {},
    via: 'cookie',
    acr: 'aal1',
    amr: ['pwd'],
    authTime: NOW - 60_000,
    expiresAt: NOW,
  };
  return { principal, user: principal.user, session: principal.session };
}

const CURRENT: SessionView = {
  id: HERE,
  current: true,
  client: 'web',
  device: 'Firefox on Linux',
  ip: '192.0.2.17',
  createdAt: NOW,
  lastSeenAt: NOW + 60_000,
};
const OTHER: SessionView = {
  ...CURRENT,
  id: THERE,
  current: false,
  device: null,
  ip: null,
  lastSeenAt: null,
};

function page(view: Partial<AccountView>): string {
  const whole = {
    brand: 'Acme',
    person: person('Ada', []),
    sessions: [CURRENT],
    moreHref: null,
    notice: null,
  };
  return accountPage({ ...whole, ...view });
}

describe('the account page', () => {
  test('says who is signed in, when they last proved it, and when the session ends', () => {
    const text = page({});
    assert(text.includes('<h2 id="identity">Ada</h2>'));
    assert(text.includes('<p>Ada<wbr>@example.<wbr>com</p>'));
    assert(text.includes('<dt>Password last entered</dt><dd><time datetime="2026-11-23T09:13:00.000Z">'));
    assert(text.includes('<dt>This session ends by</dt><dd><time datetime="2026-11-24T09:14:00.000Z">'));
    assert(page({ person: person(null, []) }).includes('<h2 id="identity">Ada<wbr>@example.<wbr>com</h2>'));
  });

  test('shows who is an administrator, by that role alone', () => {
    const badge = '<span class="badge">Administrator</span>';
    assert(page({ person: person('Ada', ['administrator', 'editor']) }).includes(badge));
    assert(!page({ person: person('Ada', ['administrators', 'editor']) }).includes(badge));
  });

  test('says of each session where it is, when it began and when it was last seen', () => {
    const text = page({ sessions: [CURRENT, OTHER] });
    assert(
      text.includes(
        '<dt>Signed in</dt><dd><time datetime="2026-11-23T09:14:00.000Z">23 Nov 2026, 09:14 UTC</time>',
      ),
    );
    assert(text.includes('<dt>Last seen</dt><dd><time datetime="2026-11-23T09:15:00.000Z">'));
    assert(text.includes('<dt>Address</dt><dd>192.0.2.17</dd>'));
    assert(text.includes('<h3>Unknown device</h3>'));
    assert(text.includes('<dt>Last seen</dt><dd>Not since then</dd>'));
    assert(text.includes('<dt>Address</dt><dd>Unknown</dd>'));
  });

  test('marks the present session and has no button to end it in the list', () => {
    const rows = page({ sessions: [CURRENT, OTHER] })
      .split('<li class="session')
      .slice(1);
    const [current = '', other = ''] = rows.map((row) => row.split('</li>')[0]);
    assert(current.includes('This session') && !current.includes('<form'));
    assert(!other.includes('This session'));
    assert(other.includes('<form method="post" action="/auth/account/end-session">'));
    assert(other.includes(`<input type="hidden" name="session" value="${THERE}">`));
  });

  test('tells the buttons of the list apart for those who hear them', () => {
    const named = { ...OTHER, device: 'Safari on iPhone' };
    assert.match(
      page({ sessions: [CURRENT, named] }),
      /<button>End session<span class="unseen"> on Safari on iPhone, signed in <time/,
    );
  });

  const ALONE: readonly [name: string, view: Partial<AccountView>, others: boolean][] = [
    ['only the present session', { sessions: [CURRENT] }, false],
    ['another session', { sessions: [CURRENT, OTHER] }, true],
    ['further pages', { sessions: [CURRENT], moreHref: '/auth/account?cursor=x' }, true],
    ['a later page, without the present session', { sessions: [OTHER] }, true],
  ];
  for (const [name, view, others] of ALONE) {
    test(`${others ? 'offers' : 'does not offer'} to end all others where there is ${name}`, () => {
      const text = page(view);
      assert.equal(text.includes('action="/auth/account/end-others"'), others);
      assert.equal(text.includes('You are signed in here and nowhere else.'), !others);
    });
  }

  test('names the client only where it tells sessions apart', () => {
    assert(!page({ sessions: [CURRENT, OTHER] }).includes('<dt>Client</dt>'));
    const text = page({ sessions: [CURRENT, { ...OTHER, client: 'mobile' }] });
    assert(text.includes('<dt>Client</dt><dd>web</dd>') && text.includes('<dt>Client</dt><dd>mobile</dd>'));
  });

  test('leads to older sessions on its own origin alone', () => {
    assert(page({ moreHref: '/auth/account?cursor=x' }).includes('href="/auth/account?cursor=x"'));
    assert(!page({}).includes('Older sessions'));
    assert.throws(() => page({ moreHref: 'javascript:alert(1)' }), TypeError);
  });

  test('leads to the password and to sign-out', () => {
    assert(page({}).includes('href="/auth/password"'));
    assert.equal(page({}).split('action="/auth/sign-out"').length - 1, 2);
  });

  test('says what was done as a status, and what went wrong as an alert', () => {
    assert(
      page({ notice: { kind: 'done', text: 'Ended.' } }).includes(
        '<p class="notice done" role="status">Ended.</p>',
      ),
    );
    const problem = page({ notice: { kind: 'problem', text: 'Not ended.' } });
    assert(problem.includes('<p class="notice problem" role="alert">Not ended.</p>'));
  });
});

describe('the key beside a session', () => {
  test('is always the same for one session, and differs between two', () => {
    assert.equal(keyOf(HERE).toString(), keyOf(HERE).toString());
    assert.notEqual(keyOf(HERE).toString(), keyOf(THERE).toString());
  });

  test('is drawn with numbers alone, whatever the id holds', () => {
    for (const id of ['', 'a', '"><script>', '😀'.repeat(9)]) {
      for (const [, path] of keyOf(id)
        .toString()
        .matchAll(/ d="([^"]*)"/g))
        assert.match(path ?? '', /^[MLHVZaz0-9 .-]+$/);
    }
  });
});
