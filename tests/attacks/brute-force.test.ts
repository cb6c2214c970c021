import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bodyOf, OTHER_PASSWORD, openWorld, PASSWORD } from '../http/world.ts';
import { type Composed, cheapArgon2, composed } from './composed.ts';

/** No limit but the one of consecutive failures. */
const UNTHROTTLED = {
  network: { attempts: 1_000_000, within: '1m' },
  account: { attempts: 1_000_000, within: '10m' },
} as const;

/** NIST SP 800-63B-4 §3.2.2. */
const CEILING = 100;

let networks = 0;
/** An address of another network each time. */
function elsewhere(): string {
  networks += 1;
  return `10.${(networks >> 16) & 0xff}.${(networks >> 8) & 0xff}.${networks & 0xff}`;
}

/** Signs in from another network each time, and answers the status. */
async function attempt(target: Composed, email: string, password: string): Promise<number> {
  return (await target.post('/auth/sign-in', { email, password }, elsewhere())).status;
}

async function fail(target: Composed, email: string, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    assert.equal(await attempt(target, email, `${OTHER_PASSWORD} ${time}`), 401);
  }
}

/** How often each code was the real reason of a refusal since the events were last forgotten. */
function refusals(target: Composed): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const { type, code = '' } of target.events) {
    if (type.endsWith('_refused')) codes[code] = (codes[code] ?? 0) + 1;
  }
  return codes;
}

describe('guessing, past every rate', () => {
  let target: Composed;
  before(async () => {
    target = await composed({ throttle: UNTHROTTLED }, (usual) => usual, cheapArgon2);
  });
  after(() => target.close());

  async function signUp(name: string): Promise<string> {
    const email = `${name}@example.com`;
    const response = await target.post('/auth/sign-up', { email, password: PASSWORD }, elsewhere());
    assert.equal(response.status, 201);
    target.events.length = 0;
    return email;
  }

  test('10,000 attempts at one account from 10,000 networks: 100 are looked at, and then the right one fails too (@asvs 6.3.1, @nist 3.2.2)', async () => {
    const email = await signUp('many');
    await fail(target, email, 10_000);
    assert.deepEqual(refusals(target), {
      LK_PASSWORD_WRONG: CEILING,
      LK_PASSWORD_DISABLED: 10_000 - CEILING,
    });
    assert.equal(await attempt(target, email, PASSWORD), 401);
  });

  test('the hundredth attempt may be right, and what succeeds starts the count again (@nist 3.2.2)', async () => {
    const email = await signUp('again');
    for (let round = 0; round < 3; round += 1) {
      await fail(target, email, CEILING - 1);
      assert.equal(await attempt(target, email, PASSWORD), 200);
    }
    await fail(target, email, CEILING);
    assert.equal(await attempt(target, email, PASSWORD), 401, 'attempt 101');
  });

  test('30 attempts at once, five before the limit, do not pass it together (@nist 3.2.2)', async () => {
    const email = await signUp('at-once');
    await fail(target, email, CEILING - 5);
    target.events.length = 0;
    await Promise.all(Array.from({ length: 30 }, () => attempt(target, email, OTHER_PASSWORD)));
    assert.deepEqual(refusals(target), { LK_PASSWORD_WRONG: 5, LK_PASSWORD_DISABLED: 25 });
    const told = target.events.filter(({ type }) => type === 'password_disabled');
    assert.equal(told.length, 1, 'an operator is told once, and of whom');
    assert.ok(told[0]?.user !== undefined);
    const rights = await Promise.all(Array.from({ length: 30 }, () => attempt(target, email, PASSWORD)));
    assert.ok(rights.every((status) => status === 401));
  });

  test('an address that nobody has is answered as one that has failed too often (@nist 3.2.2, @asvs 6.3.8)', async () => {
    const known = await signUp('known');
    const answers: unknown[][] = [];
    for (const email of [known, 'nobody@example.com']) {
      const seen: unknown[] = [];
      for (let time = 0; time < CEILING + 5; time += 1) {
        const response = await target.post('/auth/sign-in', { email, password: OTHER_PASSWORD }, elsewhere());
        const { request_id: _, ...body } = await bodyOf(response);
        response.headers.delete('x-request-id');
        seen.push({ status: response.status, headers: [...response.headers], body });
      }
      answers.push(seen);
    }
    assert.deepEqual(answers[0], answers[1]);
  });

  test('one account that is guessed at leaves the others alone', async () => {
    const [victim, other] = [await signUp('victim'), await signUp('other')];
    await fail(target, victim, CEILING);
    assert.equal(await attempt(target, other, PASSWORD), 200);
  });
});

describe('guessing, within the default rates', () => {
  for (const [what, email, peer, allowed] of [
    ['at 10,000 accounts from one network', (n: number) => `user${n}@example.com`, () => '192.0.2.1', 60],
    [
      'at 10,000 accounts from one IPv6 network',
      (n: number) => `six${n}@example.com`,
      (n: number) => `2001:db8::${n.toString(16)}`,
      60,
    ],
    ['at one account from 10,000 networks', () => 'victim@example.com', elsewhere, 10],
  ] as const) {
    test(`10,000 attempts ${what}: ${allowed} are looked at (@asvs 6.3.1)`, async () => {
      let looked = 0;
      const target = await composed(
        {},
        (usual) => ({
          ...usual,
          dummy: async () => {
            looked += 1;
            return false;
          },
        }),
        cheapArgon2,
      );
      for (let number = 0; number < 10_000; number += 1) {
        const body = { email: email(number), password: OTHER_PASSWORD };
        const response = await target.post('/auth/sign-in', body, peer(number));
        assert.equal(response.status, number < allowed ? 401 : 429);
        if (number >= allowed) assert.ok(Number(response.headers.get('retry-after')) > 0);
      }
      assert.equal(looked, allowed);
      await target.close();
    });
  }
});

describe('a password that has failed too often', () => {
  test('is let in again by whoever runs the deployment (@nist 3.2.2)', async () => {
    const world = await openWorld();
    const body = { email: 'locked@example.com', password: PASSWORD };
    await world.browser().signUp(body.email);
    const wrong = { ...body, password: OTHER_PASSWORD };
    for (let time = 0; time < CEILING; time += 1) await world.browser().post('/auth/sign-in', wrong);
    assert.equal((await world.browser().post('/auth/sign-in', body)).status, 401);
    await world.auth.users.unlock('LOCKED@example.com');
    assert.equal((await world.browser().post('/auth/sign-in', body)).status, 200);
    await world.auth.close();
  });

  test('has failed as much where somebody signed in was asked for it (@asvs 6.3.1)', async () => {
    const world = await openWorld();
    const visit = world.browser();
    await visit.signUp('inside@example.com');
    for (let time = 0; time < CEILING / 2; time += 1) {
      const change = { current_password: OTHER_PASSWORD, new_password: `${OTHER_PASSWORD} ${time}` };
      assert.equal((await visit.post('/auth/password', change)).status, 401);
      assert.equal((await visit.post('/auth/reauthenticate', { password: OTHER_PASSWORD })).status, 401);
    }
    assert.equal((await visit.post('/auth/reauthenticate', { password: PASSWORD })).status, 401);
    const body = { email: 'inside@example.com', password: PASSWORD };
    assert.equal((await world.browser().post('/auth/sign-in', body)).status, 401);
    await world.auth.close();
  });
});
