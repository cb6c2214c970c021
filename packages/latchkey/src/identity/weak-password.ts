import { COMMON_PASSWORDS } from './common-passwords.ts';

const LETTER = /\p{L}/u;

const SUBSTITUTED: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Rows of a keyboard and orders that everybody knows, each also backwards and around again. */
const WALKS = [
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertyuiopasdfghjklzxcvbnm',
  'azertyuiop',
  'qwertzuiop',
  '1234567890',
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
];
const WALKED: readonly string[] = WALKS.flatMap((walk) => {
  const around = walk.repeat(8);
  return [around, [...around].toReversed().join('')];
});

/**
 * Whether a password is among those that are tried first: an entry of the
 * blocklist, the same again and again, with digits or signs at its ends or in
 * place of letters; one or two characters; a walk over the keyboard.
 *
 * It looks at the whole password, never for an entry inside it (NIST SP
 * 800-63B-4 §3.1.1.2): a long phrase may hold the word "password".
 */
export function isCommon(password: string): boolean {
  const text = squeeze(password);
  if (new Set(text).size <= 2) return true;
  // The ends go before digits become letters, or those of a year would stay.
  const bare = [text, withoutEnds(text)];
  for (const form of bare.flatMap((part) => [part, substitute(part, 'l'), substitute(part, 'i')])) {
    for (const whole of [form, withoutEnds(form)]) {
      if (whole === '') continue;
      const unit = repeatedUnit(whole);
      // Some entries are two copies of something that is none itself.
      const entries = [whole, unit, unit.repeat(2), withoutEnds(unit)];
      if (entries.some((entry) => COMMON_PASSWORDS.has(entry))) return true;
      if (
        whole.length >= 6 &&
        WALKED.some((walk) => walk.includes(whole) || (unit.length >= 3 && walk.includes(unit)))
      ) {
        return true;
      }
    }
  }
  return false;
}

/**
 * Whether nothing but digits and signs is left of a password when these words are
 * taken away, however often they stand there and if digits stand for their letters.
 * Words of two bytes or one count for nothing: most texts can be spelled by them.
 */
export function consistsOf(password: string, words: readonly string[]): boolean {
  const known = words.map((word) => lettersOf(squeeze(word))).filter((word) => Buffer.byteLength(word) >= 3);
  const text = squeeze(password);
  return LETTER.test(text) && isSpelled(text, [...new Set(known)]);
}

function lettersOf(text: string): string {
  return text.replaceAll(/[^\p{L}]/gu, '');
}

/** Each digit or sign is either a letter of a word or nothing, as it suits whoever guesses. */
function isSpelled(text: string, known: readonly string[]): boolean {
  const forms = [text, substitute(text, 'l'), substitute(text, 'i')];
  /** Which beginnings can be spelled by the words: one pass, whatever the words are. */
  const spelled: boolean[] = [true];
  for (let end = 1; end <= text.length; end += 1) {
    spelled[end] =
      (spelled[end - 1] === true && !LETTER.test(text[end - 1] ?? 'x')) ||
      known.some(
        (word) =>
          spelled[end - word.length] === true &&
          forms.some((form) => form.startsWith(word, end - word.length)),
      );
  }
  return spelled[text.length] === true;
}

function squeeze(password: string): string {
  return password.toLowerCase().replaceAll(/[\s._-]/g, '');
}

function substitute(text: string, one: 'l' | 'i'): string {
  return Array.from(text, (character) =>
    character === '1' ? one : (SUBSTITUTED[character] ?? character),
  ).join('');
}

/** By hand: a pattern that is anchored at the end looks at each start. */
function withoutEnds(text: string): string {
  const isLetter = (index: number): boolean => /\p{L}/u.test(text[index] ?? 'x');
  let start = 0;
  let end = text.length;
  while (start < end && !isLetter(start)) start += 1;
  while (end > start && !isLetter(end - 1)) end -= 1;
  return text.slice(start, end);
}

/** What `text` is one and a half copies of or more; else `text` (Knuth, Morris, Pratt's failure function). */
function repeatedUnit(text: string): string {
  const border = [0];
  for (let index = 1, length = 0; index < text.length; index += 1) {
    while (length > 0 && text[index] !== text[length]) length = border[length - 1] ?? 0;
    if (text[index] === text[length]) length += 1;
    border[index] = length;
  }
  const period = text.length - (border[text.length - 1] ?? 0);
  return period * 1.5 <= text.length ? text.slice(0, period) : text;
}
