import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Keeps a program until standard input ends, which it does whatever this process dies of, and clears up. */
const KEEP = 'folder="$1"; shift; "$@" & cat >/dev/null; kill -TERM "$!"; wait "$!"; rm -rf "$folder"';

/**
 * Starts a program that lives no longer than this process, and its folder neither.
 *
 * @param {string} folder Where it works, and what is removed when it has ended.
 * @param {readonly string[]} command
 * @param {{ readonly uid?: number, readonly gid?: number, readonly env?: NodeJS.ProcessEnv }} [options]
 *   Whose it is, and its environment: by default this process's own.
 */
export function keep(folder, command, options = {}) {
  const child = spawn('sh', ['-c', KEEP, 'sh', folder, ...command], {
    ...options,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const remove = async () => {
    child.stdin.end();
    await ended;
  };
  return { stderr: child.stderr, remove };
}
