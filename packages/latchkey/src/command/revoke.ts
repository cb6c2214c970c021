import { Command } from 'commander';
import { findId } from '../foundation/ids.ts';
import type { Latchkey, RevokeTarget } from '../latchkey.ts';
import { confirm } from './confirm.ts';
import type { Asked } from './print.ts';
import { printReceipt } from './receipt.ts';
import { Refused } from './refused.ts';
import { sessionsOf, userNamed } from './subjects.ts';
import { withLatchkey } from './with-latchkey.ts';

interface RevokeOptions extends Asked {
  readonly user?: string;
  readonly session?: string;
  readonly client?: string;
  readonly all?: true;
  readonly reason?: string;
}

/** `latchkey revoke` */
export function revokeCommand(): Command {
  return new Command('revoke')
    .description('end trust in a user, a session, a client or everything; who is not disabled may begin anew')
    .option('--user <user>', 'all sessions and tokens of a user: their address, or their id')
    .option('--session <id>', 'one session and its tokens')
    .option('--client <name>', 'all that was given out through a client')
    .option('--all', 'everything')
    .option('--reason <text>', 'why, for who reads the events')
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(revoke);
}

async function revoke(options: RevokeOptions): Promise<void> {
  const { user, session, client, all, reason } = options;
  if ([user, session, client, all].filter((given) => given !== undefined).length !== 1)
    throw new Refused('name exactly one of --user, --session, --client and --all');
  await withLatchkey(async (auth) => {
    const { target, question, done } = await read(auth, options);
    await confirm(question, options.yes === true);
    const receipt = await auth.revoke(target, reason === undefined ? {} : { reason });
    await printReceipt(auth, receipt, done, options);
  });
}

interface Wanted {
  readonly target: RevokeTarget;
  readonly question: string;
  readonly done: string;
}

async function read(auth: Latchkey, { user, session, client }: RevokeOptions): Promise<Wanted> {
  if (user !== undefined) {
    const { id, email } = await userNamed(auth, user);
    const question = `End all sessions of ${email}? ${await sessionsOf(auth, { user: id })} will end.`;
    return { target: { user: id }, question, done: `Ended all sessions of ${email}.` };
  }
  if (session !== undefined) {
    if (findId(session) === null) throw new Refused(`${JSON.stringify(session)} is the id of no session`);
    const question = `End the session ${session}?`;
    return { target: { session }, question, done: `Ended ${session}.` };
  }
  if (client === undefined) {
    const question = `End everything? ${await sessionsOf(auth, {})} will end, and everybody has to sign in anew.`;
    return { target: { all: true }, question, done: 'Ended everything.' };
  }
  const ending = await sessionsOf(auth, { client });
  // One that was taken out of the configuration may have left sessions behind.
  if (!auth.config.clients.has(client) && ending === 'No session') throw await without(auth, client);
  const question = `End all that was given out through ${client}? ${ending} will end.`;
  return { target: { client }, question, done: `Ended all that was given out through ${client}.` };
}

/** Nothing was given out to people through the client: why, and what may have been meant. */
async function without(auth: Latchkey, client: string): Promise<Refused> {
  const named = (await auth.clients.list()).find(({ name }) => name === client);
  return new Refused(
    named?.kind === 'service'
      ? `${client} is a service: latchkey clients rotate ${client} ends its key and its tokens, latchkey clients disable ${client} shuts it out`
      : `there is no client ${JSON.stringify(client)}, and no session of one`,
  );
}
