import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { codeOf, openWorld, type World } from '../http/world.ts';
import { statusOf } from './scene.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe("the secret in a session's cookie", () => {
  let world: World;
  let name: string;
  let value: string;
  before(async () => {
    world = await openWorld({ nearCache: { life: '0ms' } });
    const visit = world.browser();
    await visit.signUp('secret@example.com');
    [name = '', value = ''] = (visit.cookie ?? '').split('=');
  });
  after(() => world.auth.close());
  const statusWith = (text: string): Promise<number> => statusOf(world, `${name}=${text}`);

  test('is 256 random bits in canonical base64url beside an id, another at each sign-in (@asvs 7.2.2, 7.2.3)', async () => {
    const secrets = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      const visit = world.browser();
      await visit.signUp(`secret-${index}@example.com`);
      const match = /^latchkey-3000=lkc_([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/.exec(visit.cookie ?? '');
      assert.ok(match !== null, 'the form of the cookie');
      const bytes = Buffer.from(match[2] ?? '', 'base64url');
      assert.equal(bytes.length, 32);
      assert.equal(bytes.toString('base64url'), match[2]);
      secrets.add(bytes.toString('hex'));
    }
    assert.equal(secrets.size, 20);
    // Of 640 random bytes, some 235 of the 256 values occur; fewer than 200 is no accident.
    const bytes = Buffer.from([...secrets].join(''), 'hex');
    assert.ok(new Set(bytes).size > 200, `${new Set(bytes).size} values`);
  });

  test('counts in every character (@asvs 7.2.3)', async () => {
    assert.equal(await statusWith(value), 200);
    for (let index = 0; index < value.length; index += 1) {
      const at = ALPHABET.indexOf(value[index] ?? '');
      for (const flip of [1, 2, 32]) {
        const other = at === -1 ? 'A' : ALPHABET[at ^ flip];
        const changed = `${value.slice(0, index)}${other}${value.slice(index + 1)}`;
        assert.equal(await statusWith(changed), 401, `character ${index}, bit ${flip}`);
      }
    }
  });

  test('has one spelling (@asvs 7.2.3)', async () => {
    const [id = '', secret = ''] = value.slice(4).split('.');
    const last = ALPHABET.indexOf(secret.at(-1) ?? '');
    const lastOfId = ALPHABET.indexOf(id.at(-1) ?? '');
    const spellings = [
      // The bits left over in the last character.
      `lkc_${id}.${secret.slice(0, -1)}${ALPHABET[last | 1]}`,
      `lkc_${id}.${secret.slice(0, -1)}${ALPHABET[last | 2]}`,
      `lkc_${id.slice(0, -1)}${ALPHABET[lastOfId | 1]}.${secret}`,
      `${value}=`,
      `${value}==`,
      `${value}A`,
      `${value}.`,
      `${value}%3D`,
      `"${value}"`,
      value.slice(4),
      value.toUpperCase(),
      value.toLowerCase(),
      value.replace('lkc_', 'LKC_'),
      value.replace('.', '%2E'),
      value.replace('.', ''),
      `lkc_${Buffer.from(id, 'base64url').toString('hex')}.${secret}`,
      `lkc_${id}.${Buffer.from(secret, 'base64url').toString('hex')}`,
      `lkc_${id}.`,
      `lkc_.${secret}`,
      '',
      'lkc_',
      `${value}\u00a0`,
      `\u00a0${value}`,
    ];
    for (const spelling of spellings) {
      assert.equal(await statusWith(spelling), 401, JSON.stringify(spelling.replace(secret, '…')));
    }
    assert.equal(await statusWith(`${value} `), 200, 'white space around it is no part of a cookie');
  });

  test('opens its own session alone (@asvs 7.2.1, @asvs 7.2.3)', async () => {
    const other = world.browser();
    await other.signUp('secret-other@example.com');
    const [, theirs = ''] = (other.cookie ?? '').split('=');
    const [mine, secret] = value.split('.');
    const [their, theirSecret] = theirs.split('.');
    assert.equal(await statusWith(`${mine}.${theirSecret}`), 401);
    assert.equal(await statusWith(`${their}.${secret}`), 401);
  });

  test('what is wrong with a cookie is not told (@asvs 7.2.1)', async () => {
    const answers = new Set<string>();
    for (const text of [`${value.slice(0, -4)}AAAA`, `lkc_${'A'.repeat(22)}.${'A'.repeat(43)}`, 'x', '']) {
      const visit = world.browser();
      visit.cookie = `${name}=${text}`;
      const response = await visit.get('/auth/me');
      answers.add(`${response.status} ${response.headers.get('www-authenticate')} ${await codeOf(response)}`);
    }
    assert.deepEqual([...answers], ['401 Bearer LK_UNAUTHENTICATED']);
  });
});
