import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AnyShape, type Latchkey, latchkey, sqlite } from 'latchkey';
import { z } from 'zod';
import { ORIGIN, PASSWORD, TEST_SECRET } from './world.ts';

const schema = z.object({
  cart: z.array(z.string()).default([]),
  count: z.int().default(0),
  notice: z.string().max(20_000).optional(),
});

describe("a session's data", () => {
  let auth: Latchkey<AnyShape & { readonly data: z.infer<typeof schema> }>;
  before(async () => {
    auth = latchkey({ url: ORIGIN, secret: TEST_SECRET, store: sqlite(':memory:'), session: schema });
    await auth.ready();
  });
  after(() => auth.close());

  const request = (cookie: string | null, method = 'POST'): Request =>
    new Request(ORIGIN, {
      method,
      headers: { 'Sec-Fetch-Site': 'same-origin', ...(cookie === null ? {} : { Cookie: cookie }) },
    });

  /** Begins a session as a visitor's first write does. */
  async function begin(): Promise<string> {
    let cookie = '';
    const session = await auth.session(request(null), (value) => {
      cookie = value.split(';')[0] ?? '';
    });
    await session.set('count', 0);
    return cookie;
  }
  const none = (): void => assert.fail('no cookie is set for a session that exists');

  test('a visitor who writes nothing gets no session', async () => {
    const session = await auth.session(request(null), none);
    assert.deepEqual(await session.read(), { cart: [], count: 0 });
  });

  test('two first writes of one request begin one session', async () => {
    const cookies: string[] = [];
    const session = await auth.session(request(null), (value) => cookies.push(value));
    await Promise.all([session.set('count', 1), session.update('cart', (cart) => [...cart, 'tea'])]);
    assert.equal(cookies.length, 1);
    assert.deepEqual(await session.read(), { cart: ['tea'], count: 1 });
  });

  test('fifty writers of one key lose nothing of each other', async () => {
    const cookie = await begin();
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const session = await auth.session(request(cookie), none);
        await session.update('count', (count) => count + 1);
      }),
    );
    assert.equal(await (await auth.session(request(cookie), none)).get('count'), 50);
  });

  test('writers of two keys lose nothing of each other', async () => {
    const cookie = await begin();
    const session = await auth.session(request(cookie), none);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0
          ? session.update('count', (count) => count + 1)
          : session.update('cart', (cart) => [...cart, `item ${index}`]),
      ),
    );
    const data = await session.read();
    assert.equal(data.count, 10);
    assert.equal(data.cart.length, 10);
  });

  test('a notice is taken once, whoever else takes it at the same time', async () => {
    const cookie = await begin();
    const session = await auth.session(request(cookie), none);
    await session.set('notice', 'saved');
    const taken = await Promise.all(Array.from({ length: 10 }, () => session.take('notice')));
    assert.deepEqual(
      taken.filter((notice) => notice !== undefined),
      ['saved'],
    );
  });

  test('what does not fit the schema is refused, and nothing is written', async () => {
    const session = await auth.session(request(await begin()), none);
    await assert.rejects(session.set('count', 1.5), { code: 'LK_REQUEST_INVALID' });
    assert.equal(await session.get('count'), 0);
  });

  test('more than 16 kB are refused, and nothing is written', async () => {
    const session = await auth.session(request(await begin()), none);
    await assert.rejects(session.set('notice', 'x'.repeat(17_000)), { code: 'LK_REQUEST_INVALID' });
    assert.equal(await session.get('notice'), undefined);
  });

  test('many writers at once do not pass the limit together, and what is too much can be taken away', async () => {
    const big = latchkey({
      url: ORIGIN,
      secret: TEST_SECRET,
      store: sqlite(':memory:'),
      session: z.record(z.string(), z.string()),
    });
    let cookie = '';
    const session = await big.session(request(null), (value) => {
      cookie = value.split(';')[0] ?? '';
    });
    await session.set('first', 'x');
    const again = await big.session(request(cookie), none);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => again.set(`key${index}`, 'x'.repeat(7_000))),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2);
    assert.ok(JSON.stringify(await again.read()).length < 17_000);
    const kept = Object.keys(await again.read()).find((key) => key.startsWith('key'));
    await again.take(kept ?? '');
    await again.set('last', 'y'.repeat(7_000));
    await big.close();
  });

  test('a request with an Authorization header neither reads nor replaces the cookie (@incident B7)', async () => {
    const foreign = request(await begin());
    foreign.headers.set('Authorization', 'Basic eDp5');
    await assert.rejects(auth.session(foreign, none), { code: 'LK_CREDENTIAL_UNSUPPORTED' });
  });

  test('login gives another id and secret and keeps the data; sign-out ends them', async () => {
    const cookie = await begin();
    await (await auth.session(request(cookie), none)).set('cart', ['tea']);
    const signUp = new Request(`${ORIGIN}/auth/sign-up`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: cookie },
      body: JSON.stringify({ email: 'cart@example.com', password: PASSWORD }),
    });
    const response = await auth.handler(signUp);
    const after = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    assert.notEqual(after, cookie);
    assert.deepEqual(await (await auth.session(request(after), none)).get('cart'), ['tea']);
    const stale = await auth.session(request(cookie, 'GET'), none);
    assert.deepEqual(await stale.get('cart'), [], 'the session before login is no more');
  });

  test('a write to a session that ended meanwhile is refused', async () => {
    const cookie = await begin();
    const session = await auth.session(request(cookie), none);
    await auth.revoke({ all: true });
    await assert.rejects(session.set('count', 1), { code: 'LK_SESSION_REVOKED' });
  });

  test('an unsafe request of another site is refused, with a session and without', async () => {
    for (const cookie of [null, await begin()]) {
      const foreign = request(cookie);
      foreign.headers.set('Sec-Fetch-Site', 'cross-site');
      await assert.rejects(auth.session(foreign, none), { code: 'LK_ORIGIN_REFUSED' });
    }
  });
});
