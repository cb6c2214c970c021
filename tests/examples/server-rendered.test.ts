import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../tools/own-server.mjs';
import { TEST_SECRET } from '../http/world.ts';
import { type Running, startUntil, temporaryFolder } from '../server/process.ts';

const APP = fileURLToPath(new URL('../../examples/server-rendered/server.ts', import.meta.url));
const PASSWORD = 'lantern orchid gravel seven';

describe('examples/server-rendered', () => {
  const folder = temporaryFolder();
  let app: Running;
  let url: string;
  before(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    const environment = {
      PORT: String(port),
      LATCHKEY_SECRET: TEST_SECRET,
      DATABASE: join(folder.path, 'shop.db'),
    };
    app = await startUntil(APP, [], environment, /The shop is ready/);
  });
  after(async () => {
    await app.end('SIGTERM');
    folder.remove();
  });

  /** Somebody's browser: it keeps one cookie and follows no redirect. */
  class Browser {
    cookie = '';

    async send(path: string, init: RequestInit = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      if (!headers.has('Accept')) headers.set('Accept', 'text/html');
      if (this.cookie !== '') headers.set('Cookie', this.cookie);
      const response = await fetch(`${url}${path}`, { ...init, redirect: 'manual', headers });
      const [line] = response.headers.getSetCookie();
      if (line !== undefined) this.cookie = line.slice(0, line.indexOf(';'));
      return response;
    }

    get(path: string): Promise<Response> {
      return this.send(path);
    }

    /** The text of a page that is there. */
    async read(path: string): Promise<string> {
      const response = await this.get(path);
      assert.equal(response.status, 200, path);
      return response.text();
    }

    post(path: string, fields: Record<string, string> = {}, site = 'same-origin'): Promise<Response> {
      const headers = { 'Sec-Fetch-Site': site };
      return this.send(path, { method: 'POST', headers, body: new URLSearchParams(fields) });
    }

    async put(...skus: readonly string[]): Promise<void> {
      for (const sku of skus) leads(await this.post('/cart', { sku }), '/cart');
    }

    signUp(email: string): Promise<Response> {
      return this.post('/auth/sign-up', { email, password: PASSWORD, return_to: '/checkout' });
    }

    /** Orders what is in the cart. */
    async order(address: string): Promise<string> {
      const response = await this.post('/orders', { address });
      assert.equal(response.status, 303);
      const path = response.headers.get('location') ?? '';
      assert.match(path, /^\/orders\/[0-9a-f-]{36}$/);
      return path;
    }
  }

  const leads = (response: Response, path: string): void => {
    assert.equal(response.status, 303);
    assert.equal(response.headers.get('location'), path);
  };
  /** What a table of lines says, without its markup: name, packets, price. */
  const linesIn = (text: string): readonly string[][] =>
    [
      ...text.matchAll(
        /<th scope="row">([^<]+)<\/th><td class="number">(\d+)<\/td><td class="number">€ ([\d.]+)</g,
      ),
    ].map(([, name = '', count = '', price = '']) => [name, count, price]);

  test('has a server of fewer than 150 lines', () => {
    assert.ok(readFileSync(APP, 'utf8').trimEnd().split('\n').length < 150);
  });

  test('begins no session for a visitor who only looks', async () => {
    for (const path of ['/', '/cart', '/style.css']) {
      const response = await new Browser().get(path);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('set-cookie'), null, path);
    }
  });

  test('keeps a cart for a visitor, and takes out of it again', async () => {
    const visitor = new Browser();
    await visitor.put('assam', 'mint', 'assam');
    assert.match(visitor.cookie, /^latchkey-\d+=lkc_/);
    assert.deepEqual(linesIn(await visitor.read('/cart')), [
      ['Assam', '2', '23.00'],
      ['Mint &amp; verbena', '1', '7.90'],
    ]);
    leads(await visitor.post('/cart/remove', { sku: 'assam' }), '/cart');
    leads(await visitor.post('/cart/remove', { sku: 'mint' }), '/cart');
    leads(await visitor.post('/cart/remove', { sku: 'mint' }), '/cart');
    assert.deepEqual(linesIn(await visitor.read('/cart')), [['Assam', '1', '11.50']]);
    assert.match(
      await new Browser().read('/cart'),
      /There is nothing in it yet/,
      'another visitor has another cart',
    );
  });

  test('loses nothing that is put into one cart at the same time', async () => {
    const visitor = new Browser();
    await visitor.put('mint');
    await Promise.all(Array.from({ length: 8 }, () => visitor.post('/cart', { sku: 'sencha' })));
    assert.deepEqual(
      linesIn(await visitor.read('/cart')).map(([name, count]) => [name, count]),
      [
        ['Sencha', '8'],
        ['Mint &amp; verbena', '1'],
      ],
    );
  });

  test('says a notice once', async () => {
    const visitor = new Browser();
    await visitor.put('mint');
    assert.match(
      await visitor.read('/cart'),
      /<p class="notice" role="status">Mint &amp; verbena is in your cart\.<\/p>/,
    );
    assert.doesNotMatch(await visitor.read('/cart'), /role="status"/);
  });

  test('leads a visitor from the checkout to the sign-in page and back, with the cart', async () => {
    const visitor = new Browser();
    await visitor.put('oolong');
    leads(await visitor.get('/checkout'), '/auth/sign-in?return_to=%2Fcheckout');
    const before = visitor.cookie;
    leads(await visitor.signUp('ada@example.com'), '/checkout');
    assert.notEqual(visitor.cookie, before);
    const checkout = await visitor.read('/checkout');
    assert.match(checkout, /signed in as <strong>ada@example\.com<\/strong>/);
    assert.deepEqual(linesIn(checkout), [['Tie Guan Yin', '1', '18.90']]);

    const thief = new Browser();
    thief.cookie = before;
    assert.deepEqual(
      linesIn(await thief.read('/cart')),
      [],
      'the session before sign-in is dead, and its data with it',
    );

    const later = new Browser();
    await later.put('sencha');
    leads(
      await later.post('/auth/sign-in', { email: 'ada@example.com', password: PASSWORD, return_to: '/cart' }),
      '/cart',
    );
    assert.deepEqual(linesIn(await later.read('/cart')), [['Sencha', '1', '14.90']]);
  });

  test('takes an order once, however often the button is pressed, and empties the cart', async () => {
    const customer = new Browser();
    await customer.put('assam', 'mint');
    await customer.signUp('twice@example.com');
    const answers = await Promise.all([1, 2, 3].map(() => customer.post('/orders', { address: 'Here' })));
    const places = answers.map((response) => response.headers.get('location') ?? '');
    assert.equal(places.filter((place) => place.startsWith('/orders/')).length, 1);
    assert.equal(places.filter((place) => place === '/cart').length, 2);
    const order = await customer.read(places.find((place) => place.startsWith('/orders/')) ?? '');
    assert.match(order, /role="status">Thank you\./);
    assert.deepEqual(linesIn(order), [
      ['Assam', '1', '11.50'],
      ['Mint &amp; verbena', '1', '7.90'],
    ]);
    assert.match(await customer.read('/cart'), /There is nothing in it yet/);
    leads(await customer.get('/checkout'), '/cart');
  });

  test('asks again for an order that says no address, and keeps the cart', async () => {
    const customer = new Browser();
    await customer.put('assam');
    await customer.signUp('nowhere@example.com');
    for (const address of ['', '  ', 'x'.repeat(501)]) {
      leads(await customer.post('/orders', { address }), '/checkout');
      assert.match(await customer.read('/checkout'), /role="status">Please say where/);
    }
    assert.equal(linesIn(await customer.read('/checkout')).length, 1);
  });

  test('shows an order to whoever made it and to nobody else', async () => {
    const customer = new Browser();
    await customer.put('assam');
    await customer.signUp('owner@example.com');
    const path = await customer.order('1 Harbour Street');
    assert.match(await customer.read(path), /1 Harbour Street/);

    const other = new Browser();
    await other.signUp('other@example.com');
    assert.equal((await other.get(path)).status, 403);
    assert.equal((await other.get('/orders/00000000-0000-4000-8000-000000000000')).status, 404);
    leads(await new Browser().get(path), `/auth/sign-in?return_to=${encodeURIComponent(path)}`);

    await customer.post('/auth/sign-out');
    assert.notEqual((await customer.get(path)).status, 200);
  });

  test('tells a program what is wrong instead of leading it to a page', async () => {
    const response = await fetch(`${url}/checkout`, { redirect: 'manual' });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
  });

  test('writes what people typed as text', async () => {
    const customer = new Browser();
    await customer.put('mint');
    await customer.signUp('markup@example.com');
    const text = await customer.read(await customer.order(`</p><script>alert("1")</script>'&`));
    assert.doesNotMatch(text, /<script/);
    assert.ok(text.includes('&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;'));
  });

  const UNSAFE = ['/cart', '/cart/remove', '/orders'];
  const ELSEWHERE: readonly Record<string, string>[] = [
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    {},
  ];
  for (const path of UNSAFE) {
    test(`refuses at ${path} what another site has a visitor send, and changes nothing (@incident C1)`, async () => {
      const customer = new Browser();
      await customer.put('assam');
      await customer.signUp(`cross${UNSAFE.indexOf(path)}@example.com`);
      await customer.read('/cart');
      for (const headers of ELSEWHERE) {
        const body = new URLSearchParams({ sku: 'assam', address: 'Somewhere' });
        const response = await customer.send(path, { method: 'POST', headers, body });
        assert.equal(response.status, 403, JSON.stringify(headers));
        assert.equal(response.headers.get('set-cookie'), null);
        const visitor = new Browser();
        assert.notEqual((await visitor.send(path, { method: 'POST', headers, body })).status, 303);
        assert.equal(visitor.cookie, '', 'nor does it begin a session');
      }
      assert.deepEqual(linesIn(await customer.read('/cart')), [['Assam', '1', '11.50']]);
    });
  }

  const UNREADABLE: readonly (readonly [status: number, path: string, type: string, body: string])[] = [
    [400, '/cart', 'application/x-www-form-urlencoded', 'sku=diamonds'],
    [400, '/cart', 'application/x-www-form-urlencoded', 'sku=assam&sku=mint'],
    [400, '/cart', 'application/x-www-form-urlencoded', ''],
    [400, '/cart', 'application/json', '{"sku":"assam"}'],
    [400, '/cart/remove', 'application/x-www-form-urlencoded', 'sku[]=assam'],
    [413, '/cart', 'application/x-www-form-urlencoded', `sku=${'x'.repeat(17_000)}`],
  ];
  for (const [status, path, type, body] of UNREADABLE) {
    test(`answers ${status} to ${type} with ${body.slice(0, 24)} at ${path}`, async () => {
      const headers = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': type };
      const response = await new Browser().send(path, { method: 'POST', headers, body });
      assert.equal(response.status, status);
      assert.match(await response.text(), /<h1>That did not work<\/h1>/);
    });
  }

  test('stops filling a cart that is full', async () => {
    const visitor = new Browser();
    for (let count = 0; count < 51; count += 1) await visitor.put('mint');
    const text = await visitor.read('/cart');
    assert.deepEqual(linesIn(text), [['Mint &amp; verbena', '50', '395.00']]);
    assert.match(text, /role="status">Your cart is full\./);
  });

  test('has pages that run nothing, load nothing from elsewhere and are kept by no cache', async () => {
    for (const path of ['/', '/cart', '/nothing']) {
      const response = await new Browser().get(path);
      const policy = response.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.equal(response.headers.get('x-powered-by'), null);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      assert.equal(response.headers.get('referrer-policy'), 'same-origin');
      assert.doesNotMatch(await response.text(), /<script|\son\w+=|style=|https?:/);
    }
  });

  test('has pages that can be heard: a language, one heading, a label for each field, names that differ', async () => {
    const customer = new Browser();
    await customer.put('assam', 'mint');
    await customer.signUp('heard@example.com');
    for (const path of ['/', '/cart', '/checkout']) {
      const text = await customer.read(path);
      assert.match(text, /<html lang="en">/);
      assert.match(text, /<title>[^<]+ · Leaf &amp; Latch<\/title>/);
      assert.equal(text.match(/<h1>/g)?.length, 1, path);
      for (const [, id] of text.matchAll(/<(?:textarea|input(?! type="hidden"))[^>]* id="(\w+)"/g)) {
        assert.ok(text.includes(`<label for="${id}">`), `${path} ${id}`);
      }
      const names = [...text.matchAll(/<button[^>]*>(.*?)<\/button>/g)].map(([, name]) => name);
      assert.equal(new Set(names).size, names.length, path);
    }
  });

  test('prints no secret and no fault', () => {
    assert.equal(app.output.stderr, '');
    assert.doesNotMatch(app.output.stdout, /lkc_|lantern|@example\.com/);
  });
});
