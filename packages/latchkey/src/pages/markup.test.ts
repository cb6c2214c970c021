import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raw } from 'hono/html';
import { html, ownPath } from './markup.ts';

test('text is escaped, and a piece of HTML is not escaped twice', () => {
  const inner = html`<b>${'<&"\'>'}</b>`;
  assert.equal(
    html`<p>${inner}${[inner, 1, null]}</p>`.toString().match(/<b>&lt;&amp;&quot;&#39;&gt;<\/b>/g)?.length,
    2,
  );
});

test('a part that would have to be waited for is refused', () => {
  const waits = raw('x', [() => Promise.resolve('y')]);
  assert.throws(() => html`<p>${waits}</p>`, TypeError);
});

const ELSEWHERE = [
  'javascript:alert(1)',
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '',
  'auth/account',
  ' /x',
];

test('a path of our own passes, and nothing that could lead elsewhere does', () => {
  assert.equal(ownPath('/auth/account?cursor=x'), '/auth/account?cursor=x');
  assert.equal(ownPath('/'), '/');
  for (const text of ELSEWHERE) assert.throws(() => ownPath(text), TypeError, text);
});
