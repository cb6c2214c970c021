import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { ORIGIN, openWorld, PASSWORD, type World } from '../http/world.ts';
import { send } from './scene.ts';

const LISTED = 'https://shop.example';

const HOSTILE = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  '/%09/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '//evil.example/..',
  '/.//evil.example',
  '/..//evil.example',
  '/x/..//evil.example',
  '/./\\evil.example',
  'http:evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:\\\\evil.example',
  'https://evil.example',
  'HTTPS://EVIL.EXAMPLE',
  'ht\ntps://evil.example',
  'javascript:alert(1)',
  'java\nscript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'data:text/html,evil',
  'vbscript:evil',
  'file:///etc/passwd',
  'blob:http://localhost:3000/evil',
  `blob:${LISTED}/evil`,
  'blob:http://localhost:3000\\@evil.example',
  'filesystem:http://localhost:3000/evil',
  'http://localhost:3000@evil.example/',
  'http://evil.example@localhost:3000/',
  'http://user:evil@localhost:3000/',
  'http://localhost:3000.evil.example/',
  'http://localhost:30000/',
  'https://localhost:3000/',
  'http://localhost/',
  'http://localhost:3000\\.evil.example',
  'http://localhost:3000%2eevil.example',
  `${LISTED}.evil.example`,
  `${LISTED}@evil.example`,
  `https://evil@shop.example`,
  'http://shop.example',
  'https://shop.example:8443',
  '/auth/account\r\nSet-Cookie: evil=1',
  '/auth/account%0d%0aSet-Cookie:%20evil=1',
  '/\u2028/evil.example',
  '\u0000//evil.example',
  '//\u3002evil.example',
  '/\uff0fevil.example',
  '\uff0f\uff0fevil.example',
  '//[::1]',
  'http://[::1',
  'http://%',
  '%2f%2fevil.example',
  '?//evil.example',
  '#//evil.example',
  ';//evil.example',
  '',
  '/',
  '.',
  '\ud800',
  'x'.repeat(10_000),
  `/${'a'.repeat(2_048)}`,
];

describe('where a sign-in leads', () => {
  let world: World;
  let cookie: string;
  before(async () => {
    world = await openWorld({ origins: [LISTED] });
    const visit = world.browser();
    await visit.signUp('redirect@example.com');
    cookie = visit.cookie ?? '';
  });
  after(() => world.auth.close());

  /** The location as a browser understands it. */
  const leadsHome = (response: Response, text: string): void => {
    assert.equal(response.status, 303, JSON.stringify(text));
    const location = response.headers.get('location') ?? '';
    const url = new URL(location, `${ORIGIN}/auth/sign-in`);
    assert.ok([ORIGIN, LISTED].includes(url.origin), `${JSON.stringify(text)} leads to ${location}`);
    assert.ok(['http:', 'https:'].includes(url.protocol), location);
    assert.doesNotMatch(location, /^\/[/\\]/);
    assert.doesNotMatch(location.split(/[?#]/)[0] ?? '', /[\t\n\r\\]/);
    assert.deepEqual([url.username, url.password], ['', '']);
  };
  const page = (text: string, path = '/auth/sign-in'): Promise<Response> =>
    send(world.auth, `${path}?${new URLSearchParams({ return_to: text }).toString()}`, {
      headers: { Cookie: cookie },
    });
  const form = (text: string): Promise<Response> =>
    send(world.auth, '/auth/sign-in', {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        email: 'redirect@example.com',
        password: PASSWORD,
        return_to: text,
      }).toString(),
    });

  for (const text of HOSTILE) {
    test(`is never elsewhere: ${JSON.stringify(text).slice(0, 60)} (@incident N5, @incident S2, @asvs 3.7.2)`, async () => {
      leadsHome(await page(text), text);
      leadsHome(await page(text, '/auth/sign-up'), text);
      leadsHome(await form(text), text);
    });
  }

  for (const [text, location] of [
    ['/notes?a=1#b', '/notes?a=1#b'],
    [`${ORIGIN}/notes`, '/notes'],
    [`${LISTED}/cart`, `${LISTED}/cart`],
    ['https://evil.example', '/auth/account'],
    ['//evil.example', '/auth/account'],
    ['/.//evil.example', '/auth/account'],
    ['http://user:evil@localhost:3000/', '/auth/account'],
    ['blob:http://localhost:3000/evil', '/auth/account'],
  ] as const) {
    test(`is ${location} for ${text} (@asvs 3.7.2)`, async () => {
      assert.equal((await page(text)).headers.get('location'), location);
      assert.equal((await form(text)).headers.get('location'), location);
    });
  }

  test('is shown on the page only where it is safe (@incident S2)', async () => {
    for (const text of HOSTILE) {
      for (const path of ['/auth/sign-in', '/auth/sign-up']) {
        const response = await send(
          world.auth,
          `${path}?${new URLSearchParams({ return_to: text }).toString()}`,
          {},
        );
        assert.equal(response.status, 200);
        const hidden = /name="return_to" value="([^"]*)"/.exec(await response.text())?.[1] ?? '';
        const url = new URL(hidden.replaceAll('&amp;', '&'), `${ORIGIN}/`);
        assert.ok([ORIGIN, LISTED].includes(url.origin), `${JSON.stringify(text)}: ${hidden}`);
      }
    }
  });

  test('is answered for ten thousand URLs of any shape (@incident N5, @incident S2)', async () => {
    const part = fc.constantFrom(
      '/',
      '\\',
      ':',
      '@',
      '?',
      '#',
      '.',
      '%',
      '%2f',
      '%5c',
      '\t',
      '\n',
      ' ',
      'http',
      'https',
      'javascript',
      'blob',
      'localhost:3000',
      'shop.example',
      'evil.example',
      '[',
      ']',
      '\u0000',
      '\ud800',
      '\u00ad',
    );
    const url = fc.oneof(
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.webUrl(),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(url, async (text) => {
        leadsHome(await page(text), text);
      }),
      { numRuns: 10_000, seed: 5 },
    );
  });
});
