import { text as readAll } from 'node:stream/consumers';
import { password as askPassword, isCancel } from '@clack/prompts';
import { Command } from 'commander';
import { confirm } from './confirm.ts';
import { type PageArguments, pageOptions, printPage } from './page.ts';
import { type Asked, type Output, print, printable, printJson, timeOf } from './print.ts';
import { printReceipt } from './receipt.ts';
import { Refused } from './refused.ts';
import { sessionsOf, userNamed } from './subjects.ts';
import { withLatchkey } from './with-latchkey.ts';

const WHO = 'their address, or their id';

/** `latchkey users` */
export function usersCommand(): Command {
  const users = new Command('users').description(
    'list, create, disable, enable and delete users, change their roles, let them try again',
  );
  pageOptions(users.command('list'))
    .description('list users in the order of their creation')
    .argument('[search]', 'how the address or the name begins')
    .action(list);
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
    .command('disable')
    .description('end all that a user holds, and let them sign in no more')
    .argument('<user>', WHO)
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(disable);
  users
    .command('enable')
    .description('let a user sign in again; nothing that ended comes back')
    .argument('<user>', WHO)
    .option('--json', 'for scripts')
    .action(enable);
  users
    .command('delete')
    .description('delete a user with all that belongs to them; this cannot be undone')
    .argument('<user>', WHO)
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(remove);
  users
    .command('roles')
    .description('show the roles of a user, and give or take some')
    .argument('<user>', WHO)
    .option('--add <role...>', 'a role to give: administrator, or one of the configuration')
    .option('--remove <role...>', 'a role to take away')
    .option('--json', 'for scripts')
    .action(changeRoles);
  users
    .command('unlock')
    .description('let a password be tried again that has failed 100 times in a row')
    .argument('<user>', WHO)
    .option('--json', 'for scripts')
    .action(unlock);
  for (const command of users.commands) command.exitOverride();
  return users;
}

async function list(search: string | undefined, given: PageArguments): Promise<void> {
  await withLatchkey(async (auth) => {
    await printPage(
      given,
      (page) => auth.users.list({ ...page, ...(search === undefined ? {} : { search }) }),
      (user) => [
        user.id,
        user.email,
        user.name ?? '',
        user.roles.join(' '),
        user.disabledAt === null ? '' : `disabled ${timeOf(user.disabledAt)}`,
      ],
    );
  });
}

interface CreateOptions extends Output {
  readonly name?: string;
  readonly admin?: true;
  readonly passwordStdin?: true;
}

async function create(email: string, options: CreateOptions): Promise<void> {
  await withLatchkey(async (auth) => {
    const password = await readPassword(options.passwordStdin === true, auth.config.passwordLength);
    const administrator = options.admin === true;
    const { id } = await auth.users.create({ email, password, name: options.name ?? null, administrator });
    if (options.json === true) return printJson({ id, email, administrator });
    print(`Created ${email}${administrator ? ', administrator' : ''} (${id}).`);
  });
}

async function disable(text: string, options: Asked): Promise<void> {
  await withLatchkey(async (auth) => {
    const { id, email } = await userNamed(auth, text);
    const ending = await sessionsOf(auth, { user: id });
    await confirm(`Disable ${email}? ${ending} will end, and they cannot sign in.`, options.yes === true);
    await printReceipt(auth, await auth.users.disable(id), `Disabled ${email}.`, options);
  });
}

async function enable(text: string, { json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const { id, email } = await userNamed(auth, text);
    await auth.users.enable(id);
    if (json === true) return printJson({ id, email, disabledAt: null });
    print(`${email} may sign in again.`);
  });
}

async function remove(text: string, options: Asked): Promise<void> {
  await withLatchkey(async (auth) => {
    const { id, email } = await userNamed(auth, text);
    const ending = await sessionsOf(auth, { user: id });
    await confirm(
      `Delete ${email} with all that belongs to them? ${ending} will end. This cannot be undone.`,
      options.yes === true,
    );
    await printReceipt(auth, await auth.users.delete(id), `Deleted ${email}.`, options);
  });
}

interface RolesOptions extends Output {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

async function changeRoles(
  text: string,
  { add = [], remove: taken = [], json }: RolesOptions,
): Promise<void> {
  await withLatchkey(async (auth) => {
    const { id, email, roles: before } = await userNamed(auth, text);
    const change = { add, remove: taken };
    const roles = add.length + taken.length === 0 ? before : await auth.users.changeRoles(id, change);
    if (json === true) return printJson({ id, email, roles });
    print(`${email}: ${roles.length === 0 ? 'no roles' : roles.map(printable).join(', ')}`);
  });
}

async function unlock(text: string, { json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const { id, email } = await userNamed(auth, text);
    await auth.users.unlock(email);
    if (json === true) return printJson({ id, email });
    print(`${email} may try again.`);
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
