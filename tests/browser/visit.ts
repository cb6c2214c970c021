import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { startServer, type TestServer, temporaryFolder } from '../server/process.ts';

/** A password that the server takes. */
export const PASSWORD = 'gravel lantern teaspoon';
export const OTHER_PASSWORD = 'walnut harbour umbrella';

/** Where tests keep what they saw. */
export const SCREENSHOTS = fileURLToPath(new URL('../../test-results/browser/', import.meta.url));

/** A machine with two busy cores may be slow; a page that takes longer does not come. */
const LONGEST_MS = 15_000;

/** Starts the Chromium that `LATCHKEY_CHROMIUM` names, or Debian's. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['LATCHKEY_CHROMIUM'] ?? '/usr/bin/chromium',
    // None of them makes a page weaker or stronger: the browser asks nobody but the test's server.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Starts a server with nobody in it, for the time of one test. */
export async function serve(t: TestContext): Promise<TestServer> {
  const folder = temporaryFolder();
  const server = await startServer(folder.path);
  t.after(async () => {
    await server.end('SIGTERM');
    folder.remove();
  });
  return server;
}

/** Opens a page with cookies of its own, as another person's browser, for the time of one test. */
export async function openPage(
  t: TestContext,
  browser: Browser,
  server: TestServer,
  options: BrowserContextOptions,
): Promise<Page> {
  const context = await browser.newContext({ baseURL: server.url, ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(LONGEST_MS);
  return context.newPage();
}

/** Fills in the form of the sign-up page, and sends it. */
export async function signUp(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Create account' }).click();
}

/** Fills in the form of the sign-in page, and sends it. */
export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click();
}

/** Where a page is, without its origin. */
export function pathOf(page: Page): string {
  const { pathname, search } = new URL(page.url());
  return pathname + search;
}

/** A width and a colour scheme in which a page is looked at. */
export interface Look {
  readonly name: string;
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

export const LOOKS: readonly Look[] = [
  { name: '1280-light', width: 1280, colorScheme: 'light' },
  { name: '1280-dark', width: 1280, colorScheme: 'dark' },
  { name: '360-light', width: 360, colorScheme: 'light' },
  { name: '360-dark', width: 360, colorScheme: 'dark' },
];

/** Changes how the page is looked at, and keeps a picture of it for people. */
export async function look(page: Page, name: string, view: Look): Promise<void> {
  await page.setViewportSize({ width: view.width, height: 800 });
  await page.emulateMedia({ colorScheme: view.colorScheme, reducedMotion: 'reduce' });
  await page.screenshot({ path: `${SCREENSHOTS}${name}-${view.name}.png`, fullPage: true });
}

/**
 * Collects what a browser complains of while a page is used. That a document
 * itself was answered with an error is no complaint: some of the pages are such.
 */
export function listenForComplaints(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const ofDocument = message.location().url === page.url();
    if (ofDocument && /^Failed to load resource: .*status of 4\d\d/.test(message.text())) return;
    complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`not loaded: ${request.url()}`));
  return complaints;
}
