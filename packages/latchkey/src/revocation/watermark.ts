import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Position } from '@latchkey/verify';
import type { Seen } from '../stores/records.ts';

/**
 * Remembers, outside the database, how far the log has been seen: a database that was
 * put back to an older state cannot know it itself (R8). Files, kept where the root
 * secret is and not where the database is: one for each database, so that processes on
 * different ones never write the same.
 */
export class Watermark {
  readonly #file: string;

  /** @param file How the names of the files begin: `.` and a lineage follow. */
  constructor(file: string) {
    this.#file = file;
  }

  /** What was seen last of a database; `null` where nothing is known of it. */
  async find(lineage: string): Promise<Seen | null> {
    const seen = await read(this.#fileOf(lineage));
    return seen?.lineage === lineage ? seen : null;
  }

  /** The highest position that was seen of any database; 0 where nothing is known. */
  async highest(): Promise<Position> {
    const folder = dirname(this.#file);
    const start = `${basename(this.#file)}.`;
    const names = await readdir(folder).catch(nothing);
    const ofDatabases = (names ?? []).filter((name) => name.startsWith(start));
    const all = await Promise.all(ofDatabases.map((name) => read(join(folder, name))));
    return Math.max(0, ...all.map((seen) => seen?.seq ?? 0));
  }

  /**
   * Writes it whole or not at all. What another process has seen further of the same epoch
   * stays; it is looked at each time, since one that was slower may have put back less.
   */
  async write(seen: Seen): Promise<void> {
    const known = await this.find(seen.lineage);
    if (known !== null && lineOf(known) === lineOf(seen)) return;
    if (known?.epoch === seen.epoch && known.seq > seen.seq) return;
    const draft = `${this.#fileOf(seen.lineage)}.${process.pid}`;
    await writeFile(draft, lineOf(seen), { mode: 0o600 });
    await rename(draft, this.#fileOf(seen.lineage));
  }

  #fileOf(lineage: string): string {
    return `${this.#file}.${lineage}`;
  }
}

async function read(file: string): Promise<Seen | null> {
  const text = (await readFile(file, 'utf8').catch(nothing)) ?? '';
  const [, lineage, epoch, seq, tag, beatAt] = LINE.exec(text) ?? [];
  if (lineage === undefined || epoch === undefined || seq === undefined) return null;
  return {
    lineage,
    epoch,
    seq: Number(seq),
    tag: Number(tag),
    beatAt: beatAt === undefined ? null : Number(beatAt),
  };
}

/** Where there is no such file or folder, there is nothing in it. */
function nothing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}

const LINE = /^([\w-]{1,64}) ([\w-]{1,64}) (\d{1,16}) (\d{1,15})(?: (\d{1,16}))?\n$/;

function lineOf({ lineage, epoch, seq, tag, beatAt }: Seen): string {
  return `${[lineage, epoch, seq, tag, ...(beatAt === null ? [] : [beatAt])].join(' ')}\n`;
}
