/*
 * Just enough of a scanner for TypeScript and JavaScript to tell code from
 * comments, strings, templates and regular expressions. It exists because
 * TypeScript 7 has no API to parse with, and a check of imports must not be
 * fooled by an import in a comment.
 */

/**
 * @typedef {object} ImportLine
 * @property {string | null} specifier What is imported; `null` where it is computed at run time.
 * @property {string} clause What stands between `import` and `from`.
 * @property {number} line
 */

/** After these words a slash begins a regular expression; after any other word it divides. */
const BEFORE_A_VALUE = /\b(return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield|instanceof)$/;

/** Each part of a literal that is not code, tried at one place of the text. */
const LITERALS = [/\/\/[^\n]*/y, /\/\*[^]*?\*\//y, /'(?:\\[^]|[^'\\\n])*'/y, /"(?:\\[^]|[^"\\\n])*"/y];
const REGULAR_EXPRESSION = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
/** From a backtick, or from the brace that ends an expression, to the next expression or the end. */
const TEMPLATE_PART = /[`}](?:\\[^]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;

/**
 * The text with comments and the insides of literals replaced by spaces: every
 * other character keeps its place, so that lines and offsets stay true.
 *
 * @param {string} text
 */
export function codeOf(text) {
  let code = '';
  /** Depths of braces at which an expression inside a template ends. */
  const templates = [];
  let depth = 0;
  while (code.length < text.length) {
    const at = code.length;
    const character = text[at] ?? '';
    const literal = literalAt(text, at, code, templates.at(-1) === depth);
    if (literal !== null) {
      if (literal.startsWith('}')) templates.pop();
      if (opensExpression(literal)) templates.push(depth);
      code += blank(literal);
    } else {
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      code += character;
    }
  }
  return code;
}

/**
 * @param {string} text
 * @param {number} at
 * @param {string} before The code so far.
 * @param {boolean} inTemplate Whether a closing brace here returns to a template's text.
 */
function literalAt(text, at, before, inTemplate) {
  for (const pattern of LITERALS) {
    const found = match(pattern, text, at);
    if (found !== null) return found;
  }
  const character = text[at];
  if (character === '`' || (character === '}' && inTemplate)) return match(TEMPLATE_PART, text, at);
  if (character === '/' && beginsValue(before)) return match(REGULAR_EXPRESSION, text, at);
  return null;
}

/** @param {RegExp} pattern @param {string} text @param {number} at */
function match(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** @param {string} before */
function beginsValue(before) {
  const tail = before.slice(-200).trimEnd();
  if (tail === '' || BEFORE_A_VALUE.test(tail)) return true;
  if (tail.endsWith('++') || tail.endsWith('--')) return false;
  return /[(,=:[!&|?{};+\-*%~^<>]$/.test(tail);
}

/** @param {string} literal */
function opensExpression(literal) {
  return /^[`}]/.test(literal) && literal.endsWith('${');
}

/**
 * Quotes stay, so that a string can still be told from nothing.
 *
 * @param {string} literal
 */
function blank(literal) {
  const spaces = literal.replaceAll(/[^\n]/g, ' ');
  return /^['"]/.test(literal) ? `${literal[0]}${spaces.slice(1, -1)}${literal[0]}` : spaces;
}

/** @param {string} text @param {number} at */
export function lineAt(text, at) {
  return text.slice(0, at).split('\n').length;
}

/**
 * Every import and re-export of a module, static and dynamic.
 *
 * @param {string} text
 * @param {string} code The same text as `codeOf` answers it.
 * @returns {ImportLine[]}
 */
export function importsOf(text, code) {
  /** @type {ImportLine[]} */
  const found = [];
  /** @param {number} start @param {number} quote @param {string} clause */
  const add = (start, quote, clause) => {
    const mark = code[quote];
    const literal = mark === "'" || mark === '"';
    const specifier = literal ? text.slice(quote + 1, code.indexOf(mark, quote + 1)) : null;
    found.push({ specifier, clause: clause.trim(), line: lineAt(text, start) });
  };
  for (const { 0: whole, 1: clause, index } of code.matchAll(
    /(?<![\w$.])(?:import|export)\b([\w$*{},\s]*?)\bfrom\s*(?=['"])/g,
  )) {
    add(index, index + whole.length, clause ?? '');
  }
  for (const { 0: whole, index } of code.matchAll(/(?<![\w$.])import\s*(?=['"])/g)) {
    add(index, index + whole.length, '');
  }
  for (const { 0: whole, index } of code.matchAll(/(?<![\w$.])import\s*\(\s*/g)) {
    add(index, index + whole.length, '*');
  }
  return found.toSorted((left, right) => left.line - right.line);
}
