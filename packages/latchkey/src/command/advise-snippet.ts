import type { AdvisedOptions } from './advise-advice.ts';

/** The configuration in an application's own code. */
export function librarySnippet(options: AdvisedOptions): string {
  return `import { latchkey, sqlite } from 'latchkey';

export const auth = latchkey({
  url: 'https://api.example.com', // the public origin, yours
  secret: process.env.LATCHKEY_SECRET, // make one with: openssl rand -base64 32
  store: sqlite('app.db'),
${members(options)}
});
`;
}

/** The same as the file that the standalone server reads; place and secret are in its environment. */
export function serverSnippet(options: AdvisedOptions): string {
  return `import type { LatchkeyOptions } from 'latchkey';

export default {
${members(options)}
} satisfies Partial<LatchkeyOptions>;
`;
}

/** What stands in the snippets and is yours to replace. */
const YOURS: ReadonlyMap<string, string> = new Map([
  ['tokens', 'the audiences are the names of your services'],
  ['origins', 'where the browser app is'],
]);

function members(options: AdvisedOptions): string {
  return Object.entries(options)
    .map(([name, value]) => {
      const yours = YOURS.get(name);
      return `  ${name}: ${literal(value)},${yours === undefined ? '' : ` // ${yours}`}`;
    })
    .join('\n');
}

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${name}: ${literal(inner)}`)
    .join(', ')} }`;
}
