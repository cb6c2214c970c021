import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type Config, ConfigError, parseConfig } from '../../packages/latchkey/src/config.ts';
import { parseDuration } from '../../packages/latchkey/src/foundation/durations.ts';
import type { LatchkeyOptions } from '../../packages/latchkey/src/options.ts';
import { PROFILE_NAMES, PROFILES, type ProfileName } from '../../packages/latchkey/src/profiles.ts';
import { sqlite } from '../../packages/latchkey/src/stores/sql/sqlite.ts';
import { TEST_SECRET } from '../http/world.ts';
import { run, temporaryFolder } from '../server/process.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/configuration.md'), 'utf8');
const SOURCE = readFileSync(path.join(ROOT, 'packages/latchkey/src/options.ts'), 'utf8');

/** What the configuration holds and does not explain as text. */
const UNEXPLAINED = new Set(['access', 'onEvent', 'session', 'store', 'user']);

/** The cells of each row of a table on the page. */
const ROWS: readonly (readonly string[])[] = PAGE.split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

/** What the page says of an option. */
interface Documented {
  readonly name: string;
  readonly fallback: string;
  readonly bounds: string;
}

const OPTIONS: readonly Documented[] = ROWS.filter(
  (cells) => cells.length === 5 && /^`.+`$/.test(cells[0] ?? ''),
).map(([name = '', , fallback = '', bounds = '']) => ({ name: name.slice(1, -1), fallback, bounds }));

/** The members of an interface or a type in `options.ts`, those of groups as `group.member`. */
function membersOf(declaration: string): readonly string[] {
  const start = SOURCE.indexOf(`export ${declaration}`);
  assert.notEqual(start, -1, declaration);
  const code = SOURCE.slice(start).replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
  const names: string[] = [];
  const groups: string[] = [];
  let depth = 0;
  let last = '';
  for (const [token] of code.matchAll(/readonly (\w+|\[\w+\])\??:|[{}]/g)) {
    if (token === '{') {
      depth += 1;
      if (depth > 1) {
        groups.push(last);
        names.splice(names.indexOf(last), 1);
      }
    } else if (token === '}') {
      depth -= 1;
      groups.pop();
      if (depth === 0) break;
    } else {
      const name = token.replace(/^readonly /, '').replace(/\??:$/, '');
      last = [...groups.slice(-1), name].join('.');
      names.push(last);
    }
  }
  return names;
}

function configWith(options: Partial<LatchkeyOptions> = {}, processors = 64): Config {
  return parseConfig(
    { url: 'https://app.example.com', secret: TEST_SECRET, store: sqlite(':memory:'), ...options },
    processors,
  );
}

function accepts(options: Partial<LatchkeyOptions>): boolean {
  try {
    configWith(options);
    return true;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return false;
  }
}

/** Options that set one leaf, with whatever else has to give way for it. */
function optionsOf(name: string, value: number | string): Partial<LatchkeyOptions> {
  const [group = '', leaf] = name.split('.');
  if (leaf === '*') return { throttle: { network: { attempts: Number(value), within: '1m' } } };
  const beside = { 'sessions.idle': { absolute: '400d' }, 'sessions.absolute': { idle: '1m' } };
  return {
    [group]: leaf === undefined ? value : { ...new Map(Object.entries(beside)).get(name), [leaf]: value },
  };
}

/** The value next to a bound, on its far side. */
function beyond(bound: string, step: 1 | -1): number | string {
  return /^\d+$/.test(bound) ? Number(bound) + step : `${parseDuration(bound) / 1_000 + step}s`;
}

describe('docs/configuration.md', () => {
  const names = OPTIONS.map(({ name }) => name);
  const options = membersOf('interface LatchkeyOptions');

  test('names each option of options.ts once, and none that is not there', () => {
    const inner = [
      ...membersOf('interface ClientOptions').map((name) => `clients.*.${name}`),
      ...membersOf('interface Rate').map((name) => `throttle.*.${name}`),
      'claims.[allowSensitive]',
    ];
    assert.match(SOURCE, /& \{ readonly \[allowSensitive\]\?:/);
    assert.deepEqual(names.toSorted(), [...options, ...inner].toSorted());
  });

  test('names what the configuration explains, and what it does not', () => {
    const explained = configWith().explanation.map(({ name }) => name);
    assert.deepEqual(explained.toSorted(), options.filter((name) => !UNEXPLAINED.has(name)).toSorted());
  });

  test('says the defaults that are in force', () => {
    const needed = new Set(['url', 'secret']);
    for (const { name, value, source } of configWith().explanation) {
      const fallback = OPTIONS.find((option) => option.name === name)?.fallback;
      if (needed.has(name)) assert.equal(fallback, 'needed', name);
      else if (source.startsWith('profile ') || name === 'password.length')
        assert.equal(fallback, 'by the profile', name);
      else if (name === 'password.concurrency')
        assert.equal(fallback, `the processors, \`${value}\` at most`, name);
      else assert.equal(fallback, value === '' || value === 'none' ? 'none' : `\`${value}\``, name);
    }
    assert.equal(configWith({}, 1).hashConcurrency, 1);
  });

  test('says the bounds that are kept to', () => {
    const bounded = OPTIONS.filter(({ bounds }) => bounds !== '');
    assert.ok(bounded.length > 8);
    for (const { name, bounds } of bounded) {
      const [, least = '', most = ''] = /^`(\S+)` to `(\S+)`$/.exec(bounds) ?? assert.fail(bounds);
      for (const [bound, step] of [
        [least, -1],
        [most, 1],
      ] as const) {
        // Each of the two limits of a session is the bound of the other.
        if (bound.startsWith('sessions.')) continue;
        const value = /^\d+$/.test(bound) ? Number(bound) : bound;
        assert.ok(accepts(optionsOf(name, value)), `${name} ${bound}`);
        assert.ok(!accepts(optionsOf(name, beyond(bound, step))), `${name} beyond ${bound}`);
      }
    }
    assert.ok(accepts({ sessions: { idle: '2d', absolute: '2d' } }));
    assert.ok(!accepts({ sessions: { idle: '2d', absolute: '47h' } }));
  });

  test('has the rows of the profiles', () => {
    const seen = new Set<ProfileName>();
    for (const [title = '', ...cells] of ROWS.filter((row) => row.length === 6)) {
      for (const name of PROFILE_NAMES.filter((each) => title.includes(`\`${each}\``))) {
        const { idle, absolute, accessLife, nearCacheLife, passwordLength, needs } = PROFILES[name];
        assert.deepEqual(
          cells,
          [idle, absolute, accessLife, nearCacheLife, passwordLength].map((value) => `\`${value}\``),
        );
        assert.equal(title.includes('refused in this version'), needs !== null);
        seen.add(name);
      }
    }
    assert.deepEqual([...seen].toSorted(), PROFILE_NAMES.toSorted());
  });

  test('has the clients that there are where none are configured', async (t) => {
    const clientsOf = (config: Config): string =>
      [...config.clients.values()].map(({ name, mode }) => `${name}: ${mode}`).join(', ');
    const rows = ROWS.filter((row) => row.length === 2 && (row[0] ?? '').startsWith('the '));
    const said = (who: string): string | undefined =>
      rows.find(([title = '']) => title.includes(who))?.[1]?.replaceAll('`', '');
    for (const name of PROFILE_NAMES.filter((each) => PROFILES[each].needs === null))
      assert.equal(said(`\`${name}\``), clientsOf(configWith({ profile: name })), name);
    const folder = temporaryFolder();
    t.after(() => folder.remove());
    const { stdout } = await run(['config', '--json'], {}, '', folder.path);
    const lines: unknown = JSON.parse(stdout);
    assert.ok(Array.isArray(lines));
    const line: unknown = lines.find(({ name }: { readonly name: string }) => name === 'clients');
    assert.ok(typeof line === 'object' && line !== null && 'value' in line);
    assert.equal(said('the standalone server'), line.value);
  });
});
