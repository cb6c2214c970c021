import { Command } from 'commander';
import { isFailure } from '../errors.ts';
import type { SessionFilter } from '../latchkey.ts';
import { confirm } from './confirm.ts';
import { type PageArguments, pageOptions, printPage } from './page.ts';
import { type Asked, timeOf } from './print.ts';
import { printReceipt } from './receipt.ts';
import { Refused } from './refused.ts';
import { userNamed } from './subjects.ts';
import { withLatchkey } from './with-latchkey.ts';

/** `latchkey sessions` */
export function sessionsCommand(): Command {
  const sessions = new Command('sessions').description('list living sessions, and end them');
  pageOptions(sessions.command('list'))
    .description('list living sessions, newest first')
    .option('--user <user>', 'of this user alone: their address, or their id')
    .option('--client <name>', 'through this client alone')
    .action(list);
  sessions
    .command('end')
    .description('end one session')
    .argument('<id>', 'as latchkey sessions list shows it')
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(end);
  for (const command of sessions.commands) command.exitOverride();
  return sessions;
}

interface ListOptions extends PageArguments {
  readonly user?: string;
  readonly client?: string;
}

async function list({ user, client, ...given }: ListOptions): Promise<void> {
  if (user !== undefined && client !== undefined)
    throw new Refused('--user and --client do not go together: name one');
  await withLatchkey(async (auth) => {
    const byClient: SessionFilter = client === undefined ? {} : { client };
    const filter = user === undefined ? byClient : { user: (await userNamed(auth, user)).id };
    await printPage(
      given,
      (page) => auth.sessions.list({ ...page, ...filter }),
      (session) => [
        session.id,
        session.user.email,
        session.client,
        `since ${timeOf(session.createdAt)}`,
        `seen ${timeOf(session.lastSeenAt)}`,
        session.ip ?? '',
        session.device ?? '',
      ],
    );
  });
}

async function end(id: string, options: Asked): Promise<void> {
  await withLatchkey(async (auth) => {
    await confirm(`End the session ${id}?`, options.yes === true);
    const receipt = await auth.sessions.end(id).catch((error: unknown) => {
      if (!isFailure(error, 'LK_NOT_FOUND')) throw error;
      throw new Refused(`no living session has the id ${JSON.stringify(id)}`, { cause: error });
    });
    await printReceipt(auth, receipt, `Ended ${id}.`, options);
  });
}
