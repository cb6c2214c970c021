import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseStrictJson } from '@latchkey/verify';
import { safeReturnTo } from '../../packages/latchkey/src/http/return-to.ts';
import { parseEmail } from '../../packages/latchkey/src/identity/email.ts';
import { passwordRules } from '../../packages/latchkey/src/identity/password-rules.ts';
import { parseSessionCredential, sessionCookie } from '../../packages/latchkey/src/sessions/cookie.ts';
import { deviceLabel } from '../../packages/latchkey/src/sessions/device.ts';

const LARGE = 100_000;
const TIMES = 4;
/** Four times the input takes four times as long where it is linear and sixteen where it is quadratic. */
const MOST_RATIO = 10;
/** Below it a clock and a garbage collector say more than the parser. */
const UNNOTICED_MS = 25;
const ROUNDS = 5;

const RULES = passwordRules({ length: 15, contextWords: ['latchkey', 'acme'] });
const COOKIE = sessionCookie({ url: new URL('https://app.example.com'), secure: true, absolute: 1_000 });
const ALLOWED = { own: 'https://app.example.com', listed: new Set<string>() };
const OWNER = { email: 'ada@example.com', name: 'Ada Augusta King '.repeat(12) };

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What a parser is given: a text of about so many characters. */
type Input = readonly [what: string, make: (length: number) => string];

const filled = (what: string, piece: string, before = '', after = ''): Input => [
  what,
  (length) => before + piece.repeat(Math.ceil(length / piece.length)) + after,
];

const TEXTS: readonly Input[] = [
  filled('letters', 'a'),
  filled('spaces', ' '),
  filled('digits', '1'),
  filled('at signs', '@'),
  filled('dots', 'a.', 'a@'),
  filled('hyphens', '-', 'a@'),
  filled('a domain of IDN', 'ü.', 'a@', 'example'),
  filled('marks', '\u0301'),
  ['marks out of order', (length) => '\u0301'.repeat(length / 2) + '\u0316'.repeat(length / 2)],
  filled('spaces around letters', 'a '),
  filled('a word again and again and then another letter', 'acme', '', 'x'),
  filled('words that overlap', 'a', '', 'b'),
  filled('digits for letters', '4cm3'),
  filled('semicolons', ';'),
  filled('a cookie of another name', '__Host-latchkey2=x; '),
  filled('tabs and spaces', ' \t', '__Host-latchkey='),
  filled('slashes', '/'),
  filled('backslashes', '\\', '/'),
  filled('dot segments', '../', '/'),
  filled('percents', '%2e', '/'),
  filled('products', 'Mozilla/5.0 (', ''),
  filled('versions', 'Version/1.0 '),
  filled('parentheses', '('),
  filled('a browser of a phone', 'Android ; ', 'Mozilla/5.0 '),
  filled('quotes', '"'),
  filled('escapes', '\\\\', '"', '"'),
  filled('arrays in a row', '[],', '[', '0]'),
  ['keys', (length) => `{${Array.from({ length: length / 10 }, (_, key) => `"${key}":0`).join()}}`],
  filled('key marks without end', '"a"  ', '{'),
  filled('spaces after a string', ' ', '["a"', ']'),
  filled('surrogates', '\\ud800', '["', '"]'),
];

type Parse = (text: string) => unknown;
/** In milliseconds since whenever. */
type Stopwatch = () => number;

const PARSERS: readonly [name: string, parse: Parse][] = [
  ['an address', parseEmail],
  ['a new password', (text) => RULES.check(text, OWNER)],
  ['a new password that is not too long', (text) => RULES.check(text.slice(0, 1_024), OWNER)],
  ['a password at sign-in', (text) => RULES.normalise(text)],
  ['a cookie header', (text) => COOKIE.find(text)],
  ['a session cookie', parseSessionCredential],
  ['return_to', (text) => safeReturnTo(text, ALLOWED, '/')],
  ['a user agent', deviceLabel],
  ['JSON', (text) => parseStrictJson(bytes(text))],
];

/** The least that it took in some rounds, in milliseconds; a refusal is an answer. */
function timeOf(parse: Parse, text: string, unnoticed: number, now: Stopwatch): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = now();
    try {
      parse(text);
    } catch {
      // How long it takes is what is asked here.
    }
    least = Math.min(least, now() - start);
    if (least < unnoticed) break;
  }
  return least;
}

/** Which inputs cost far more than in proportion to their length. */
function slowOnes(parse: Parse, now: Stopwatch = () => performance.now()): string[] {
  return TEXTS.flatMap(([what, make]) => {
    const long = timeOf(parse, make(LARGE), UNNOTICED_MS, now);
    if (long < UNNOTICED_MS) return [];
    const short = timeOf(parse, make(LARGE / TIMES), 0, now);
    return long / short > MOST_RATIO ? [`${what}: ${short.toFixed(1)} ms, then ${long.toFixed(1)} ms`] : [];
  });
}

describe('100 kB that were written to be slow', () => {
  for (const [name, parse] of PARSERS) {
    test(`are read in proportion to their length as ${name} (@incident D2)`, () => {
      assert.deepEqual(slowOnes(parse), []);
    });
  }

  // By a clock of its own: whether the machine has time for it is not what is asked here.
  for (const [name, cost, noticed] of [
    ['in proportion', (length: number) => length / 1_000, 0],
    ['in proportion to the square', (length: number) => length ** 2 / 1e8, TEXTS.length],
    ['in proportion to the square, and too little to be noticed', (length: number) => length ** 2 / 1e9, 0],
  ] as const) {
    test(`would be noticed where they are not: ${name} (@incident D2)`, () => {
      let now = 0;
      const parse: Parse = ({ length }) => {
        now += cost(length);
        throw new TypeError('refused');
      };
      assert.equal(slowOnes(parse, () => now).length, noticed);
    });
  }
});
