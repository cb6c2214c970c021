import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Millis } from '@latchkey/verify';
import type { SqliteDatabase } from './sqlite-database.ts';

/** How often it is looked whether another process has written. */
const LOOK_EVERY: Millis = 25;
/** How often while one seems to be writing, and how many times. */
const LOOK_SOON: Millis = 1;
const LOOKS = 10;

/**
 * Tells of each time that another connection has written to the file.
 *
 * Looking costs microseconds and misses nothing (https://www.sqlite.org/pragma.html#pragma_data_version),
 * so that alone is relied on. What the system says of the write-ahead log only makes it be
 * looked sooner: it comes when a commit begins, and not from every file system.
 *
 * @param path An absolute path, or `null` for what is in memory.
 * @returns what stops it.
 */
export function watchDatabase(
  database: Pick<SqliteDatabase, 'dataVersion'>,
  path: string | null,
  listener: () => void,
): () => void {
  let last = database.dataVersion();
  let looks = 0;
  let soon: NodeJS.Timeout | undefined;
  const look = (): void => {
    const version = database.dataVersion();
    if (version === null || version === last) return;
    last = version;
    looks = 0;
    listener();
  };
  const lookSoon = (): void => {
    soon = undefined;
    look();
    looks -= 1;
    if (looks > 0) soon = setTimeout(lookSoon, LOOK_SOON).unref();
  };
  const timer = setInterval(look, LOOK_EVERY).unref();
  const watcher =
    path === null
      ? null
      : watchLog(path, () => {
          looks = LOOKS;
          soon ??= setTimeout(lookSoon, LOOK_SOON).unref();
        });
  return () => {
    clearInterval(timer);
    clearTimeout(soon);
    watcher?.close();
  };
}

/** Watches the folder, because the write-ahead log comes and goes; `null` where the system watches nothing. */
function watchLog(path: string, changed: () => void): FSWatcher | null {
  const log = `${basename(path)}-wal`;
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === log) changed();
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
