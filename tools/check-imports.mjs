/*
 * Who may import whom, and a few other things that keep the rooms apart.
 *
 *   node tools/check-imports.mjs [root]
 *
 * Prints `file:line message` for each breach and exits with 1 where there is one.
 * Imports of types count like any other: two files that need each other's types
 * cannot be read apart either.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from './manifest.mjs';
import { codeOf, importsOf, lineAt } from './source-text.mjs';

const LATCHKEY = 'packages/latchkey/src/';

// Left to right, as ARCHITECTURE.md draws it: each list is what the rooms right of it may import.
const GROUND = ['verify', 'root files', 'foundation', 'store contract'];
const RECORDS = [...GROUND, 'revocation', 'audit'];
const DOMAINS = [...RECORDS, 'identity', 'sessions', 'access'];
const FLOWS = [...DOMAINS, 'tokens', 'feed', 'flows'];
const ROOMS = [...FLOWS, 'pages', 'http'];
const WIRING = [...ROOMS, 'stores', 'composition root', 'adapters', 'hosting', 'environment'];

/**
 * The table: a place, the files in it (a folder ends with a slash), and the
 * places that it may import besides itself, some of them by `import type` alone.
 * A file belongs to the first row that names it.
 *
 * @type {readonly (readonly [place: string, files: readonly string[], may: readonly string[]])[]}
 */
const TABLE = [
  ['verify', ['packages/verify/src/'], []],
  ['foundation', [`${LATCHKEY}foundation/`], ['verify', 'root files']],
  [
    'root files',
    ['errors.ts', 'options.ts', 'config-error.ts', 'config-shape.ts', 'config.ts', 'profiles.ts'].map(
      (name) => `${LATCHKEY}${name}`,
    ),
    ['verify', 'foundation', 'types of store contract', 'types of access'],
  ],
  [
    'store contract',
    [`${LATCHKEY}stores/store.ts`, `${LATCHKEY}stores/records.ts`],
    ['verify', 'foundation'],
  ],
  ['revocation', [`${LATCHKEY}revocation/`], GROUND],
  ['feed', [`${LATCHKEY}feed/`], [...GROUND, 'revocation']],
  ['audit', [`${LATCHKEY}audit/`], GROUND],
  ['identity', [`${LATCHKEY}identity/`], RECORDS],
  ['sessions', [`${LATCHKEY}sessions/`], RECORDS],
  ['access', [`${LATCHKEY}access/`], RECORDS],
  ['tokens', [`${LATCHKEY}tokens/`], DOMAINS],
  ['flows', [`${LATCHKEY}flows/`], [...DOMAINS, 'tokens', 'feed']],
  // A page is what a route answers with: http imports pages, and a page knows nothing of requests.
  ['pages', [`${LATCHKEY}pages/`], FLOWS],
  ['http', [`${LATCHKEY}http/`], [...FLOWS, 'pages']],
  ['stores', [`${LATCHKEY}stores/`], GROUND],
  [
    'composition root',
    [
      'latchkey.ts',
      'system.ts',
      'types.ts',
      'door.ts',
      'users.ts',
      'sessions.ts',
      'clients.ts',
      'keys.ts',
      'requests.ts',
    ].map((name) => `${LATCHKEY}${name}`),
    [...ROOMS, 'stores'],
  ],
  // What follows wires the whole into something else. No room imports any of it.
  ['adapters', [`${LATCHKEY}adapters/`], [...ROOMS, 'types of composition root']],
  ['hosting', [`${LATCHKEY}hosting.ts`], ROOMS],
  ['environment', [`${LATCHKEY}environment.ts`], [...ROOMS, 'stores', 'composition root']],
  // No server may start on what makes sessions for the asking: tests alone import it.
  ['testing', [`${LATCHKEY}testing.ts`, `${LATCHKEY}testing/`], [...ROOMS, 'composition root']],
  ['command', [`${LATCHKEY}command/`], WIRING],
  ['server', ['packages/server/src/'], ['composition root', 'adapters', 'hosting', 'environment']],
  // An example is what a user could have written: packages by their names, nothing from inside.
  ['examples', ['examples/'], ['verify', 'composition root', 'environment', 'adapters', 'server']],
  ['tools', ['tools/'], []],
  ['tests', ['tests/'], [...WIRING, 'testing', 'command', 'server', 'examples', 'tools']],
  ['bench', ['bench/'], [...WIRING, 'server', 'examples', 'tools']],
];

/** Our packages, and which of our others each may name. */
const PACKAGES = new Map([
  ['packages/verify/', { name: '@latchkey/verify', may: [] }],
  ['packages/latchkey/', { name: 'latchkey', may: ['@latchkey/verify'] }],
  ['packages/server/', { name: '@latchkey/server', may: ['latchkey'] }],
]);

const FORBIDDEN_FOLDERS = new Set(['utils', 'helpers', 'common', 'types', 'core', 'lib']);

/**
 * What may stand in one place only. `only` are the files or folders of packages
 * that may hold it; tests may too.
 */
const SINGLE_DOORS = [
  {
    only: [`${LATCHKEY}foundation/random.ts`, 'packages/verify/src/random.ts'],
    patterns: [
      /\b(?:web)?crypto\s*\.\s*(?:random\w+|getRandomValues|webcrypto)\b/g,
      /\bMath\s*\.\s*random\b/g,
    ],
    imports: { from: /^(?:node:)?crypto$/, clause: /\brandom\w+|\bgetRandomValues\b|\bwebcrypto\b|^[^{]+$/ },
    message: 'randomness enters through foundation/random.ts, and random.ts of @latchkey/verify, alone',
  },
  {
    only: ['packages/verify/src/clock.ts'],
    patterns: [
      /\bDate\s*\.\s*now\b/g,
      /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/g,
      /(?<!\bnew\s+|[\w$.]\s*)\bDate\s*\(/g,
      /\bperformance\s*\.\s*(?:now|timeOrigin)\b/g,
      /\bTemporal\s*\.\s*Now\b/g,
    ],
    imports: { from: /^(?:node:)?perf_hooks$/, clause: /\bperformance\b|^[^{]+$/ },
    message: 'time enters through the clock of @latchkey/verify alone: take a Clock',
  },
  {
    // How long an answer took goes into the server's log, and decides nothing.
    only: ['packages/verify/src/clock.ts', 'packages/server/'],
    patterns: [/\bprocess\s*\.\s*(?:hrtime|uptime)\b/g],
    imports: { from: /^(?:node:)?process$/, clause: /\b(?:hrtime|uptime)\b/ },
    message: 'time enters through the clock of @latchkey/verify alone: take a Clock',
  },
  {
    only: [`${LATCHKEY}environment.ts`, `${LATCHKEY}command/`, 'packages/server/'],
    patterns: [/\bprocess\s*\.\s*env\b/g, /\bprocess\s*\[/g, /\{[^{}]*\benv\b[^{}]*\}\s*=\s*process\b/g],
    imports: { from: /^(?:node:)?process$/, clause: /\benv\b|^[^{]+$/ },
    message: 'the library reads no environment: only environment.ts, the command and the server do',
  },
  {
    only: [`${LATCHKEY}environment.ts`, `${LATCHKEY}command/`],
    patterns: [],
    imports: { from: null, clause: /./ },
    message: 'an import that is computed at run time cannot be checked',
  },
];

/**
 * @typedef {object} Source
 * @property {string} file Below the root, with slashes.
 * @property {string} code
 * @property {boolean} test
 * @property {import('./source-text.mjs').ImportLine[]} imports
 */
/** @typedef {{ file: string, line: number, message: string }} Breach */
/** @typedef {{ from: string, to: string, line: number }} Edge */

/** @param {string} root @returns {Source[]} */
function read(root) {
  const files = globSync('{packages/*/src,tests,bench,examples,tools}/**/*.{ts,mts,js,mjs}', {
    cwd: root,
    // What Next writes at each build is no source.
    exclude: (name) => ['node_modules', 'dist', '.next', 'next-env.d.ts'].includes(name),
  });
  return files.toSorted().map((name) => {
    const text = readFileSync(path.join(root, name), 'utf8');
    const code = codeOf(text);
    const file = name.replaceAll('\\', '/');
    return {
      file,
      code,
      test: /\.test\.[mc]?[jt]s$/.test(file) || file.startsWith('tests/'),
      imports: importsOf(text, code),
    };
  });
}

/** @param {string} file @param {readonly string[]} places */
function within(file, places) {
  return places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));
}

/** @param {string} file A test belongs where the file beside it does. */
function rowOf(file) {
  const tested = file.replace(/\.test(\.[mc]?[jt]s)$/, '$1');
  return TABLE.find(([, files]) => within(tested, files)) ?? null;
}

/** @param {string} file */
function packageOf(file) {
  for (const [folder, row] of PACKAGES) if (file.startsWith(folder)) return { folder, ...row };
  return null;
}

/** @param {string} specifier */
function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @param {string} root @param {string} folder */
function manifest(root, folder) {
  return readManifest(path.join(root, folder, 'package.json'));
}

/**
 * The source file that a package of ours gives out under a name, or `null`.
 *
 * @param {string} root
 * @param {string} specifier
 */
function sourceOfExport(root, specifier) {
  for (const [folder, { name }] of PACKAGES) {
    if (packageName(specifier) !== name) continue;
    const source = manifest(root, folder).target(`.${specifier.slice(name.length)}`, 'latchkey-source');
    return source === null ? null : path.posix.join(folder, source);
  }
  return null;
}

/** @param {Source} source @returns {Breach[]} */
function checkNames({ file }) {
  const breaches = [];
  const folder = path.posix
    .dirname(file)
    .split('/')
    .find((name) => FORBIDDEN_FOLDERS.has(name));
  if (folder !== undefined) {
    breaches.push({ file, line: 1, message: `a folder is a domain: none is named ${folder}` });
  }
  if (/(^|\/)index\.[mc]?[jt]s$/.test(file)) {
    breaches.push({ file, line: 1, message: 'no index file: import the file that holds it' });
  }
  if (rowOf(file) === null) {
    breaches.push({ file, line: 1, message: 'is in no row of the table in tools/check-imports.mjs' });
  }
  return breaches;
}

/** @param {Source} source @returns {Breach[]} */
function checkSingleDoors({ file, code, test, imports }) {
  if (test || !file.startsWith('packages/')) return [];
  return SINGLE_DOORS.filter(({ only }) => !within(file, only)).flatMap((door) => [
    ...door.patterns
      .flatMap((pattern) => [...code.matchAll(pattern)])
      .map((match) => ({ file, line: lineAt(code, match.index), message: door.message })),
    ...imports
      .filter(({ specifier, clause }) =>
        specifier === null || door.imports.from === null
          ? specifier === door.imports.from
          : door.imports.from.test(specifier) && door.imports.clause.test(clause),
      )
      .map(({ line }) => ({ file, line, message: door.message })),
  ]);
}

/**
 * @param {string} root
 * @param {Source} source
 * @param {ReadonlySet<string>} known
 * @returns {{ breaches: Breach[], edges: Edge[] }}
 */
function checkImports(root, source, known) {
  /** @type {Breach[]} */
  const breaches = [];
  /** @type {Edge[]} */
  const edges = [];
  const { file } = source;
  for (const { specifier, clause, line } of source.imports) {
    if (specifier === null || specifier.startsWith('node:')) continue;
    const relative = specifier.startsWith('.');
    const message = relative
      ? refuseRelative(root, source, specifier)
      : refuseByName(root, source, specifier);
    if (message !== null) {
      breaches.push({ file, line, message });
      continue;
    }
    const to = relative
      ? path.posix.join(path.posix.dirname(file), specifier)
      : sourceOfExport(root, specifier);
    if (to === null || !known.has(to)) continue;
    edges.push({ from: file, to, line });
    const refusal = refusePlace(source, to, /^type\b/.test(clause));
    if (refusal !== null) breaches.push({ file, line, message: refusal });
  }
  return { breaches, edges };
}

/** @param {string} root @param {Source} source @param {string} specifier */
function refuseRelative(root, { file }, specifier) {
  const to = path.posix.join(path.posix.dirname(file), specifier);
  if (!existsSync(path.join(root, to)) || path.posix.extname(to) === '') {
    return `${specifier} names no file: write the path with its ending`;
  }
  const home = packageOf(file);
  if (home !== null && !to.startsWith(home.folder)) {
    return `${specifier} leaves the package: import other packages by name`;
  }
  if (file.startsWith('examples/') && !to.startsWith('examples/')) {
    return `${specifier} is not what a user could import: use the package's name`;
  }
  return null;
}

/** @param {string} root @param {Source} source @param {string} specifier */
function refuseByName(root, { file, test }, specifier) {
  const name = packageName(specifier);
  const home = packageOf(file);
  const ours = [...PACKAGES.values()].some((row) => row.name === name);
  if (home !== null && ours && !home.may.some((allowed) => allowed === name)) {
    return `${home.name} may not import ${name}`;
  }
  if (ours && sourceOfExport(root, specifier) === null) return `${name} gives out no ${specifier}`;
  const folder = home?.folder ?? /^examples\/[^/]+\//.exec(file)?.[0];
  if (folder === undefined || isBuiltin(name)) return null;
  const { declared, devDependencies } = manifest(root, folder);
  const known = test ? [...declared, ...devDependencies, ...manifest(root, '').devDependencies] : declared;
  return known.includes(name) ? null : `${name} is not among the dependencies in ${folder}package.json`;
}

/** @param {string} name */
function isBuiltin(name) {
  return process.getBuiltinModule(name) !== undefined;
}

/**
 * A dependency that nothing imports is left over from something, unless it is there
 * for another package of ours, which asks its users for it.
 *
 * @param {string} root
 * @param {readonly Source[]} sources
 * @returns {Breach[]}
 */
function checkUnused(root, sources) {
  return [...PACKAGES.keys()].flatMap((folder) => {
    const imported = new Set(
      sources
        .filter(({ file, test }) => file.startsWith(folder) && !test)
        .flatMap(({ imports }) => imports.map(({ specifier }) => packageName(specifier ?? ''))),
    );
    const file = `${folder}package.json`;
    const { dependencies } = manifest(root, folder);
    const asked = new Set(
      [...PACKAGES]
        .filter(([, { name }]) => dependencies.includes(name))
        .flatMap(([other]) => manifest(root, other).peerDependencies),
    );
    return dependencies
      .filter((name) => !imported.has(name) && !asked.has(name))
      .map((name) => ({ file, line: 1, message: `nothing imports the dependency ${name}` }));
  });
}

/** @param {Source} source @param {string} to @param {boolean} typeOnly */
function refusePlace({ file, test }, to, typeOnly) {
  if (/\.test\.[mc]?[jt]s$/.test(to)) return 'a test is not imported';
  const from = rowOf(file);
  const target = rowOf(to);
  if (from === null || target === null) return null;
  const [place, , may] = from;
  const [wanted] = target;
  // A test needs a store to test on, and the embedded one is the fake.
  if (wanted === place || may.includes(wanted) || (test && wanted === 'stores')) return null;
  if (typeOnly && may.includes(`types of ${wanted}`)) return null;
  return `${place} may not import ${wanted}: only ${may.length === 0 ? 'itself' : may.join(', ')}`;
}

/**
 * One breach for each group of files that import each other in a circle: the
 * shortest way round from the first of them.
 *
 * @param {readonly Edge[]} edges
 * @returns {Breach[]}
 */
function checkCycles(edges) {
  /** @type {Map<string, Edge[]>} */
  const out = Map.groupBy(edges, ({ from }) => from);
  /** @type {Set<string>} */
  const told = new Set();
  /** @type {Breach[]} */
  const breaches = [];
  for (const start of [...out.keys()].toSorted()) {
    const way = told.has(start) ? null : wayRound(start, out);
    if (way === null) continue;
    for (const { from } of way) told.add(from);
    const names = [start, ...way.map(({ to }) => to)];
    breaches.push({
      file: start,
      line: way[0]?.line ?? 1,
      message: `imports go in a circle: ${names.join(' → ')}`,
    });
  }
  return breaches;
}

/** @param {string} start @param {ReadonlyMap<string, readonly Edge[]>} out @returns {Edge[] | null} */
function wayRound(start, out) {
  /** @type {Map<string, Edge[]>} */
  const ways = new Map([[start, []]]);
  // A Map is walked in the order of insertion, also over what is added meanwhile.
  for (const [file, way] of ways) {
    for (const edge of out.get(file) ?? []) {
      if (edge.to === start) return [...way, edge];
      if (!ways.has(edge.to)) ways.set(edge.to, [...way, edge]);
    }
  }
  return null;
}

/** @param {string} root @returns {{ breaches: Breach[], files: number }} */
function check(root) {
  const sources = read(root);
  const known = new Set(sources.map(({ file }) => file));
  const checked = sources.map((source) => checkImports(root, source, known));
  const breaches = [
    ...sources.flatMap((source) => [...checkNames(source), ...checkSingleDoors(source)]),
    ...checked.flatMap((result) => result.breaches),
    ...checkCycles(checked.flatMap((result) => result.edges)),
    ...checkUnused(root, sources),
  ];
  return {
    breaches: breaches.toSorted(
      (left, right) => left.file.localeCompare(right.file) || left.line - right.line,
    ),
    files: sources.length,
  };
}

const { breaches, files } = check(path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '..')));
for (const { file, line, message } of breaches) console.error(`${file}:${line} ${message}`);
console.log(`imports: ${files} files, ${breaches.length} ${breaches.length === 1 ? 'breach' : 'breaches'}`);
if (breaches.length > 0 || files === 0) process.exitCode = 1;
