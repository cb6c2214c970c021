import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';

const TOOLS = path.join(import.meta.dirname, '../../tools');

type Tree = Readonly<Record<string, string>>;

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly errors: readonly string[];
}

const passes = (title: string): string => `import { test } from 'node:test'; test('${title}', () => {});`;
const fails = (title: string): string =>
  `import { test } from 'node:test'; test('${title}', () => { throw new Error(); });`;

const TREE: Tree = {
  'package.json': '{ "type": "module" }',
  'packages/a/src/one.test.ts': passes('one'),
  'packages/a/node_modules/b/not-ours.test.ts': fails('not ours'),
  'tests/http/two.test.ts': passes('two'),
  'tests/http/helped.ts': fails('no test file'),
  'tests/timing/three.test.ts': passes('three'),
  'examples/small/four.test.ts': passes('four'),
};

const BROWSER: Tree = {
  ...TREE,
  'tests/browser/five.test.ts':
    "import { test } from 'node:test'; test(`with ${process.env.LATCHKEY_CHROMIUM}`, () => {});",
  'bin/chromium': '#!/bin/sh\n',
};

const DATABASE: Tree = {
  ...TREE,
  'tests/contract/postgres.test.ts':
    "import { test } from 'node:test'; test(`on ${process.env.LATCHKEY_TEST_DATABASE_URL}`, () => {});",
};

/** Runs the test command of a tree that holds nothing but the command and `tree`. */
function npmTest(tree: Tree, args: readonly string[], environment: Tree = {}): Ran {
  const root = mkdtempSync(path.join(tmpdir(), 'latchkey-commands-'));
  try {
    for (const [name, text] of Object.entries(tree)) {
      const file = path.join(root, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
      if (name.startsWith('bin/')) chmodSync(file, 0o755);
    }
    for (const tool of [
      'test.mjs',
      'caddy.mjs',
      'certificate.mjs',
      'chromium.mjs',
      'keep.mjs',
      'nginx.mjs',
      'own-server.mjs',
      'postgres.mjs',
      'program.mjs',
    ]) {
      cpSync(path.join(TOOLS, tool), path.join(root, 'tools', tool));
    }
    const {
      LATCHKEY_CHROMIUM: _named,
      LATCHKEY_TEST_DATABASE_URL: _database,
      INIT_CWD: _from,
      ...env
    } = process.env;
    const given = Object.entries(environment).map(
      ([name, value]) => [name, value.replaceAll('ROOT', root)] as const,
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/test.mjs', ...args], {
      cwd: root,
      env: { ...env, ...Object.fromEntries(given) },
      encoding: 'utf8',
    });
    const errors = stderr.split('\n').filter((line) => line !== '');
    return { status, out: stdout.replaceAll(root, 'ROOT'), errors };
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Titles of the tests that ran, in order. */
function titles({ out }: Ran): readonly string[] {
  return [...out.matchAll(/^[✔✖] (.+) \([\d.]+ms\)$/gm)].map(([, title]) => title ?? '');
}

describe('npm test', () => {
  test('runs every test file of ours, those of timing last and apart', () => {
    const ran = npmTest(TREE, []);
    assert.deepEqual(ran.errors, []);
    assert.equal(ran.status, 0);
    assert.deepEqual(titles(ran).slice(0, -1).toSorted(), ['four', 'one', 'two']);
    assert.equal(titles(ran).at(-1), 'three');
    assert.deepEqual(
      [...ran.out.matchAll(/^ℹ tests (\d+)$/gm)].map(([, count]) => count),
      ['3', '1'],
    );
  });

  for (const spoilt of ['tests/http/two.test.ts', 'tests/timing/three.test.ts']) {
    test(`fails when ${spoilt} does, and runs the others all the same`, () => {
      const ran = npmTest({ ...TREE, [spoilt]: fails('spoilt') }, []);
      assert.equal(ran.status, 1);
      // Once where it ran, and once more in node's list of what failed.
      assert.equal(new Set(titles(ran)).size, 4);
    });
  }

  test('runs the folders and files that it is given', () => {
    assert.deepEqual(titles(npmTest(TREE, ['tests/http'])), ['two']);
    assert.deepEqual(titles(npmTest(TREE, ['./examples/', 'packages/a/src/one.test.ts'])).toSorted(), [
      'four',
      'one',
    ]);
  });

  test('leaves out the group that it is told to, and says so', () => {
    const ran = npmTest(TREE, ['--without', 'http']);
    assert.deepEqual(titles(ran).toSorted(), ['four', 'one', 'three']);
    assert.match(ran.out, /^without tests\/http: 1 file is left out$/m);
  });

  const wrong: readonly (readonly [title: string, tree: Tree, args: readonly string[], line: RegExp])[] = [
    ['there is no test', { 'package.json': '{}' }, [], /no test is left to run/],
    ['nothing is left', TREE, ['tests/http', '--without', 'http'], /no test is left to run/],
    ['a folder has no test', TREE, ['tests/other'], /tests\/other: there is no test here/],
    ['a group has no test', TREE, ['--without', 'other'], /--without other: there is no test/],
    ['an option is not known', TREE, ['--with', 'other'], /--with/],
  ];
  for (const [title, tree, args, line] of wrong) {
    test(`fails with one line where ${title}`, () => {
      const ran = npmTest(tree, args);
      assert.equal(ran.status, 1);
      assert.equal(ran.errors.length, 1, ran.errors.join('\n'));
      assert.match(ran.errors[0] ?? '', line);
      assert.deepEqual(titles(ran), []);
    });
  }

  test('hands the Chromium that is named to the tests', () => {
    const ran = npmTest(BROWSER, [], { LATCHKEY_CHROMIUM: 'ROOT/bin/chromium' });
    assert.equal(ran.status, 0);
    assert.ok(titles(ran).includes('with ROOT/bin/chromium'));
  });

  test('fails with one line where the Chromium that is named is no program', () => {
    const ran = npmTest(BROWSER, [], { LATCHKEY_CHROMIUM: 'ROOT/package.json' });
    assert.equal(ran.status, 1);
    assert.equal(ran.errors.length, 1);
    assert.match(ran.errors[0] ?? '', /names no program.*npm test -- --without browser/);
  });

  test('asks for no Chromium where no browser test will run', () => {
    for (const args of [['--without', 'browser'], ['tests/http']]) {
      assert.equal(npmTest(BROWSER, args, { LATCHKEY_CHROMIUM: 'ROOT/package.json' }).status, 0);
    }
  });

  test('hands the PostgreSQL that is named to the tests', () => {
    const ran = npmTest(DATABASE, [], { LATCHKEY_TEST_DATABASE_URL: 'postgresql://throw-away/test' });
    assert.equal(ran.status, 0);
    assert.ok(titles(ran).includes('on postgresql://throw-away/test'));
  });

  const missing: readonly (readonly [title: string, environment: Tree, line: RegExp])[] = [
    ['is named', { LATCHKEY_TEST_DATABASE_URL: 'mysql://there/test' }, /is no URL of a PostgreSQL/],
    // The tree has neither the tool that starts one nor its programs.
    ['can be started', {}, /no PostgreSQL could be started \(.+\)/],
  ];
  for (const [title, environment, line] of missing) {
    test(`fails with one line that says the remedy where no PostgreSQL ${title}`, () => {
      const ran = npmTest(DATABASE, [], environment);
      assert.equal(ran.status, 1);
      assert.equal(ran.errors.length, 1, ran.errors.join('\n'));
      assert.match(ran.errors[0] ?? '', line);
      assert.match(ran.errors[0] ?? '', /LATCHKEY_TEST_DATABASE_URL=postgres:/);
    });
  }

  test('asks for no PostgreSQL where no test names one', () => {
    assert.equal(npmTest(DATABASE, ['tests/http']).status, 0);
  });
});

describe('tools/check-node.mjs', () => {
  const run = (version: string): Ran => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, path.join(TOOLS, 'check-node.mjs')],
      { encoding: 'utf8' },
    );
    return { status, out: stdout, errors: stderr.split('\n').filter((line) => line !== '') };
  };
  for (const version of ['20.20.2', '22.12.0', '24.10.9']) {
    test(`refuses Node ${version} with one line`, () => {
      const { status, errors } = run(version);
      assert.equal(status, 1);
      assert.equal(errors.length, 1);
      assert.match(errors[0] ?? '', /needs Node 24\.11 or newer and this is .*npm ci/);
    });
  }
  for (const version of ['24.11.0', '24.21.0', '26.0.0']) {
    test(`lets Node ${version} pass`, () => assert.equal(run(version).status, 0));
  }
});
