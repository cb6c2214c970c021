import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';

const TOOL = path.join(import.meta.dirname, '../../tools/check-imports.mjs');
const L = 'packages/latchkey/src';

type Tree = Readonly<Record<string, string>>;

/** A small tree without a breach, which each case spoils in one place. */
const GOOD: Tree = {
  'package.json': JSON.stringify({ devDependencies: { 'fast-check': '1' } }),
  'packages/verify/package.json': JSON.stringify({
    name: '@latchkey/verify',
    exports: { '.': { 'latchkey-source': './src/verify.ts' } },
  }),
  'packages/verify/src/verify.ts': "export { now } from './clock.ts';",
  'packages/verify/src/clock.ts': 'export const now = () => [Date.now(), performance.now(), new Date()];',
  'packages/latchkey/package.json': JSON.stringify({
    name: 'latchkey',
    exports: {
      '.': { 'latchkey-source': './src/latchkey.ts' },
      './hono': { 'latchkey-source': './src/adapters/hono.ts' },
    },
    dependencies: { '@latchkey/verify': '1', kysely: '1' },
    peerDependencies: { hono: '1', pg: '1' },
  }),
  [`${L}/foundation/random.ts`]: "import { randomBytes as bytes } from 'node:crypto'; export { bytes };",
  [`${L}/foundation/ids.ts`]: "import { bytes } from './random.ts'; export const id = bytes;",
  [`${L}/errors.ts`]: "import { now } from '@latchkey/verify'; export { now };",
  [`${L}/errors.test.ts`]: "import './errors.ts';",
  [`${L}/config.ts`]:
    "import type { Store } from './stores/store.ts'; import './errors.ts'; export type { Store };",
  [`${L}/stores/store.ts`]: 'export interface Store { readonly it: true }',
  [`${L}/stores/sql/sqlite.ts`]:
    "import 'kysely'; import type { Store } from '../store.ts'; export type { Store };",
  [`${L}/identity/users.ts`]: "import '../stores/store.ts'; export const users = [];",
  [`${L}/identity/users.test.ts`]:
    "import '../stores/sql/sqlite.ts'; import 'fast-check'; import './users.ts'; Date.now(); process.env;",
  [`${L}/sessions/session.ts`]: "export { id } from '../foundation/ids.ts';",
  [`${L}/flows/sign-in.ts`]: "import '../identity/users.ts'; import '../sessions/session.ts';",
  [`${L}/pages/account.ts`]: "import '../flows/sign-in.ts';",
  [`${L}/http/handler.ts`]: "import '../pages/account.ts';",
  [`${L}/latchkey.ts`]:
    "import './http/handler.ts'; export { type Store } from './stores/sql/sqlite.ts'; import './config.ts';",
  [`${L}/adapters/hono.ts`]: "import 'hono/tiny'; import type {} from '../latchkey.ts';",
  [`${L}/environment.ts`]: "export const it = process.env.IT; import './latchkey.ts'; await import(it);",
  [`${L}/command/main.ts`]:
    "import '../environment.ts'; import '../adapters/hono.ts'; const name = 'it'; await import(name);",
  'packages/server/package.json': JSON.stringify({
    name: '@latchkey/server',
    // Not imported here, and asked for by a package that is depended on.
    dependencies: { latchkey: '1', pg: '1' },
  }),
  'packages/server/src/server.ts':
    "import 'latchkey'; import 'latchkey/hono'; process.env; process.hrtime.bigint();",
  'examples/small/package.json': JSON.stringify({ dependencies: { latchkey: '1' } }),
  'examples/small/app.ts': "import 'latchkey'; import './other.ts';",
  'examples/small/other.ts': '',
  'tests/http/sign-in.test.ts': `import '../../${L}/http/handler.ts'; import '../../examples/small/app.ts'; Date.now();`,
  'tools/build.mjs': "import './other.mjs';",
  'tools/other.mjs': '',
};

function check(tree: Tree): { status: number | null; lines: readonly string[] } {
  const root = mkdtempSync(path.join(tmpdir(), 'latchkey-imports-'));
  try {
    for (const [name, text] of Object.entries(tree)) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [TOOL, root], { encoding: 'utf8' });
    return { status, lines: stderr.split('\n').filter((line) => line !== '') };
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** What is refused, what is added to or replaced in the good tree, and the one line that it brings. */
const BREACHES: readonly (readonly [title: string, tree: Tree, line: RegExp])[] = [
  [
    'a room that imports from its right',
    { [`${L}/identity/users.ts`]: "\nimport '../flows/other.ts';", [`${L}/flows/other.ts`]: '' },
    /^packages\/latchkey\/src\/identity\/users\.ts:2 identity may not import flows/,
  ],
  [
    'a room that imports its neighbour',
    { [`${L}/identity/users.ts`]: "export * from '../sessions/session.ts';" },
    /identity\/users\.ts:1 identity may not import sessions/,
  ],
  [
    'a type from the right, like anything else from there',
    { [`${L}/sessions/session.ts`]: "import type { A } from '../http/a.ts';", [`${L}/http/a.ts`]: '' },
    /sessions\/session\.ts:1 sessions may not import http/,
  ],
  [
    'a type that is named without an import statement',
    {
      [`${L}/sessions/session.ts`]: "export type A = import('../http/a.ts').A;",
      [`${L}/http/a.ts`]: '',
    },
    /sessions\/session\.ts:1 sessions may not import http/,
  ],
  [
    'a page that imports http',
    { [`${L}/pages/other.ts`]: "import '../http/a.ts';", [`${L}/http/a.ts`]: '' },
    /pages\/other\.ts:1 pages may not import http/,
  ],
  [
    'a room that imports a store other than its contract',
    { [`${L}/flows/other.ts`]: "import '../stores/sql/sqlite.ts';" },
    /flows\/other\.ts:1 flows may not import stores/,
  ],
  [
    'a room that imports the composition root',
    { [`${L}/flows/other.ts`]: "import type { Latchkey } from '../latchkey.ts';" },
    /flows\/other\.ts:1 flows may not import composition root/,
  ],
  [
    'an adapter that imports more than types of the composition root',
    { [`${L}/adapters/hono.ts`]: "import 'hono'; import '../latchkey.ts';" },
    /adapters\/hono\.ts:1 adapters may not import composition root/,
  ],
  [
    'a store that imports a room',
    { [`${L}/stores/sql/other.ts`]: "import '../../sessions/session.ts';" },
    /stores\/sql\/other\.ts:1 stores may not import sessions/,
  ],
  [
    'a composition root that knows the environment',
    { [`${L}/latchkey.ts`]: "import './environment.ts';", [`${L}/environment.ts`]: '' },
    /latchkey\.ts:1 composition root may not import environment/,
  ],
  ['a file that is in no room', { [`${L}/other.ts`]: '' }, /other\.ts:1 is in no row of the table/],
  [
    'a test that imports from the right of its room',
    { [`${L}/identity/other.test.ts`]: "import '../flows/sign-in.ts';" },
    /identity\/other\.test\.ts:1 identity may not import flows/,
  ],
  [
    'a test that is imported',
    { [`${L}/identity/other.test.ts`]: "import './users.test.ts';" },
    /identity\/other\.test\.ts:1 a test is not imported/,
  ],
  [
    'a verifier that imports the system',
    { 'packages/verify/src/other.ts': "import 'latchkey';" },
    /verify\/src\/other\.ts:1 @latchkey\/verify may not import latchkey/,
  ],
  [
    'a system that imports the server',
    { [`${L}/command/serve.ts`]: "await import('@latchkey/server');" },
    /command\/serve\.ts:1 latchkey may not import @latchkey\/server/,
  ],
  [
    'a server that goes past the system to the verifier',
    { 'packages/server/src/other.ts': "import '@latchkey/verify';" },
    /server\/src\/other\.ts:1 @latchkey\/server may not import @latchkey\/verify/,
  ],
  [
    'a package that imports itself by name',
    { [`${L}/command/serve.ts`]: "import 'latchkey';" },
    /command\/serve\.ts:1 latchkey may not import latchkey/,
  ],
  [
    'a relative import of another package',
    { 'packages/server/src/other.ts': "import '../../latchkey/src/errors.ts';" },
    /server\/src\/other\.ts:1 .* leaves the package/,
  ],
  [
    'a subpath that a package does not give out',
    { 'packages/server/src/other.ts': "import 'latchkey/sessions';" },
    /server\/src\/other\.ts:1 latchkey gives out no latchkey\/sessions/,
  ],
  [
    'a dependency that is not declared',
    { [`${L}/http/other.ts`]: "import { z } from 'zod/mini';" },
    /http\/other\.ts:1 zod is not among the dependencies in packages\/latchkey\/package\.json/,
  ],
  [
    'a dependency of development outside a test',
    { [`${L}/http/other.ts`]: "import fc from 'fast-check';" },
    /http\/other\.ts:1 fast-check is not among the dependencies/,
  ],
  [
    'a dependency that nothing imports',
    { [`${L}/stores/sql/sqlite.ts`]: "export * from '../store.ts';" },
    /latchkey\/package\.json:1 nothing imports the dependency kysely/,
  ],
  [
    'a dependency that nothing imports, and that no package of ours asks for',
    {
      'packages/server/package.json': JSON.stringify({
        name: '@latchkey/server',
        dependencies: { latchkey: '1', kysely: '1' },
      }),
    },
    /server\/package\.json:1 nothing imports the dependency kysely/,
  ],
  [
    'an example that imports from inside',
    { 'examples/small/app.ts': `import '../../${L}/latchkey.ts';` },
    /examples\/small\/app\.ts:1 .* is not what a user could import/,
  ],
  [
    'an import without an ending',
    { [`${L}/http/other.ts`]: "import './handler';" },
    /http\/other\.ts:1 \.\/handler names no file/,
  ],
  [
    'two files that import each other',
    {
      [`${L}/sessions/session.ts`]: "import { id } from '../foundation/ids.ts';\nimport './other.ts';",
      [`${L}/sessions/other.ts`]: "import type { A } from './session.ts';",
    },
    /sessions\/other\.ts:1 imports go in a circle: .*other\.ts → .*session\.ts → .*other\.ts$/,
  ],
  [
    'a file that imports itself',
    { [`${L}/http/other.ts`]: "import './other.ts';" },
    /http\/other\.ts:1 imports go in a circle: .*other\.ts → .*other\.ts$/,
  ],
  [
    'a longer circle, through the name of a package',
    {
      'packages/verify/src/verify.ts': "import './clock.ts'; import './a.ts';",
      'packages/verify/src/a.ts': "import './b.ts';",
      'packages/verify/src/b.ts': "import './verify.ts';",
    },
    /verify\/src\/a\.ts:1 imports go in a circle: .*a\.ts → .*b\.ts → .*verify\.ts → .*a\.ts$/,
  ],
  ['an index file', { [`${L}/http/index.ts`]: '' }, /http\/index\.ts:1 no index file/],
  [
    'a folder that is no domain',
    { [`${L}/http/utils/a.ts`]: '' },
    /http\/utils\/a\.ts:1 a folder is a domain: none is named utils/,
  ],
  ...[
    "import { randomUUID } from 'node:crypto';",
    "import { createHash, getRandomValues } from 'crypto';",
    "import * as crypto from 'node:crypto';",
    "import crypto from 'node:crypto';",
    "const { randomBytes } = await import('node:crypto');",
    'export const id = crypto.randomUUID();',
    'export const id = globalThis.crypto.getRandomValues(new Uint8Array(1));',
    'export const id = Math.random();',
  ].map(
    (text) =>
      [
        `randomness past its door: ${text}`,
        { [`${L}/http/other.ts`]: text },
        /http\/other\.ts:1 randomness enters through foundation\/random\.ts, and random\.ts of @latchkey\/verify, alone$/,
      ] as const,
  ),
  ...[
    'export const at = Date.now();',
    'export const at = [1].map(Date.now);',
    'export const at = new Date();',
    'export const at = new Date;',
    'export const at = Date();',
    'export const at = `at ${`${performance.now()}`}`;',
    'export const at = process.hrtime.bigint();',
    "import { performance as clock } from 'node:perf_hooks';",
  ].map(
    (text) =>
      [
        `time past its door: ${text}`,
        { [`${L}/http/other.ts`]: text },
        /http\/other\.ts:1 time enters through the clock/,
      ] as const,
  ),
  [
    'time past its door in the server, other than what a log line needs',
    { 'packages/server/src/other.ts': 'export const at = Date.now();' },
    /server\/src\/other\.ts:1 time enters through the clock/,
  ],
  ...[
    'export const it = process.env.IT;',
    "export const it = process['env'].IT;",
    'const { env } = process;',
    "import { env } from 'node:process';",
    "import process from 'node:process';",
  ].map(
    (text) =>
      [
        `the environment past its door: ${text}`,
        { [`${L}/http/other.ts`]: text },
        /http\/other\.ts:1 the library reads no environment/,
      ] as const,
  ),
  [
    'an import that is computed at run time',
    { [`${L}/http/other.ts`]: "const name = 'a'; await import(name);" },
    /http\/other\.ts:1 an import that is computed at run time/,
  ],
];

/** What looks like a breach to somebody who reads without care. */
const HARMLESS: readonly (readonly [title: string, text: string])[] = [
  ['a comment', "// import '../flows/sign-in.ts'; Date.now()\n/* process.env\n Math.random() */"],
  ['a string', 'export const text = "import \'../flows/sign-in.ts\'; Date.now()";'],
  ['a template', "export const text = `\nimport '../flows/sign-in.ts';\nprocess.env`;"],
  ['a regular expression', "export const quote = /['\"`/]/; export const half = 4 / 2; // '"],
  ['a date of a given time', "export const at = (time: number) => [new Date(time), new Date('2026-11-23')];"],
  ['a type', 'export type A = Date; export interface B { now(): number; env: string }'],
  ['names that only end alike', 'export const a = { myprocess: { env: 1 } }; a.myprocess.env; aDate.now;'],
];

describe('tools/check-imports.mjs', () => {
  test('finds nothing in a tree that keeps every rule', () => {
    assert.deepEqual(check(GOOD), { status: 0, lines: [] });
  });

  for (const [title, tree, line] of BREACHES) {
    test(`refuses ${title}`, () => {
      const { status, lines } = check({ ...GOOD, ...tree });
      assert.equal(status, 1);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', line);
    });
  }

  for (const [title, text] of HARMLESS) {
    test(`is not misled by ${title}`, () => {
      assert.deepEqual(check({ ...GOOD, [`${L}/identity/other.ts`]: text }), { status: 0, lines: [] });
    });
  }

  test('fails where there is nothing to check', () => {
    assert.equal(check({ 'package.json': '{}' }).status, 1);
  });
});
