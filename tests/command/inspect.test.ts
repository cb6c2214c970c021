import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { type Ended, run } from '../server/process.ts';

type Json = Readonly<Record<string, unknown>>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const NOW = Math.floor(Date.now() / 1_000);
const CLAIMS: Json = {
  iss: 'https://auth.example.com',
  aud: 'orders',
  sub: 'AZjwwnsceloAAAAAAAAAAQ',
  jti: 'AZjwwnsceloAAAAAAAAAAg',
  iat: NOW - 60,
  exp: NOW + 240,
};

/** A token with a shared secret that nobody guesses. */
function token(header: Json = {}, claims: Json = {}): string {
  const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', ...header })}.${encode({ ...CLAIMS, ...claims })}`;
  return `${signed}.${createHmac('sha256', 'f29c04d1a7be4f8f9d3c6b5a08e7').update(signed).digest('base64url')}`;
}

const inspect = (args: readonly string[], input?: string): Promise<Ended> =>
  run(['inspect', ...args], {}, input);

const VALUES = ['ada@example.com', 'correct horse battery', '4111111111111111', 'eve@example.com'] as const;
const LEAKS = token({}, { email: VALUES[0], password: VALUES[1], paid: [VALUES[2]], [VALUES[3]]: 1 });

describe('latchkey inspect', () => {
  for (const [title, text, expected] of [
    ['nothing but a note', token(), 0],
    ['a warning', token({}, { aud: undefined }), 2],
    ['something bad', token({}, { exp: undefined }), 3],
    ['a bad thing and a warning', token({}, { exp: undefined, aud: undefined }), 3],
    ['no token at all', 'hello', 3],
  ] as const) {
    test(`exits with ${expected} for ${title}`, async () => {
      const { code, stderr } = await inspect(['-'], text);
      assert.equal(stderr, '');
      assert.equal(code, expected);
    });
  }

  for (const [title, args, input] of [
    ['no token', [], ''],
    ['an option that is not known', ['-', '--verify'], ''],
    ['two tokens', [token(), token()], ''],
    ['input without end', ['-'], 'e'.repeat(1_000_001)],
  ] as const) {
    test(`exits with 1 for ${title}, apart from whatever it could find`, async () => {
      const { code, stdout, stderr } = await inspect(args, input);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.notEqual(stderr, '');
    });
  }

  test('reads a token as an argument and from standard input alike', async () => {
    const one = await inspect([LEAKS, '--json']);
    const other = await inspect(['-', '--json'], `Bearer ${LEAKS}\n`);
    assert.equal(one.stdout, other.stdout);
  });

  test('prints names, types and times in plain words, and no value', async () => {
    const { stdout } = await inspect(['-'], LEAKS);
    assert.match(stdout, /^A signed JWT, \d+ bytes\.$/m);
    assert.match(stdout, /^ {2}alg {2}HS256$/m);
    assert.match(stdout, /^ {2}email +string of 15 characters$/m);
    assert.match(stdout, /^ {2}exp +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in \d+ (?:minutes|seconds)$/m);
    assert.match(stdout, /^4 bad, 0 warnings, 1 note\. No signature was verified\.$/m);
    for (const value of [...VALUES, 'auth.example.com']) assert.ok(!stdout.includes(value), value);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  });

  test('prints no value to scripts either, unless it is told to', async () => {
    const { stdout } = await inspect(['-', '--json'], LEAKS);
    const told = await inspect(['-', '--json', '--show'], LEAKS);
    const { findings } = JSON.parse(stdout) as { findings: readonly { code: string; member: string }[] };
    assert.deepEqual(
      findings.map(({ code, member }) => [code, member]),
      [
        ['sensitive', 'email'],
        ['sensitive', 'password'],
        ['sensitive', 'paid'],
        ['sensitive', '…'],
        ['alg-shared', 'alg'],
      ],
    );
    for (const value of VALUES) {
      assert.ok(!stdout.includes(value));
      assert.ok(told.stdout.includes(value));
    }
    const { decoded } = JSON.parse(told.stdout) as { decoded: { payload: Json } };
    assert.equal(decoded.payload['email'], VALUES[0]);
  });

  for (const show of [[], ['--show'], ['--json'], ['--json', '--show']]) {
    test(`hands nothing to the terminal that it would obey ${show.join(' ')}`, async () => {
      const hostile = '\u001b]0;owned\u0007\u009b31m\u202e\r\u2028';
      const { stdout } = await inspect(
        ['-', ...show],
        token({ kid: hostile }, { [hostile]: hostile, sub: hostile }),
      );
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
    });
  }

  test('says how to keep a token out of the history, and what its exit codes mean, as the docs do', async () => {
    const { code, stdout } = await inspect(['--help']);
    const page = readFileSync(path.join(import.meta.dirname, '../../docs/choosing.md'), 'utf8');
    assert.equal(code, 0);
    assert.match(stdout, /history of your shell/);
    for (const [, exit, means] of stdout.matchAll(/^ {2}(\d) {2}(.+)$/gm))
      assert.ok(page.includes(`| ${exit} | ${means} |`), means);
    assert.equal([...stdout.matchAll(/^ {2}(\d) {2}(.+)$/gm)].length, 4);
  });
});
