import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import {
  LOOKS,
  listenForComplaints,
  look,
  OTHER_PASSWORD,
  openPage,
  PASSWORD,
  pathOf,
  serve,
  signIn,
  signUp,
  startBrowser,
} from './visit.ts';

/** Longer than is asked for, so that the browser sends it, and the first that anybody would guess. */
const COMMON_PASSWORD = 'passwordpassword';

const LEAST = 15;

const browser = await startBrowser();
after(() => browser.close());

describe('the pages without JavaScript', () => {
  const options = { javaScriptEnabled: false };

  test('A person signs up, sees their sessions, ends one, changes the password and signs out.', async (t) => {
    const server = await serve(t);
    const page = await openPage(t, browser, server, options);
    const elsewhere = await openPage(t, browser, server, options);
    const email = 'ada@example.com';

    await page.goto('/');
    await page.getByRole('link', { name: 'Create an account' }).click();
    await signUp(page, email, PASSWORD);
    assert.equal(pathOf(page), '/auth/account');
    assert.match((await page.getByRole('main').textContent()) ?? '', /ada@example\.com/);
    assert.equal(await page.locator('.session').count(), 1);

    await elsewhere.goto('/auth/account');
    await signIn(elsewhere, email, PASSWORD);
    assert.equal(pathOf(elsewhere), '/auth/account');
    assert.equal(await elsewhere.locator('.session').count(), 2);

    await page.reload();
    assert.equal(await page.locator('.session').count(), 2);
    assert.equal(await page.locator('.session').getByText('This session', { exact: true }).count(), 1);
    await page.getByRole('button', { name: /^End session/ }).click();
    assert.equal(await page.getByRole('status').textContent(), 'The session has ended.');
    assert.equal(await page.locator('.session').count(), 1);
    await elsewhere.goto('/auth/account');
    assert.equal(pathOf(elsewhere), '/auth/sign-in?return_to=%2Fauth%2Faccount');

    assert.equal(await elsewhere.getByText('You are signed out here: sign in again.').count(), 1);

    await signIn(elsewhere, email, PASSWORD);
    assert.equal(pathOf(elsewhere), '/auth/account');
    await page.getByRole('link', { name: 'Change password' }).click();
    await page.getByLabel('Current password').fill(PASSWORD);
    await page.getByLabel('New password').fill(OTHER_PASSWORD);
    await page.getByRole('button', { name: 'Change password' }).click();
    assert.match((await page.getByRole('status').textContent()) ?? '', /^The password is changed/);
    await elsewhere.goto('/auth/account');
    assert.equal(pathOf(elsewhere), '/auth/sign-in?return_to=%2Fauth%2Faccount');
    await signIn(elsewhere, email, PASSWORD);
    assert.equal(pathOf(elsewhere), '/auth/sign-in');
    await signIn(elsewhere, email, OTHER_PASSWORD);
    assert.equal(pathOf(elsewhere), '/auth/account');

    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'You are signed out');
    await page.goto('/auth/account');
    assert.equal(pathOf(page), '/auth/sign-in?return_to=%2Fauth%2Faccount');
    assert.equal(await page.getByText('You are signed out here').count(), 0, 'who signed out knows');
  });

  test('The sign-up page says what it asks for before the first try, and keeps the address but never the password.', async (t) => {
    const server = await serve(t);
    const page = await openPage(t, browser, server, options);
    await page.goto('/auth/sign-up');
    const password = page.getByLabel('Password');
    assert.match((await page.locator('#password-hint').textContent()) ?? '', /^At least 15 characters\./);
    assert.equal(await password.getAttribute('aria-describedby'), 'password-hint');
    assert.equal(await password.getAttribute('minlength'), String(LEAST));

    await signUp(page, 'grace@example.com', COMMON_PASSWORD);
    assert.match(await page.title(), /^Error: /);
    assert.equal(await password.getAttribute('aria-invalid'), 'true');
    assert.equal(await page.getByLabel('Email').inputValue(), 'grace@example.com');
    assert.equal(await password.inputValue(), '');
    assert.doesNotMatch(await page.content(), new RegExp(COMMON_PASSWORD));

    await password.fill(PASSWORD);
    await page.getByRole('button', { name: 'Create account' }).click();
    assert.equal(pathOf(page), '/auth/account');
  });

  test('The set-up link makes an administrator once, and says so when it is opened again.', async (t) => {
    const server = await serve(t);
    const page = await openPage(t, browser, server, options);
    const link = server.setupLink ?? assert.fail('the server printed no link');
    // Looking at it, as a mail program or a chat does, spends nothing.
    await page.goto(link);
    await page.goto(link);
    await page.getByLabel('Email').fill('root@example.com');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create administrator' }).click();
    assert.equal(pathOf(page), '/auth/account');
    assert.equal(await page.getByText('Administrator', { exact: true }).count(), 1);

    const elsewhere = await openPage(t, browser, server, options);
    await elsewhere.goto(link);
    assert.equal(
      await elsewhere.getByRole('heading', { level: 1 }).textContent(),
      'This link no longer works',
    );
    assert.equal(await elsewhere.getByRole('textbox').count(), 0);
  });
});

describe('the pages by keyboard alone', () => {
  /** Presses Tab until the element has the focus; each stop on the way has to be seen. */
  async function tabTo(page: Page, selector: string): Promise<void> {
    for (let presses = 0; presses < 20; presses += 1) {
      await page.keyboard.press('Tab');
      const seen = await page.locator(':focus').evaluate((element) => {
        const style = getComputedStyle(element);
        const outlined = style.outlineStyle !== 'none' && Number.parseFloat(style.outlineWidth) >= 2;
        const { top, width, height } = element.getBoundingClientRect();
        return (outlined || style.boxShadow !== 'none') && top >= 0 && width > 0 && height > 0;
      });
      assert.ok(seen, `the focus is seen at stop ${presses + 1}`);
      if ((await page.locator(`${selector}:focus`).count()) === 1) return;
    }
    assert.fail(`Tab does not lead to ${selector}`);
  }

  test('A person signs in with Tab and Enter, sees where the focus is, and is led to what is wrong.', async (t) => {
    const server = await serve(t);
    const email = 'joan@example.com';
    const first = await openPage(t, browser, server, {});
    await first.goto('/auth/sign-up');
    await signUp(first, email, PASSWORD);

    const page = await openPage(t, browser, server, { reducedMotion: 'reduce' });
    await page.goto('/auth/sign-in');
    await tabTo(page, '#email');
    await page.keyboard.type(email);
    await tabTo(page, '#password');
    await page.keyboard.type(OTHER_PASSWORD);
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    assert.equal(pathOf(page), '/auth/sign-in');
    await page.locator('.summary:focus').waitFor();

    assert.equal(await page.getByLabel('Email').inputValue(), email);
    await tabTo(page, '#password');
    await page.keyboard.type(PASSWORD);
    await Promise.all([page.waitForURL('**/auth/account'), page.keyboard.press('Enter')]);
    await tabTo(page, 'a[href="/auth/password"]');
    await Promise.all([page.waitForURL('**/auth/password'), page.keyboard.press('Enter')]);
  });
});

describe('the pages as they are seen', () => {
  /** What nobody should have to scroll on a laptop. */
  const WHOLE: ReadonlySet<string> = new Set([
    'setup',
    'sign-in',
    'sign-in-refused',
    'sign-in-again',
    'sign-up',
    'sign-up-refused',
    'password',
    'reauthenticate',
    'sign-out',
    'signed-out',
  ]);

  async function check(page: Page, name: string, complaints: readonly string[]): Promise<void> {
    assert.deepEqual(complaints, [], `the browser complains of nothing on ${name}`);
    for (const view of LOOKS) {
      const where = `${name}, ${view.name}`;
      await look(page, name, view);
      const { wanted, tall } = await page.evaluate(() => ({
        wanted: document.documentElement.scrollWidth,
        tall: document.documentElement.scrollHeight,
      }));
      assert.ok(wanted <= view.width, `${where}: nothing is wider than the window`);
      // 800, as `look` sets it.
      assert.ok(tall <= 800 || view.width < 1280 || !WHOLE.has(name), `${where}: ${tall} px are seen whole`);
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      const found = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
      );
      assert.deepEqual(found, [], where);
    }
  }

  test('No page that a visitor sees has a barrier or is wider than the window, in any look.', async (t) => {
    const server = await serve(t);
    const page = await openPage(t, browser, server, {});
    const complaints = listenForComplaints(page);
    const visit = async (name: string, path: string): Promise<void> => {
      await page.goto(path);
      await check(page, name, complaints);
    };
    await visit('home', '/');
    await visit('setup', server.setupLink ?? assert.fail('the server printed no link'));
    await visit('setup-spent', '/auth/setup?token=unknown');
    await visit('not-found', '/auth/nothing-here');
    await visit('sign-in', '/auth/sign-in');
    await signIn(page, 'nobody@example.com', PASSWORD);
    await check(page, 'sign-in-refused', complaints);
    await page.context().addCookies([{ name: `latchkey-${server.port}`, value: 'gone', url: server.url }]);
    await visit('sign-in-again', '/auth/sign-in');
    assert.equal(await page.getByText('You are signed out here').count(), 1);
    await page.context().clearCookies();
    await visit('sign-up', '/auth/sign-up');
    await signUp(page, 'a-rather-long-address-of-somebody@department.example.com', COMMON_PASSWORD);
    await check(page, 'sign-up-refused', complaints);
  });

  test('No page that a signed-in person sees has a barrier or is wider than the window, in any look.', async (t) => {
    const server = await serve(t);
    const email = 'a-rather-long-address-of-somebody@department.example.com';
    const page = await openPage(t, browser, server, {});
    const elsewhere = await openPage(t, browser, server, {});
    const complaints = listenForComplaints(page);
    await elsewhere.goto(server.setupLink ?? assert.fail('the server printed no link'));
    await elsewhere.getByLabel('Email').fill(email);
    await elsewhere.getByLabel('Name').fill('Mary Somerville-Cunningham');
    await elsewhere.getByLabel('Password').fill(PASSWORD);
    await elsewhere.getByRole('button', { name: 'Create administrator' }).click();
    await page.goto('/auth/sign-in');
    await signIn(page, email, PASSWORD);
    await check(page, 'account', complaints);
    const visit = async (name: string, path: string): Promise<void> => {
      await page.goto(path);
      await check(page, name, complaints);
    };
    await visit('home-signed-in', '/');
    await visit('password', '/auth/password');
    await visit('reauthenticate', '/auth/reauthenticate');
    await visit('sign-out', '/auth/sign-out');
    await page.getByRole('main').getByRole('button', { name: 'Sign out' }).click();
    await check(page, 'signed-out', complaints);
  });

  test('The API reference has no barrier and is not wider than the window, folded and unfolded.', async (t) => {
    const server = await serve(t);
    const page = await openPage(t, browser, server, {});
    const complaints = listenForComplaints(page);
    await page.goto('/docs');
    await check(page, 'docs', complaints);
    await page.locator('details.operation > summary').first().click();
    await check(page, 'docs-unfolded', complaints);
  });
});
