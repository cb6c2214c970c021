import { text as readAll } from 'node:stream/consumers';
import { password as askPassword, isCancel } from '@clack/prompts';
import { Command } from 'commander';
import { readSettings } from '../environment.ts';
import { isFailure } from '../errors.ts';
import { type Latchkey, latchkey } from '../latchkey.ts';
import { Refused } from './refused.ts';

interface CreateOptions {
  readonly name?: string;
  readonly admin?: true;
  readonly passwordStdin?: true;
  readonly json?: true;
}

/** `latchkey users` */
export function usersCommand(): Command {
  const users = new Command('users').description('create users, change their roles, let them try again');
  users
    .command('create')
    .description('create a user; asks for the password')
    .argument('<email>')
    .option('--name <name>', 'how the user is called')
    .option('--admin', 'with the role administrator')
    .option('--password-stdin', 'read the password from standard input')
    .option('--json', 'for scripts')
    .action(create);
  users
    .command('roles')
    .description('show the roles of a user, and give or take some')
    .argument('<email>')
    .option('--add <role...>', 'a role to give: administrator, or one of the configuration')
    .option('--remove <role...>', 'a role to take away')
    .option('--json', 'for scripts')
    .action(changeRoles);
  users
    .command('unlock')
    .description('let a password be tried again that has failed 100 times in a row')
    .argument('<email>')
    .action(async (email: string) => {
      await withLatchkey(async (auth) => {
        await auth.users.unlock(email).catch((error: unknown) => {
          throw isFailure(error, 'LK_NOT_FOUND')
            ? new Refused(`no user has the address ${email}`, { cause: error })
            : error;
        });
        process.stdout.write(`${email} may try again.\n`);
      });
    });
  for (const command of users.commands) command.exitOverride();
  return users;
}

async function create(email: string, options: CreateOptions): Promise<void> {
  await withLatchkey(async (auth) => {
    const password = await readPassword(options.passwordStdin === true, auth.config.passwordLength);
    const administrator = options.admin === true;
    const { id } = await auth.users.create({ email, password, name: options.name ?? null, administrator });
    if (options.json === true) process.stdout.write(`${JSON.stringify({ id, email, administrator })}\n`);
    else process.stdout.write(`Created ${email}${administrator ? ', administrator' : ''} (${id}).\n`);
  });
}

interface RolesOptions {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly json?: true;
}

async function changeRoles(email: string, { add = [], remove = [], json }: RolesOptions): Promise<void> {
  await withLatchkey(async (auth) => {
    const user = await auth.users.findByEmail(email);
    if (user === null) throw new Refused(`no user has the address ${email}`);
    const change = { add, remove };
    const roles =
      add.length + remove.length === 0 ? user.roles : await auth.users.changeRoles(user.id, change);
    if (json === true) process.stdout.write(`${JSON.stringify({ id: user.id, email: user.email, roles })}\n`);
    else process.stdout.write(`${user.email}: ${roles.length === 0 ? 'no roles' : roles.join(', ')}\n`);
  });
}

async function readPassword(fromStdin: boolean, length: number): Promise<string> {
  if (fromStdin) return (await readAll(process.stdin)).replace(/\r?\n$/, '');
  if (!process.stdin.isTTY)
    throw new Refused('there is no terminal to ask for the password; pipe it in and add --password-stdin');
  const ask = async (
    message: string,
    validate: (text: string | undefined) => string | undefined,
  ): Promise<string> => {
    const answer = await askPassword({ message, validate });
    if (isCancel(answer)) throw new Refused('cancelled; nothing was created');
    return answer;
  };
  const first = await ask(`Password, at least ${length} characters`, (text = '') =>
    [...text].length < length ? `It has ${[...text].length} of ${length} characters.` : undefined,
  );
  return await ask('The same once more', (text) => (text === first ? undefined : 'It is another.'));
}

async function withLatchkey(work: (auth: Latchkey) => Promise<void>): Promise<void> {
  const { options } = await readSettings(process.env, process.cwd());
  const auth = latchkey(options);
  try {
    await auth.ready();
    await work(auth);
  } finally {
    await auth.close().catch(() => undefined);
  }
}
