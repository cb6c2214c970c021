import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STYLE } from './style.ts';

const [LIGHT = '', DARK = ''] = STYLE.split('@media (prefers-color-scheme: dark)').map(
  (part) => part.split('\n}')[0],
);

function colours(block: string): ReadonlyMap<string, string> {
  return new Map(
    [...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
}

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(one), luminance(other)].toSorted((left, right) => right - left);
  return (high + 0.05) / (low + 0.05);
}

/** What is written on what. */
const TEXT: readonly [text: string, grounds: readonly string[]][] = [
  ['ink', ['ground', 'surface', 'sunk', 'brass-ground']],
  ['soft', ['ground', 'surface', 'sunk']],
  ['link', ['ground', 'surface']],
  ['on-accent', ['accent', 'accent-over']],
  ['brass-ink', ['brass-ground', 'surface']],
  ['done-ink', ['done-ground']],
  ['problem-ink', ['problem-ground', 'surface', 'ground']],
];

/** What shows where a control is, or that it has the focus, against what is around it. */
const MARKS: readonly [mark: string, grounds: readonly string[]][] = [
  ['edge', ['surface', 'ground']],
  ['focus', ['surface', 'ground']],
  ['accent', ['surface', 'ground']],
  ['problem-ink', ['surface']],
];

for (const [scheme, block] of [
  ['light', LIGHT],
  ['dark', DARK],
] as const) {
  describe(`the ${scheme} colours`, () => {
    const palette = colours(block);
    const of = (name: string): string => palette.get(name) ?? assert.fail(`no colour ${name}`);

    test('can be read: 4.5 to 1 for every text on every ground it stands on (WCAG 2.2 §1.4.3)', () => {
      for (const [text, grounds] of TEXT) {
        for (const ground of grounds) {
          const ratio = contrast(of(text), of(ground));
          assert(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
        }
      }
    });

    test('show controls and the focus: 3 to 1 against what is around them (WCAG 2.2 §1.4.11)', () => {
      for (const [mark, grounds] of MARKS) {
        for (const ground of grounds) {
          const ratio = contrast(of(mark), of(ground));
          assert(ratio >= 3, `${mark} on ${ground}: ${ratio.toFixed(2)}`);
        }
      }
    });
  });
}

test('the two schemes name the same colours, and every colour that is used', () => {
  const names = [...colours(LIGHT).keys()];
  assert.deepEqual([...colours(DARK).keys()], names);
  const used = new Set([...STYLE.matchAll(/var\(--([a-z-]+)\)/g)].map(([, name]) => name));
  assert.deepEqual(used, new Set(names));
});

test('the style sheet asks for nothing further', () => {
  assert.doesNotMatch(STYLE, /url\(|@import|@font-face|https?:/);
});

test('the style sheet cannot end its answer or hide in it: it is plain ASCII with its brackets in pairs', () => {
  assert.doesNotMatch(STYLE, /[^\n\x20-\x7e]|<\/?style/);
  assert.equal(STYLE.split('{').length, STYLE.split('}').length);
});

test('nothing moves for those who asked for less motion', () => {
  const moving = STYLE.split('@media (prefers-reduced-motion: no-preference)')[0] ?? '';
  const after =
    STYLE.split('@media (prefers-reduced-motion: no-preference)')[1]?.split('\n}\n').slice(1).join('\n}\n') ??
    '';
  assert.match(STYLE, /transition:/);
  assert.doesNotMatch(moving + after, /transition:|animation:/);
});

test('the focus is seen everywhere', () => {
  assert.match(STYLE, /:focus-visible \{ outline: 3px solid var\(--focus\)/);
  const without = [...STYLE.matchAll(/([^{}\n]+)\{[^{}]*outline: none/g)].map(([, selector]) =>
    selector?.trim(),
  );
  // The main part takes the focus from the skip link alone, and is no control.
  assert.deepEqual(without, ['main:focus']);
});
