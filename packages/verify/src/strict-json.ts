/** Why a text was not read as JSON. */
export type JsonRefusal =
  | 'not UTF-8'
  | 'not JSON'
  | 'too deep'
  | 'a key that stands twice'
  | 'a lone surrogate';

/** The text is not JSON that two parsers are sure to read alike. */
export class JsonRefused extends Error {
  override readonly name = 'JsonRefused';
  readonly reason: JsonRefusal;

  constructor(reason: JsonRefusal, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

const MAX_DEPTH = 16;

// A byte order mark is refused with everything else that is not JSON (RFC 8259 §8.1).
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads JSON from which no two parsers can take different meanings: valid UTF-8,
 * no key twice in an object, no lone surrogates, at most 16 levels deep
 * (RFC 8259 §4 and §8; RFC 8725 §3.7).
 *
 * @throws {JsonRefused} with the reason.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (error) {
    throw new JsonRefused('not UTF-8', { cause: error });
  }
  refuseDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonRefused('not JSON', { cause: error });
  }
  refuseRepeatedKeys(text);
  refuseLoneSurrogates(value);
  return value;
}

/** Index of the quote that closes the string whose opening quote is at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}

/** Before anything is parsed, since a parser's own stack is what depth attacks. */
function refuseDepth(text: string): void {
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') index = endOfString(text, index);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth > MAX_DEPTH) throw new JsonRefused('too deep');
  }
}

/** Relies on `text` being JSON: a string is a key exactly where a colon follows it. */
function refuseRepeatedKeys(text: string): void {
  /** The keys of each object that is open; an array has none. */
  const open: (Set<unknown> | null)[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(null);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, index);
      if (followedByColon(text, end + 1)) {
        // Compared as parsed, so that a key and its escaped spelling are one.
        const key: unknown = JSON.parse(text.slice(index, end + 1));
        const keys = open.at(-1);
        if (keys?.has(key) === true) throw new JsonRefused('a key that stands twice');
        keys?.add(key);
      }
      index = end;
    }
  }
}

function followedByColon(text: string, from: number): boolean {
  let index = from;
  while (' \t\n\r'.includes(text[index] ?? '"')) index += 1;
  return text[index] === ':';
}

function refuseLoneSurrogates(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new JsonRefused('a lone surrogate');
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      refuseLoneSurrogates(key);
      refuseLoneSurrogates(inner);
    }
  }
}
