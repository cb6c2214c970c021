import { Command } from 'commander';
import { type Output, print, printColumns, printJson } from './print.ts';
import { withLatchkey } from './with-latchkey.ts';

/** How many characters of an id tell processes of one name apart. */
const SHOWN = 8;

/** `latchkey followers` */
export function followersCommand(): Command {
  return new Command('followers')
    .description('show who follows the revocation log, and how far')
    .option('--json', 'for scripts')
    .action(async ({ json }: Output) => {
      await withLatchkey(async (auth) => {
        const followers = await auth.followers();
        if (json === true) return printJson(followers);
        // This process is one only for as long as it runs.
        const others = followers.items.filter(({ self }) => !self);
        if (others.length === 0) print('Nobody follows the log now.');
        printColumns(
          others.map(({ id, name, cursor, behind, lag, fresh }) => [
            name,
            // The last characters of an id are random, whoever has drawn it.
            id.slice(-SHOWN),
            `at ${cursor}`,
            behind === 0 ? 'nothing behind' : `${behind} behind`,
            `heard of ${(lag / 1000).toFixed(1)} s ago`,
            fresh ? '' : 'silent: it reads the store, or is gone',
          ]),
        );
        print(`The log stands at ${followers.head}.`);
      });
    });
}
