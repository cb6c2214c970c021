import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { type Running, startUntil, temporaryFolder } from '../server/process.ts';
import { LOOKS, type Look, listenForComplaints, SCREENSHOTS, startBrowser } from './visit.ts';

/*
 * The demo as a stranger sees it: `npm run demo`, in a browser.
 */

const DEMO = fileURLToPath(new URL('../../examples/microservices/demo/main.ts', import.meta.url));
/** `log.maxStaleness` of the demo's issuer, in seconds. */
const BOUND = 10;
/** A machine with two busy cores starts eight programs. */
const PATIENCE_MS = 40_000;

const browser = await startBrowser();
after(() => browser.close());

interface Demo {
  readonly running: Running;
  readonly port: number;
  /** Where it makes its temporary folder. */
  readonly folder: string;
}

async function startDemo(t: TestContext, ...args: readonly string[]): Promise<Demo> {
  const folder = temporaryFolder();
  const environment = { PORT: '0', TMPDIR: folder.path };
  const running = await startUntil(DEMO, args, environment, /The demo is ready at/);
  t.after(async () => {
    if (running.child.exitCode === null && running.child.signalCode === null) await running.end('SIGTERM');
    folder.remove();
  });
  const [, port] = /http:\/\/localhost:(\d+)/.exec(running.output.stdout) ?? [];
  return { running, port: Number(port), folder: folder.path };
}

async function openDemo(t: TestContext, { port }: Demo): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  t.after(() => context.close());
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.goto(`http://localhost:${port}/`);
  return page;
}

/** Waits until a service answers so. */
async function answers(page: Page, names: readonly string[], answer: string): Promise<void> {
  for (const name of names) await page.waitForSelector(`[data-lamp=${name}][data-answer=${answer}]`);
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).textContent()) ?? '';
}

/** Waits until something on the page says so. */
async function says(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: pattern }).first().waitFor({ state: 'attached' });
}

/** What a lamp says that it took, in seconds. */
async function tookOf(page: Page, name: string): Promise<number> {
  const text = await textOf(page, `[data-lamp=${name}] .figure strong`);
  const [, amount, unit] = /^([\d.]+) (ms|s)$/.exec(text) ?? assert.fail(`${name} says ${text}`);
  return Number(amount) / (unit === 'ms' ? 1_000 : 1);
}

const PHONE: readonly Look[] = [
  { name: '390-light', width: 390, colorScheme: 'light' },
  { name: '390-dark', width: 390, colorScheme: 'dark' },
];

/** Where things stand in the window, as it is before anybody scrolls. */
function placesOf(page: Page) {
  return page.evaluate(() => {
    const rects = (selector: string) =>
      [...document.querySelectorAll(selector)]
        .map((element) => element.getBoundingClientRect())
        .filter(({ height }) => height > 0)
        .map(({ left, top, bottom }) => ({ left, top, bottom }));
    const { scrollWidth, scrollHeight } = document.documentElement;
    return {
      wide: scrollWidth - window.innerWidth,
      long: scrollHeight - window.innerHeight,
      fold: window.innerHeight,
      lamps: rects('.lamp'),
      strips: rects('.strip'),
      panels: rects('.panel'),
      outcome: rects('#outcome'),
    };
  });
}

type Places = Awaited<ReturnType<typeof placesOf>>;

/** At 1280 × 800 all of the page is seen at once, and the lamps are in line. */
function seenAtOnce(places: Places, where: string): void {
  assert.equal(places.panels.length, 2, where);
  for (const { bottom } of [...places.lamps, ...places.panels])
    assert.ok(bottom <= places.fold, `${where}: nothing is below the fold`);
  assert.equal(places.long, 0, `${where}: there is nothing to scroll`);
  assert.equal(new Set(places.strips.map(({ top }) => top)).size, 1, `${where}: the strips are in line`);
}

/** On a phone the lamps stand two by two, and the receipt's outcome below them, all without scrolling. */
function seenOnPhone({ lamps, outcome, fold }: Places, where: string): void {
  assert.equal(lamps.length, 4, where);
  const sides = [lamps.map(({ left }) => left), lamps.map(({ top }) => top)].map(
    (side) => new Set(side).size,
  );
  assert.deepEqual(sides, [2, 2], `${where}: the lamps are two by two`);
  assert.equal(outcome.length, 1, where);
  for (const { bottom } of [...lamps, ...outcome])
    assert.ok(bottom <= fold, `${where}: ${bottom} is above the fold`);
}

/** Keeps a picture in each look, and finds no barrier and nothing out of the window or out of line. */
async function look(page: Page, name: string): Promise<void> {
  for (const view of [...LOOKS, ...PHONE]) {
    await page.setViewportSize({ width: view.width, height: 800 });
    await page.emulateMedia({ colorScheme: view.colorScheme, reducedMotion: 'reduce' });
    const path = join(SCREENSHOTS, `demo-${name}-${view.name}.png`);
    await page.screenshot({ path, fullPage: view.width < 1_000 });
    const where = `${name}, ${view.name}`;
    const places = await placesOf(page);
    assert.ok(places.wide <= 0, `${where}: nothing is wider than the window`);
    if (view.width === 1_280) seenAtOnce(places, where);
    if (view.width === 390) seenOnPhone(places, where);
  }
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    [],
    name,
  );
  await page.setViewportSize({ width: 1_280, height: 800 });
}

/** Ids of all processes below one. */
function below(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  if (children === '') return [];
  return children
    .split(' ')
    .map(Number)
    .flatMap((child) => [child, ...below(child)]);
}

async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      // Its own name stands in parentheses; Z is what nobody has asked after yet.
      if (/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return;
    } catch {
      return;
    }
    await sleep(20);
  }
}

describe('the demo', () => {
  test('Revoke turns all who follow red, the control stays green; a cut wire is named, and stops by the bound.', async (t) => {
    const demo = await startDemo(t);
    const page = await openDemo(t, demo);
    const complaints = listenForComplaints(page);
    await answers(page, ['shop', 'orders', 'control'], 'accepts');
    const hasPython = (await page.locator('[data-lamp=python]', { hasText: 'Not here' }).count()) === 0;
    const others = hasPython ? ['shop', 'python'] : ['shop'];
    await answers(page, others, 'accepts');
    await says(page, '#telling', /^Everybody lets Ada in/);
    assert.match(await textOf(page, '.intro'), /^Ada has signed in once\. (?:Four.* three|Three.* two) /);
    await look(page, '1-green');
    const strips = (await placesOf(page)).strips;

    // By keyboard: the focus stays where it is though there is nothing left to press.
    await page.locator('#revoke').focus();
    await page.keyboard.press('Enter');
    await answers(page, [...others, 'orders'], 'refuses');
    await says(page, '#outcome', /^Settled: all followers have confirmed\.$/);
    await says(page, '#telling', /^Revoked: all who follow the log refuse, .*Control still lets Ada in/);
    for (const name of [...others, 'orders']) {
      const took = await tookOf(page, name);
      t.diagnostic(`${name}: ${took * 1_000} ms`);
      assert.ok(took < BOUND, `${name} took ${took} s`);
    }
    await says(page, '[data-lamp=orders] .figure', /Its open stream ended: \d/);
    // Any token that she holds has ended by then, and the one at the control before.
    await says(page, '#dead', /^by [\d:]{8} at the latest, in (?:10|9):\d\d, as tokens expire$/);
    const rows = await page.locator('#followers tr').allTextContents();
    assert.match(rows[0] ?? '', /^Latchkey \(.*\)none(?:just now|\d\.\d s ago)yes$/);
    assert.ok(rows.length >= 3 && rows.slice(1).every((row) => !/\d{5}/.test(row)), rows.join('\n'));
    await says(page, '#legend', /in the last 10 s \(5 s by default\)/);
    assert.equal(await page.locator('#revoke:focus').count(), 1);
    assert.equal(await page.locator('#revoke').getAttribute('aria-disabled'), 'true');
    const left = await textOf(page, '[data-lamp=control] .figure strong');
    assert.match(left, /^(?:10|[5-9]):\d\d$/);
    await answers(page, ['control'], 'accepts');
    await page.waitForFunction(
      (before) => document.querySelector('[data-lamp=control] .figure strong')?.textContent !== before,
      left,
    );
    await look(page, '2-revoked');
    assert.deepEqual((await placesOf(page)).strips, strips, 'nothing has moved');

    await page.getByRole('button', { name: 'Sign in again' }).click();
    await answers(page, [...others, 'orders', 'control'], 'accepts');
    await says(page, '#telling', /^Everybody lets Ada in/);
    assert.equal(await page.locator('#receipt').isVisible(), false);

    await page.getByRole('button', { name: 'Cut the wire' }).click();
    await page.waitForSelector('[data-lamp=orders][data-cut][data-answer=accepts]');
    await says(page, '#telling', /counts for 10 s at most \(5 s by default\)/);
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    // All of it at one moment: the others refuse, the receipt waits for one, and that one has not heard.
    await page.waitForFunction(() => {
      const says = (selector: string): string => document.querySelector(selector)?.textContent ?? '';
      const pending = [...document.querySelectorAll('.badge.pending')].map(({ textContent }) => textContent);
      return (
        pending.join() === 'pending: orders' &&
        document.querySelector('[data-lamp=shop][data-answer=refuses]') !== null &&
        document.querySelector('[data-lamp=orders][data-answer=accepts]') !== null &&
        /^\d\.\d s$/.test(says('[data-lamp=orders] .figure strong')) &&
        says('#outcome') === 'Not settled yet: waiting for orders.'
      );
    });
    await look(page, '3-cut');
    await answers(page, ['orders'], 'unsure');
    await says(page, '#outcome', /^Settled at the deadline: orders never confirmed/);
    await says(page, '#telling', /^Orders never heard of Revoke and stopped by itself/);
    await says(page, '.badge.pending', /^never confirmed: orders$/);
    const took = await tookOf(page, 'orders');
    t.diagnostic(`orders, cut: ${took} s`);
    // What a request took is in it.
    assert.ok(took > 1 && took < BOUND + 1, `orders stopped after ${took} s`);
    assert.equal(await textOf(page, '#followers td.stale'), 'no');
    await answers(page, ['control'], 'accepts');
    await look(page, '4-settled');
    assert.deepEqual((await placesOf(page)).strips, strips, 'nothing has moved');

    await page.getByRole('button', { name: 'Mend the wire' }).click();
    await answers(page, ['orders'], 'refuses');
    await page.getByRole('button', { name: 'Sign in again' }).click();
    await answers(page, [...others, 'orders', 'control'], 'accepts');

    // Who had stopped before Revoke has not stopped because of it.
    await page.getByRole('button', { name: 'Cut the wire' }).click();
    await answers(page, ['orders'], 'unsure');
    await says(page, '#telling', /^Orders lets nobody in: it has heard nothing for 10 s/);
    await look(page, '5-stopped');
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await answers(page, others, 'refuses');
    await says(page, '#telling', /^Revoked\. Orders has not heard of it, but had stopped by itself before\./);
    assert.equal(await textOf(page, '[data-lamp=orders] .figure strong'), '');
    await page.getByRole('button', { name: 'Mend the wire' }).click();
    await answers(page, ['orders'], 'refuses');
    await says(page, '#telling', /^Revoked: all who follow the log refuse, the slowest after \d+ ms\./);
    assert.deepEqual(complaints, []);

    assert.equal(await demo.running.end('SIGINT'), 130);
    assert.equal(demo.running.output.stderr, '');
    assert.deepEqual(readdirSync(demo.folder), [], 'nothing is left behind');
    await says(page, '#link', /has ended/);
  });

  test('What a machine lacks is said and done without; nobody else presses the buttons; all ends with it.', async (t) => {
    const demo = await startDemo(t, '--without', 'nginx', '--without', 'python');
    const page = await openDemo(t, demo);
    await answers(page, ['shop', 'orders', 'control'], 'accepts');
    assert.match(await textOf(page, '[data-lamp=shop] .what'), /apt-get install nginx-light/);
    assert.match(await textOf(page, '[data-lamp=python] .what'), /python3-jwt/);
    assert.match(
      await textOf(page, '.intro'),
      /Three services .* one with her cookie, two with one and the same/,
    );
    await look(page, '6-without');

    const press = async (headers: Readonly<Record<string, string>>): Promise<number> => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const sent = request({ host: '127.0.0.1', port: demo.port, path: '/revoke', method: 'POST', headers });
      sent.once('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.once('error', reject);
      sent.end();
      return promise;
    };
    const Host = `localhost:${demo.port}`;
    assert.equal(await press({ Host }), 403);
    assert.equal(await press({ Host, Origin: 'https://evil.example' }), 403);
    const rebound = `evil.example:${demo.port}`;
    assert.equal(await press({ Host: rebound, Origin: `http://${rebound}` }), 421);
    assert.equal(await page.locator('#receipt').isVisible(), false);

    assert.equal(await press({ Host, Origin: `http://${Host}` }), 204);
    await answers(page, ['shop', 'orders'], 'refuses');
    await answers(page, ['control'], 'accepts');

    const programs = below(demo.running.child.pid ?? 0);
    assert.ok(programs.length >= 8, `${programs.length} processes`);
    await demo.running.end('SIGKILL');
    await Promise.all(programs.map(gone));
  });
});
