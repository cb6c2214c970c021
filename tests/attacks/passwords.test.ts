import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { COMMON_PASSWORDS } from '../../packages/latchkey/src/identity/common-passwords.ts';
import {
  bodyOf,
  codeOf,
  OTHER_PASSWORD,
  openWorld,
  PASSWORD,
  type Visit,
  type World,
} from '../http/world.ts';
import { inside } from './scene.ts';

let world: World;
let people = 0;
before(async () => {
  world = await openWorld({ password: { contextWords: ['latchkey', 'acme'] } });
});
after(() => world.auth.close());

function newAddress(): string {
  people += 1;
  return `q${people}@example.org`;
}

async function someone(password = PASSWORD): Promise<{ readonly email: string; readonly visit: Visit }> {
  const email = newAddress();
  const visit = world.browser();
  await visit.signUp(email, password);
  return { email, visit };
}

async function signsIn(email: string, password: string): Promise<boolean> {
  const { status } = await world.browser().post('/auth/sign-in', { email, password });
  assert.ok(status === 200 || status === 401, String(status));
  return status === 200;
}

/** What the store keeps of somebody's password. */
async function hashOf(email: string): Promise<unknown> {
  const user = await world.store.users.findByEmail(email);
  assert.ok(user !== null);
  return world.store.passwords.find(user.id);
}

function post(path: string, json: unknown): Promise<Response> {
  return world.browser().post(path, json);
}

async function tokenOfLink(): Promise<string> {
  const link = await world.auth.setupLink();
  return new URL(link?.reveal() ?? '').searchParams.get('token') ?? '';
}

/** Everywhere where somebody chooses a password. */
const DOORS: readonly [name: string, choose: (password: string) => Promise<Response>][] = [
  ['sign-up', async (password) => world.browser().post('/auth/sign-up', { email: newAddress(), password })],
  [
    'the change of a password',
    async (password) => {
      const { visit } = await someone();
      return visit.post('/auth/password', { current_password: PASSWORD, new_password: password });
    },
  ],
  [
    'set-up',
    async (password) => {
      const body = { token: await tokenOfLink(), email: newAddress(), password };
      return world.browser().post('/auth/setup', body);
    },
  ],
];

/** A sample of the blocklist, spread over all of it, each made long enough as people do. */
const SAMPLE = [...COMMON_PASSWORDS]
  .filter((_, index) => index % 160 === 7)
  .map((entry, index) => {
    const long = entry.length >= 15 ? entry : entry.repeat(Math.ceil(15 / entry.length));
    return index % 2 === 0 ? long : `${long.toUpperCase()}!`;
  });

async function reasonOf(response: Response): Promise<string> {
  assert.equal(response.status, 400);
  const problem = await bodyOf(response);
  assert.equal(problem['code'], 'LK_PASSWORD_REFUSED');
  assert.match(String(problem['detail']), /^(Use|This) .*\.$/, 'it says what to do instead');
  return String(problem['reason']);
}

describe('a password that is chosen', () => {
  for (const [door, choose] of DOORS) {
    test(`must not be on the blocklist, nor like it, at ${door}; the reason is told (@asvs 6.2.4, 6.2.12, @nist 3.1.1.2)`, async () => {
      assert.ok(SAMPLE.length > 25);
      for (const password of SAMPLE) assert.equal(await reasonOf(await choose(password)), 'common', password);
    });

    test(`must not consist of words that anyone would try here, at ${door} (@asvs 6.1.2, 6.2.11)`, async () => {
      assert.equal(await reasonOf(await choose('acmeacmeacme2026')), 'context');
    });

    test(`has 15 code points or more, at ${door} (@asvs 6.2.1, @nist 3.1.1.2(1))`, async () => {
      assert.equal(await reasonOf(await choose('zqxvkjw')), 'too_short');
      assert.equal(await reasonOf(await choose('zqxvkjwm')), 'too_short');
      assert.equal(await reasonOf(await choose('zqxvkjwmpfybdl')), 'too_short');
      assert.equal(await reasonOf(await choose('🦊🐙🦉🐝🦀🐳🦔🐌🦚🐢🦜🐘🦩🐿')), 'too_short');
    });
  }

  for (const password of [
    'zqxvkjwmpfybdlt',
    '🦊🐙🦉🐝🦀🐳🦔🐌🦚🐢🦜🐘🦩🐿🦥',
    'seven green bicycles',
    '583920174625830',
    'the password inside a long phrase',
  ]) {
    test(`may be of any characters: ${password} (@asvs 6.2.1, 6.2.5, @nist 3.1.1.2(5))`, async () => {
      const { email } = await someone(password);
      assert.ok(await signsIn(email, password));
    });
  }

  test('may be 64 characters long and more, of one byte or of four (@asvs 6.2.9, @nist 3.1.1.2(2))', async () => {
    const ascii = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(33 + ((index * 37) % 90)));
    const wide = Array.from({ length: 64 }, (_, index) => String.fromCodePoint(0x1f400 + ((index * 7) % 63)));
    for (const password of [ascii.join(''), wide.join('')]) {
      const { email } = await someone(password);
      assert.ok(await signsIn(email, password));
    }
  });

  test('has no half characters, of which two would be one', async () => {
    const response = await world.browser().send('POST', '/auth/sign-up', {
      body: `{"email":"${newAddress()}","password":"lantern orchid gravel \\ud800"}`,
      headers: { 'Content-Type': 'application/json' },
    });
    assert.equal(response.status, 400);
    await assert.rejects(
      world.auth.users.create({ email: newAddress(), password: 'lantern orchid gravel \ud800' }),
      { code: 'LK_REQUEST_INVALID' },
    );
  });
});

describe('a password is verified', () => {
  const long = (length: number): string => 'lantern orchid gravel seven '.repeat(40).slice(0, length - 1);
  const PAIRS: readonly [what: string, right: string, wrong: string][] = [
    ...[73, 128, 1_024].map((length): [string, string, string] => [
      `to the last of ${length} bytes`,
      `${long(length)}a`,
      `${long(length)}b`,
    ]),
    ['behind a NUL', 'lantern\0orchid gravel', 'lantern\0orchid travel'],
    ['with its last space', 'lantern orchid gravel ', 'lantern orchid gravel'],
    ['with its first space', ' lantern orchid gravel', 'lantern orchid gravel'],
    ['in its case', 'Lantern Orchid Gravel', 'lantern orchid gravel'],
    ['in its compatibility forms', 'lantern orchid ﬁeld', 'lantern orchid field'],
  ];
  for (const [what, right, wrong] of PAIRS) {
    test(`${what} (@asvs 6.2.8, @nist 3.1.1.2(9))`, async () => {
      const { email } = await someone(right);
      assert.equal(await signsIn(email, wrong), false);
      assert.equal(await signsIn(email, right), true);
    });
  }

  test('whichever keyboard composed its letters (@nist NFC)', async () => {
    const composed = 'crème brûlée à volonté';
    const decomposed = composed.normalize('NFD');
    assert.notEqual(composed, decomposed);
    for (const [chosen, typed] of [
      [decomposed, composed],
      [composed, decomposed],
    ] as const) {
      const { email } = await someone(chosen);
      assert.ok(await signsIn(email, typed));
    }
  });

  test('ten years later without having been changed (@asvs 6.2.10, @nist 3.1.1.2(6))', async () => {
    const later = await openWorld();
    await later.browser().signUp('old@example.org');
    later.clock.advance(10 * 365.25 * 86_400_000);
    const response = await later.browser().signIn('old@example.org');
    const { user } = await bodyOf(response);
    assert.equal(inside(user, 'email'), 'old@example.org');
    await later.auth.close();
  });

  test('without a look at what is longer than any, which may have been written to be slow (@incident D2)', async (t) => {
    const { email } = await someone();
    const { mock } = t.mock.method(String.prototype, 'normalize');
    // Normalised, it would take half a second of everybody's time.
    assert.equal(await signsIn(email, '\u0301'.repeat(15_000) + '\u0316'.repeat(15_000)), false);
    const lengths = mock.calls.map(({ this: text }) => String(text).length);
    assert.deepEqual(
      lengths.filter((length) => length >= 30_000),
      [],
    );
  });
});

describe('the change of a password', () => {
  const CHANGES: readonly [what: string, body: Record<string, unknown>, status: number][] = [
    ['without the current one', { new_password: OTHER_PASSWORD }, 400],
    ['without a new one', { current_password: PASSWORD }, 400],
    ['with an empty current one', { current_password: '', new_password: OTHER_PASSWORD }, 400],
    ['with a wrong current one', { current_password: `${PASSWORD} `, new_password: OTHER_PASSWORD }, 401],
    ['with null', { current_password: null, new_password: OTHER_PASSWORD }, 400],
    ['to the same', { current_password: PASSWORD, new_password: PASSWORD }, 400],
  ];
  for (const [what, body, status] of CHANGES) {
    test(`${what} is refused, and the hash is what it was (@asvs 6.2.2, 6.2.3)`, async () => {
      const { email, visit } = await someone();
      const held = await hashOf(email);
      const response = await visit.post('/auth/password', body);
      assert.equal(response.status, status);
      assert.deepEqual(await hashOf(email), held);
      assert.ok(await signsIn(email, PASSWORD));
    });
  }
});

describe('an address that only looks like another', () => {
  const OWNED = ['mike@example.com', 'kate@example.com', 'office@example.com', 'admin@github.example'];
  const LOOKALIKES = [
    'mıke@example.com',
    'MİKE@example.com',
    'mike@exampıe.com',
    'miKe@example.com'.replace('K', '\u212a'),
    '\u212aate@example.com',
    'oﬀice@example.com',
    'ｍike@example.com',
    'mike@ｅxample.com',
    'mi\u200dke@example.com',
    'mi\u200bke@example.com',
    'mike\u200f@example.com',
    '\u202emike@example.com',
    'mіke@example.com',
    'admin@gıthub.example',
    'mike@example.com\0',
    ' mike@example.com',
    'mike@example。com',
  ];

  test('takes nobody over and makes no second account (@incident O5)', async () => {
    for (const email of OWNED) await world.browser().signUp(email);
    const before = await world.store.users.count();
    for (const email of LOOKALIKES) {
      const body = { email, password: PASSWORD };
      const signUp = await world.browser().post('/auth/sign-up', { email, password: OTHER_PASSWORD });
      assert.equal(signUp.status, 400, JSON.stringify(email));
      assert.equal(await codeOf(signUp), 'LK_REQUEST_INVALID');
      const signIn = await world.browser().post('/auth/sign-in', body);
      assert.equal(signIn.status, 400, JSON.stringify(email));
      assert.equal(signIn.headers.getSetCookie().length, 0);
    }
    assert.equal(await world.store.users.count(), before);
    for (const email of OWNED) assert.ok(await signsIn(email.toUpperCase(), PASSWORD));
  });

  test('is the same where only the ASCII case or the spelling of the domain differs (@incident O5)', async () => {
    await world.browser().signUp('Zoë@Bücher.example');
    for (const email of ['zoë@bücher.example', 'Zoë@xn--bcher-kva.example', 'zoë@XN--BCHER-KVA.EXAMPLE']) {
      const again = await world.browser().post('/auth/sign-up', { email, password: OTHER_PASSWORD });
      assert.equal(again.status, 409);
      const { user } = await bodyOf(await world.browser().signIn(email));
      assert.equal(inside(user, 'email'), 'Zoë@Bücher.example', 'shown and mailed as its owner wrote it');
    }
  });
});

describe('a text that could be two addresses', () => {
  const ADDRESSES: readonly unknown[] = [
    '"e@attacker.com"@victim.com',
    '"e@attacker.com "@victim.com',
    'ada@attacker.com@victim.com',
    'ada@attacker.com(@victim.com)',
    'Ada <ada@example.com>',
    'ada%attacker.com@victim.com',
    'a@x.example,b@y.example',
    'a@x.example;b@y.example',
    'a@x.example b@y.example',
    'a@x.example\nb@y.example',
    'a@x.example\r\nBcc: b@y.example',
    'a@x.example%0ab@y.example',
    ['a@x.example', 'b@y.example'],
    { 0: 'a@x.example' },
    null,
    7,
  ];
  for (const email of ADDRESSES) {
    test(`is refused: ${JSON.stringify(email)} (@incident N3, N4)`, async () => {
      for (const path of ['/auth/sign-up', '/auth/sign-in', '/auth/setup']) {
        const token = path === '/auth/setup' ? { token: await tokenOfLink() } : {};
        const response = await post(path, { ...token, email, password: PASSWORD });
        assert.equal(response.status, 400);
        assert.equal(await codeOf(response), 'LK_REQUEST_INVALID');
      }
    });
  }

  test('is refused as a field of a form that stands twice (@incident N4)', async () => {
    for (const body of ['email=a%40x.example&email=b%40y.example', 'email%5B%5D=a%40x.example']) {
      const response = await world.browser().send('POST', '/auth/sign-up', {
        body: `${body}&password=${encodeURIComponent(PASSWORD)}`,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      });
      assert.equal(response.status, 400);
    }
  });
});
