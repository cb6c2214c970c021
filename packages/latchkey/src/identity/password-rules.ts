import { failure, invalid, type PasswordRefusal } from '../errors.ts';
import { consistsOf, isCommon } from './weak-password.ts';

/** More is no password that anyone types, and each byte is hashed. */
const MAX_BYTES = 1_024;
/**
 * UTF-16 units of the longest text whose NFC may still have `MAX_BYTES`: at the
 * most, three units (a letter and two marks) become a letter of two bytes. What
 * is longer is not normalised, because sorting a row of marks takes the square
 * of its length: 64 kB of them would hold up everybody else for half a second.
 */
const LONGEST_TYPED = MAX_BYTES * 1.5;
/** Words that no password of this product may consist of, whatever is configured. */
const OWN_WORDS = ['latchkey', 'password'];

/** Whose password it is to be. */
export interface PasswordOwnerWords {
  readonly email: string;
  readonly name: string | null;
}

/** What a new password must be (NIST SP 800-63B-4 §3.1.1.2): long enough and not among the first guesses. Nothing about its characters. */
export interface PasswordRules {
  /**
   * Holds a new password against the rules.
   *
   * @throws `LK_PASSWORD_REFUSED` with the reason and a sentence of guidance;
   *   `LK_REQUEST_INVALID` for a lone surrogate, of which UTF-8 has no form, so
   *   that two passwords would become one.
   */
  check(password: string, owner: PasswordOwnerWords): void;
  /**
   * NFC, so that a password is the same on every keyboard (NIST SP 800-63B-4
   * §3.1.1.2). Nothing else is changed: no case, no space, no length (ASVS 6.2.8).
   * A text that is too long for any password comes back as it is.
   */
  normalise(password: string): string;
}

/** Makes the rules. `length` is the least number of code points. */
export function passwordRules(options: {
  readonly length: number;
  readonly contextWords: readonly string[];
}): PasswordRules {
  const { length } = options;
  const contextWords = [...OWN_WORDS, ...options.contextWords];
  const normalise = (password: string): string =>
    password.length > LONGEST_TYPED ? password : password.normalize('NFC');
  return {
    normalise,
    check: (password, owner) => {
      if (!password.isWellFormed()) throw invalid('password', 'holds half a character');
      const text = normalise(password);
      if (Buffer.byteLength(text) > MAX_BYTES) refuse('too_long', `Use at most ${MAX_BYTES} bytes.`);
      if ([...text].length < length) {
        refuse('too_short', `Use at least ${length} characters. A few unrelated words work well.`);
      }
      if (isCommon(text)) {
        refuse(
          'common',
          'This is among the passwords that are tried first. Use a few unrelated words instead.',
        );
      }
      if (consistsOf(text, contextWords)) {
        refuse(
          'context',
          'This consists of words that anyone would try here. Use a few unrelated words instead.',
        );
      }
      if (consistsOf(text, [...contextWords, ...personalWords(owner)])) {
        refuse('personal', 'This consists of your own name or address. Use a few unrelated words instead.');
      }
    },
  };
}

function personalWords({ email, name }: PasswordOwnerWords): readonly string[] {
  return `${email} ${name ?? ''}`.split(/[^\p{L}]+/u);
}

function refuse(reason: PasswordRefusal, message: string): never {
  throw failure('LK_PASSWORD_REFUSED', { reason, message });
}
