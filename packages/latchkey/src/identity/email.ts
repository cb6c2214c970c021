import { domainToASCII, domainToUnicode } from 'node:url';
import { invalid } from '../errors.ts';

/** An e-mail address in its two forms: one is written to, the other is compared. */
export interface EmailAddress {
  /** As its owner typed it: shown and mailed, never compared. */
  readonly email: string;
  /** Compared, and unique: the local part in ASCII lower case, `@`, the domain in ASCII. */
  readonly key: string;
}

/** RFC 5321 §4.5.3.1.3: a path of 256 bytes, less its two angle brackets. */
const MOST_BYTES = 254;

/** RFC 5321 §4.5.3.1.1. */
const MOST_LOCAL_BYTES = 64;

/**
 * The `atext` of RFC 5322 §3.2.3 without `%` and `!`, by which old mailers route
 * to another host, and without `|` and the backtick, which a shell acts on.
 */
const ASCII_ATOM = /^[A-Za-z0-9#$&'*+\-/=?^_{}~]+$/;

const ASCII_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Letters and numbers of any script, and marks; nothing that draws nothing. */
const READABLE = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}\p{M}]+$/u;

/** A mark on a Latin letter that has no single character: `i` with a second dot looks like `i`. */
const MARK_ON_LATIN = /[\p{Script=Latin}\p{N}]\p{M}/u;

/** Scripts whose letters look like one another's. */
const LOOKALIKE_SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
];

/**
 * Reads one e-mail address. It refuses whatever two programs could read as two
 * different mailboxes, and whatever looks like an address that it isn't: what
 * is typed is then what is compared, but for ASCII case and the spelling of the
 * domain (`bücher.example` is `xn--bcher-kva.example`), and the two never
 * collide under a case map or a normalisation that a mailer applies.
 *
 * The local part is a dot-atom (RFC 5322 §3.2.3, RFC 6531 §3.3) of at most 64
 * bytes, the whole at most 254 bytes, the domain at least two labels and no
 * network address (UTS #46, RFC 5890 §2.3).
 *
 * @throws {LatchkeyError} `LK_REQUEST_INVALID` for the field `email`, with the reason.
 */
export function parseEmail(text: string): EmailAddress {
  // UTF-16 units are never more than bytes, so that nothing long is looked at any further.
  if (text.length > MOST_BYTES || Buffer.byteLength(text) > MOST_BYTES) {
    throw invalid('email', `is longer than ${MOST_BYTES} bytes`);
  }
  const at = text.indexOf('@');
  if (at === -1 || at !== text.lastIndexOf('@')) throw invalid('email', 'must have exactly one @');
  const local = parseLocal(text.slice(0, at));
  const key = `${local}@${parseDomain(text.slice(at + 1))}`;
  if (Buffer.byteLength(key) > MOST_BYTES) {
    throw invalid('email', `is longer than ${MOST_BYTES} bytes once its domain is written in ASCII`);
  }
  return { email: text, key };
}

/**
 * The compared form of what may be an address or the beginning of one, for a search: as
 * `parseEmail` has it where it is an address, else in ASCII lower case.
 */
export function emailKeyOf(text: string): string {
  try {
    return parseEmail(text).key;
  } catch {
    return lowerAscii(text);
  }
}

/** The compared form of a local part. */
function parseLocal(local: string): string {
  if (Buffer.byteLength(local) > MOST_LOCAL_BYTES) {
    throw invalid('email', `has more than ${MOST_LOCAL_BYTES} bytes before the @`);
  }
  // A mailer that starts a program would take it for an option.
  if (local.startsWith('-')) throw invalid('email', 'must not begin with a hyphen');
  for (const atom of local.split('.')) {
    if (atom === '') throw invalid('email', 'must have something before the @ and between its dots');
    if (ASCII_ATOM.test(atom)) continue;
    if (!isPlain(atom.replace(/[A-Za-z0-9#$&'*+\-/=?^_{}~]+/g, 'a')) || !isStable(atom)) {
      throw invalid('email', 'has a character before the @ that cannot be used');
    }
  }
  if (mixesScripts(local)) throw invalid('email', 'mixes letters of scripts that look alike before the @');
  return lowerAscii(local);
}

/** The ASCII form of a domain, in lower case. */
function parseDomain(domain: string): string {
  const typed = lowerAscii(domain);
  const labels = typed.split('.');
  if (labels.length < 2 || labels.includes('')) {
    throw invalid('email', 'must have a domain of at least two parts, such as example.com');
  }
  const ascii = domainToASCII(typed);
  const unicode = domainToUnicode(ascii);
  // What maps to another name (`ß` to `ss`) would be mailed to another name by a
  // mailer that maps differently. This also refuses what the converter, a parser
  // of URLs, takes upon itself: it drops tabs, decodes %, and stops at a slash.
  const unmapped = typed === ascii || (typed === unicode && isStable(typed));
  // What cannot be decoded keeps its xn--.
  const decoded = unicode.split('.').every((label) => isLabel(label) && !label.startsWith('xn--'));
  if (!unmapped || !decoded || !ascii.split('.').every((label) => ASCII_LABEL.test(label))) {
    throw invalid('email', 'has a domain that is not a valid name');
  }
  if (/(?:^|\.)\d+$/.test(ascii)) throw invalid('email', 'must have a domain name, not a network address');
  if (unicode.split('.').some(mixesScripts)) {
    throw invalid('email', 'mixes letters of scripts that look alike in its domain');
  }
  return ascii;
}

/** ASCII alone: every other case map has pairs that meet (`ı` and `i`, the Kelvin sign and `k`). */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isLabel(label: string): boolean {
  return ASCII_LABEL.test(label) || (!/^-|-$/.test(label) && isPlain(label.replaceAll('-', '')));
}

function isPlain(text: string): boolean {
  return READABLE.test(text) && !MARK_ON_LATIN.test(text);
}

/** Whether no normalisation and no map of case makes another text of it, ASCII case apart. */
function isStable(text: string): boolean {
  const lower = lowerAscii(text);
  return (
    text.normalize('NFKC') === text &&
    lower.toLowerCase() === lower &&
    lower.toUpperCase().toLowerCase() === lower
  );
}

function mixesScripts(text: string): boolean {
  return LOOKALIKE_SCRIPTS.filter((script) => script.test(text)).length > 1;
}
