import type { Millis, Timestamp } from '@latchkey/verify';

/** What draws nothing, or moves what follows it: a terminal would obey the token. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Writes control and invisible characters of a text as JSON escapes them, line breaks apart. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) =>
    character === '\n'
      ? character
      : Array.from(
          { length: character.length },
          (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
        ).join(''),
  );
}

const LONGEST = 60;

/** A name of the token's own on one short line, with nothing in it that a terminal obeys. */
export function printable(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return visible(short).replaceAll('\n', '\\n');
}

const UNITS: readonly (readonly [unit: string, size: Millis])[] = [
  ['year', 365.25 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/** A length of time as people say it: `5 minutes`, `2 days`. */
export function spell(millis: Millis): string {
  // The largest unit of which there are two, so that little is rounded away.
  const [unit, size] = UNITS.find(([, each]) => millis >= 2 * each) ?? ['second', 1_000];
  return count(Math.round(millis / size), unit);
}

/** A point in time, and how far it is from now: `2026-11-23 12:00:00 UTC, in 5 minutes`. */
export function spellTime(at: Timestamp, now: Timestamp): string {
  const text = new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
  return at > now ? `${text}, in ${spell(at - now)}` : `${text}, ${spell(now - at)} ago`;
}

/** The type of a claim, with its length where it has one, and nothing of its value. */
export function spellType(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `string of ${count([...value].length, 'character')}`;
  if (Array.isArray(value)) return `list of ${count(value.length, 'value')}`;
  if (typeof value === 'object') return `object of ${count(Object.keys(value).length, 'member')}`;
  return typeof value;
}

/** `1 byte`, `2 bytes`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}

/** Breaks words into lines of at most 100 characters, the later ones under the first. */
export function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || `${indent}${last} ${word}`.length > 100) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join(`\n${indent}`);
}
