/** Words of 32 bits in a subject. */
export const SUBJECT_WORDS = 4;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const CHARACTERS = 22;
const NO_DIGIT = 64;

/** By the code of a character, what it stands for in base64url. */
const DIGITS: Readonly<Uint8Array> = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = ALPHABET.indexOf(String.fromCharCode(code));
  return digit === -1 ? NO_DIGIT : digit;
});

/**
 * Writes the sixteen bytes that a text spells in base64url into `words`, the first byte
 * highest, so that words are ordered as the bytes are. By hand, since each check does it
 * and a buffer for each costs more than the search that follows.
 *
 * @returns whether the text spells sixteen bytes, in the one spelling that they have.
 */
export function readSubject(text: string, words: Uint32Array): boolean {
  if (text.length !== CHARACTERS) return false;
  let word = 0;
  let bits = 0;
  let at = 0;
  for (let index = 0; index < CHARACTERS; index += 1) {
    const digit = DIGITS[text.charCodeAt(index)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) return false;
    const wanted = 32 - bits;
    if (wanted > 6) {
      word = word * 64 + digit;
      bits += 6;
      continue;
    }
    // The word is full: what is left of the digit begins the next one.
    const left = 6 - wanted;
    words[at] = word * 2 ** wanted + (digit >>> left);
    at += 1;
    word = digit & (2 ** left - 1);
    bits = left;
  }
  // Four bits are no part of any byte (RFC 4648 §3.5).
  return word === 0;
}

/** The inverse of `readSubject`. */
export function writeSubject(words: Uint32Array): string {
  const bytes = Buffer.alloc(4 * SUBJECT_WORDS);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, 4 * index);
  return bytes.toString('base64url');
}
