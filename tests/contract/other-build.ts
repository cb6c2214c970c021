import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MIGRATIONS = 'packages/latchkey/src/stores/migrations';
const OURS = new Set(['latchkey', '@latchkey', '.bin', '.package-lock.json']);

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();
}

/** The commit before this one, and the last one that knew one migration less. */
export function earlierCommits(): { readonly previous: string; readonly olderSchema: string } {
  const newest = readdirSync(join(ROOT, MIGRATIONS))
    .filter((name) => /^\d{4}-/.test(name))
    .toSorted()
    .at(-1);
  const added = git('log', '--diff-filter=A', '--format=%H', '-1', '--', `${MIGRATIONS}/${newest}`);
  return { previous: git('rev-parse', 'HEAD~1'), olderSchema: git('rev-parse', `${added || 'HEAD'}~1`) };
}

/**
 * Lays out the packages of an earlier commit in a folder, with the libraries of this one.
 *
 * @returns the file of its command.
 */
export function layOut(commit: string, folder: string): string {
  const archive = execFileSync('git', ['archive', commit, 'packages'], { cwd: ROOT, maxBuffer: 2 ** 28 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@latchkey'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!OURS.has(name)) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  symlinkSync(join(folder, 'packages/latchkey'), join(modules, 'latchkey'));
  for (const name of ['verify', 'server']) {
    if (!existsSync(join(folder, 'packages', name))) continue;
    symlinkSync(join(folder, 'packages', name), join(modules, '@latchkey', name));
  }
  return join(folder, 'packages/latchkey/src/command/main.ts');
}
