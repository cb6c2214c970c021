import type { Command } from 'commander';
import type { Page, PageOptions } from '../latchkey.ts';
import { type Output, print, printColumns, printJson } from './print.ts';
import { Refused } from './refused.ts';

/** Which page of a list a command is asked for. */
export interface PageArguments extends Output {
  readonly limit?: string;
  readonly cursor?: string;
}

/** Gives a command the options of a list. */
export function pageOptions(command: Command): Command {
  return command
    .option('--limit <count>', 'how many at most, 200 and no more (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .option('--json', 'for scripts');
}

/**
 * Prints one page of a list, and how to get the next.
 *
 * @throws {Refused} for a limit or a cursor that is none.
 */
export async function printPage<Item>(
  { limit = '50', cursor, json }: PageArguments,
  list: (page: PageOptions) => Promise<Page<Item>>,
  row: (item: Item) => readonly string[],
): Promise<void> {
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 200)
    throw new Refused('--limit takes a number from 1 to 200');
  if (cursor !== undefined && !/^[\w-]{22}$/.test(cursor))
    throw new Refused('--cursor takes what the page before has printed');
  const page = await list({ limit: Number(limit), ...(cursor === undefined ? {} : { cursor }) });
  if (json === true) return printJson(page);
  if (page.items.length === 0) print('There is none.');
  printColumns(page.items.map(row));
  if (page.next !== null) print(`There are more: add --cursor ${page.next}`);
}
