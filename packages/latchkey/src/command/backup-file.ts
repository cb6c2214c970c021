import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Refused } from './refused.ts';

/** Above what any row can have: what is longer is no backup, and would fill the memory. */
const LONGEST_LINE = 2 ** 24;
const LINE_FEED = 0x0a;

/**
 * Writes lines to a new file, for its owner alone, compressed where it ends in `.gz`.
 * When it resolves they are on the disk.
 *
 * @throws {Refused} where the file is there.
 */
export async function writeLines(file: string, lines: AsyncIterable<string>): Promise<void> {
  const handle = await create(file);
  try {
    await writeTo(handle.createWriteStream({ flush: true }), lines, file.endsWith('.gz'));
  } catch (error) {
    await rm(file, { force: true });
    throw explained(file, error);
  }
}

/** Writes lines to a stream and ends it. */
export async function writeTo(out: Writable, lines: AsyncIterable<string>, compress = false): Promise<void> {
  if (compress) await pipeline(endingWithLineFeed(lines), createGzip(), out);
  else await pipeline(endingWithLineFeed(lines), out);
}

/**
 * The lines of a file, decompressed where it ends in `.gz`.
 *
 * @throws {Refused} where it cannot be read.
 */
export async function* readLines(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  const text = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.once('error', (error) => text.destroy(error));
  try {
    yield* linesOf(text);
  } catch (error) {
    throw explained(file, error);
  } finally {
    bytes.destroy();
  }
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: readonly Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
      rest = [];
      length = 0;
      start = end + 1;
    }
    rest = [...rest, chunk.subarray(start)];
    length += chunk.length - start;
    if (length > LONGEST_LINE)
      throw new Refused('it has no lines: name a file that latchkey backup has made');
  }
  if (length > 0) yield Buffer.concat(rest).toString('utf8');
}

async function* endingWithLineFeed(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

async function create(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600);
  } catch (error) {
    throw explained(file, error);
  }
}

/** What a file answers, as one line that says what to do. */
function explained(file: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'EEXIST') return new Refused(`${file} is there already: name another file`, { cause: error });
  if (code === 'ENOENT') return new Refused(`${file} is not there, or its folder`, { cause: error });
  if (code.startsWith('Z_')) return new Refused(`${file} is damaged: take another copy`, { cause: error });
  if (/^E[A-Z]+$/.test(code)) return new Refused(`${file} cannot be used (${code})`, { cause: error });
  return error;
}
