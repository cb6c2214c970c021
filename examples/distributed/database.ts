import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, 'postgres.ts');

/** A database for the fleet. */
export interface Database {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The database that `FLEET_DATABASE_URL` names, else a PostgreSQL of this run's own,
 * which is gone afterwards.
 */
export async function provideDatabase(named: string | undefined): Promise<Database> {
  if (named !== undefined && named !== '') return { url: named, close: async () => {} };
  const keeper = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
  const exit = once(keeper, 'exit');
  const [told] = (await Promise.race([once(keeper, 'message'), exit])) as [unknown];
  if (typeof told === 'object' && told !== null && 'url' in told) {
    const close = async (): Promise<void> => {
      if (keeper.connected) keeper.disconnect();
      await exit;
    };
    return { url: String(told.url), close };
  }
  const why = typeof told === 'object' && told !== null && 'error' in told ? String(told.error) : 'it ended';
  throw new Error(
    `no PostgreSQL could be started (${why.replaceAll(/\s+/g, ' ').trim()}); name an empty one to throw away: FLEET_DATABASE_URL=postgres://…`,
  );
}
