import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { advise } from '../../packages/latchkey/src/command/advise-advice.ts';
import {
  type Answers,
  choicesOf,
  QUESTIONS,
  type QuestionName,
} from '../../packages/latchkey/src/command/advise-questions.ts';
import { librarySnippet, serverSnippet } from '../../packages/latchkey/src/command/advise-snippet.ts';
import {
  PRICE_OF_REFRESH,
  PRICE_WITHOUT_REFRESH,
  PRICES,
  PROFILE_REASONS,
  REASONS,
  WARNINGS,
} from '../../packages/latchkey/src/command/advise-texts.ts';
import { run, temporaryFolder } from '../server/process.ts';

const ROOT = path.join(import.meta.dirname, '../..');

const FLAGS: Readonly<Record<QuestionName, string>> = {
  callers: 'pages,apps',
  nodes: 'one',
  services: 'none',
  revocation: 'at-once',
  outage: 'nothing',
  secrets: 'device',
  sensitivity: 'ordinary',
};

const flags = (given: Readonly<Record<string, string>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);

describe('latchkey advise', () => {
  test('answers flags without a question', async () => {
    const { code, stdout, stderr } = await run(['advise', ...flags(FLAGS)], {});
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /^Client web, mode session$/m);
    assert.match(stdout, /^Client mobile, mode jwt$/m);
    assert.match(stdout, /clients: \{ web: 'session', mobile: 'jwt' \},/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 120, line);
  });

  test('answers scripts with JSON that has all that people are told', async () => {
    const { code, stdout } = await run(['advise', ...flags({ ...FLAGS, nodes: 'several' }), '--json'], {});
    assert.equal(code, 0);
    const advice: unknown = JSON.parse(stdout);
    const answers: Answers = {
      callers: ['pages', 'apps'],
      nodes: 'several',
      services: 'none',
      revocation: 'at-once',
      outage: 'nothing',
      secrets: ['device'],
      sensitivity: 'ordinary',
    };
    const expected = advise(answers);
    const { options } = expected;
    const configuration = { library: librarySnippet(options), server: serverSnippet(options) };
    assert.deepEqual(advice, { answers, ...expected, configuration });
  });

  for (const name of Object.keys(QUESTIONS) as QuestionName[]) {
    test(`names --${name} in one line where it is missing and there is no terminal`, async () => {
      const { [name]: _left, ...rest } = FLAGS;
      const { code, stdout, stderr } = await run(['advise', ...flags(rest)], {});
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, /^latchkey: [^\n]+\n$/);
      assert.ok(stderr.includes(` --${name} `));
    });

    test(`refuses an answer to --${name} that is none, and names those that are`, async () => {
      const { code, stdout, stderr } = await run(['advise', ...flags({ ...FLAGS, [name]: 'other' })], {});
      assert.equal(code, 1);
      assert.equal(stdout, '');
      for (const choice of choicesOf(name)) assert.ok(stderr.includes(choice));
    });
  }

  test('explains every answer in its help', async () => {
    const { code, stdout } = await run(['advise', '--help'], {});
    assert.equal(code, 0);
    for (const { choices } of Object.values(QUESTIONS)) {
      for (const [choice, means] of Object.entries(choices))
        assert.match(stdout, new RegExp(`${choice} +${means}`));
    }
  });
});

describe('what is advised to be pasted', () => {
  const folder = temporaryFolder();
  const secret = process.env['LATCHKEY_SECRET'];
  before(() => {
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder.path, 'node_modules'));
    writeFileSync(path.join(folder.path, 'package.json'), '{ "type": "module" }');
    process.env['LATCHKEY_SECRET'] = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString(
      'hex',
    );
  });
  after(() => {
    if (secret === undefined) delete process.env['LATCHKEY_SECRET'];
    else process.env['LATCHKEY_SECRET'] = secret;
    folder.remove();
  });

  const load = async (name: string, snippet: string): Promise<Readonly<Record<string, unknown>>> => {
    const file = path.join(folder.path, name);
    writeFileSync(file, snippet);
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  };

  /** Answers that between them bring up every line that a snippet can have. */
  const SAMPLES: readonly Answers[] = choicesOf('services').flatMap((services) =>
    choicesOf('sensitivity').flatMap((sensitivity) =>
      choicesOf('revocation').flatMap((revocation) =>
        (['server', 'device', 'browser'] as const).map((keeper) => ({
          callers: ['pages', 'browser', 'apps'] as const,
          nodes: 'one' as const,
          services,
          revocation,
          outage: 'minute' as const,
          secrets: [keeper],
          sensitivity,
        })),
      ),
    ),
  );

  test('runs as it stands, in an application', async () => {
    for (const [index, answers] of SAMPLES.entries()) {
      const { options, clients } = advise(answers);
      const { auth } = await load(`app-${index}.ts`, librarySnippet(options));
      assert.ok(typeof auth === 'object' && auth !== null && 'config' in auth);
      const { config } = auth as { config: { clients: ReadonlyMap<string, unknown> } };
      assert.deepEqual(
        [...config.clients.keys()],
        clients.map(({ name }) => name),
      );
    }
  });

  test('and says the same as latchkey.config.ts', async () => {
    for (const [index, answers] of SAMPLES.entries()) {
      const { options } = advise(answers);
      const { default: given } = await load(`server-${index}.ts`, serverSnippet(options));
      assert.deepEqual(given, options);
    }
  });

  test('and the command reads it', async () => {
    const [answers] = SAMPLES;
    assert.ok(answers !== undefined);
    writeFileSync(path.join(folder.path, 'latchkey.config.ts'), serverSnippet(advise(answers).options));
    const { code, stdout, stderr } = await run(['config', '--json'], {}, '', folder.path);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.match(stdout, /"name": "clients",\s+"value": "[^"]*",\s+"source": "latchkey\.config\.ts"/);
  });
});

describe('docs/choosing.md', () => {
  const page = readFileSync(path.join(ROOT, 'docs/choosing.md'), 'utf8');
  const texts = [
    ...Object.values(PRICES).flat(),
    PRICE_OF_REFRESH,
    PRICE_WITHOUT_REFRESH,
    ...Object.values(REASONS),
    ...Object.values(PROFILE_REASONS),
    ...Object.values(WARNINGS),
  ];
  test('has every reason, price and warning of the command, in its words', () => {
    assert.deepEqual(
      texts.filter((text) => !page.includes(text)),
      [],
    );
  });
});
