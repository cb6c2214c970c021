import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Position } from '@latchkey/verify';
import type { Seen } from '../stores/store.ts';

/**
 * Remembers, outside the database, how far the log has been seen: a database that was
 * put back to an older state cannot know it itself (R8). A file, kept where the root
 * secret is and not where the database is; a line for each database.
 */
export class Watermark {
  readonly #file: string;
  #written = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** What was seen last of a database; `null` where nothing is known of it. */
  async find(lineage: string): Promise<Seen | null> {
    return (await this.#read()).find((seen) => seen.lineage === lineage) ?? null;
  }

  /** The highest position that was seen of any database; 0 where nothing is known. */
  async highest(): Promise<Position> {
    return Math.max(0, ...(await this.#read()).map(({ seq }) => seq));
  }

  /**
   * Writes it whole or not at all, and leaves what is known of other databases. What another
   * process has seen further of the same epoch stays.
   */
  async write(seen: Seen): Promise<void> {
    if (lineOf(seen) === this.#written) return;
    const known = await this.#read();
    const further = known.some(({ epoch, seq }) => epoch === seen.epoch && seq > seen.seq);
    if (further) return;
    const others = known.filter(({ lineage }) => lineage !== seen.lineage);
    const draft = `${this.#file}.${process.pid}`;
    await writeFile(draft, [...others, seen].map(lineOf).join(''), { mode: 0o600 });
    await rename(draft, this.#file);
    this.#written = lineOf(seen);
  }

  async #read(): Promise<readonly Seen[]> {
    const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').flatMap((line) => {
      const [, lineage, epoch, seq, tag, beatAt] = LINE.exec(line) ?? [];
      if (lineage === undefined || epoch === undefined || seq === undefined) return [];
      return [
        {
          lineage,
          epoch,
          seq: Number(seq),
          tag: Number(tag),
          beatAt: beatAt === undefined ? null : Number(beatAt),
        },
      ];
    });
  }
}

const LINE = /^([\w-]{1,64}) ([\w-]{1,64}) (\d{1,16}) (\d{1,15})(?: (\d{1,16}))?$/;

function lineOf({ lineage, epoch, seq, tag, beatAt }: Seen): string {
  return `${[lineage, epoch, seq, tag, ...(beatAt === null ? [] : [beatAt])].join(' ')}\n`;
}
