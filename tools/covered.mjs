/*
 * Prints which ids of requirements, incidents, faults and RFCs the tests name, and in
 * which files: `npm run covered`, or `npm run covered -- 7.2.4 E1` for some.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');
const KINDS = new Set(['asvs', 'nist', 'incident', 'fault', 'rule', 'rfc']);
/** What is met in another way than its text says, or in part. */
const REMARKS = new Map([
  ['asvs 10.3.5', 'level 3, not built: no token is bound to a key, and one that says it is, is refused'],
]);

/** @type {Map<string, Set<string>>} */
const covered = new Map();
/** What stands after a mark and is no id: nobody would miss it in the list. */
const unread = new Set();
for (const file of globSync(['packages/*/src/**/*.test.ts', 'tests/**/*.test.ts'], { cwd: ROOT })) {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  // A list after one mark is of that mark's kind: "@asvs 7.3.1, 7.3.2, @incident J9".
  for (const [, kind = '', list = ''] of text.matchAll(/@(\w+) ((?:\(\d\)|[^@\n'"`)])+)/g)) {
    if (!KINDS.has(kind)) continue;
    for (const id of list.split(/[,;]/).map((part) => part.trim())) {
      // The comma before another mark, and what a test fills in.
      if (id === '' || id.startsWith('${')) continue;
      if (!/^[A-Z]?[\d.]+(\(\d\))?$|^[A-Z]\d+$|^NFC$|^\d{4}( §[\d.]+)?$/.test(id)) {
        unread.add(`${file}: @${kind} ${id}`);
        continue;
      }
      const name = `${kind} ${id}`;
      covered.set(name, (covered.get(name) ?? new Set()).add(file));
    }
  }
}

const wanted = process.argv.slice(2);
const collator = new Intl.Collator('en', { numeric: true });
const names = [...covered.keys()].toSorted(collator.compare);
for (const name of names) {
  const id = name.slice(name.indexOf(' ') + 1);
  if (wanted.length > 0 && !wanted.includes(id)) continue;
  const remark = REMARKS.has(name) ? ` (${REMARKS.get(name)})` : '';
  console.log(`${name.padEnd(22)} ${[...(covered.get(name) ?? [])].toSorted().join(' ')}${remark}`);
}
console.log(`${names.length} ids are named by tests`);
for (const each of unread) console.error(`not read: ${each}`);
if (unread.size > 0) process.exitCode = 1;
