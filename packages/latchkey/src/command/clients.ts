import { Command } from 'commander';
import { isFailure } from '../errors.ts';
import { confirm } from './confirm.ts';
import { type Asked, type Output, print, printColumns, printJson, timeOf } from './print.ts';
import { printReceipt } from './receipt.ts';
import { Refused } from './refused.ts';
import { sessionsOf } from './subjects.ts';
import { withLatchkey } from './with-latchkey.ts';

/** `latchkey clients` */
export function clientsCommand(): Command {
  const clients = new Command('clients').description('list clients, disable and enable them');
  clients
    .command('list')
    .description('list clients, the default first')
    .option('--json', 'for scripts')
    .action(list);
  clients
    .command('disable')
    .description('end all that was given out through a client, and give out nothing new')
    .argument('<name>')
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(disable);
  clients
    .command('enable')
    .description('let a client be used again; nothing that ended comes back')
    .argument('<name>')
    .option('--json', 'for scripts')
    .action(enable);
  for (const command of clients.commands) command.exitOverride();
  return clients;
}

async function list({ json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const clients = await auth.clients.list();
    if (json === true) return printJson({ items: clients });
    printColumns(
      clients.map(({ name, mode, disabledAt }) => [
        name,
        mode ?? 'configured no longer',
        disabledAt === null ? '' : `disabled ${timeOf(disabledAt)}`,
      ]),
    );
  });
}

async function disable(name: string, options: Asked): Promise<void> {
  await withLatchkey(async (auth) => {
    if (!auth.config.clients.has(name)) throw unknown(name);
    const ending = await sessionsOf(auth, { client: name });
    await confirm(
      `Disable the client ${name}? ${ending} will end, and nobody can sign in through it.`,
      options.yes === true,
    );
    await printReceipt(auth, await auth.clients.disable(name), `Disabled ${name}.`, options);
  });
}

async function enable(name: string, { json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    await auth.clients.enable(name).catch((error: unknown) => {
      throw isFailure(error, 'LK_NOT_FOUND') ? unknown(name, { cause: error }) : error;
    });
    if (json === true) return printJson({ name, disabledAt: null });
    print(`${name} may be used again.`);
  });
}

function unknown(name: string, options?: ErrorOptions): Refused {
  return new Refused(
    `there is no client ${JSON.stringify(name)}; latchkey clients list shows those that there are`,
    options,
  );
}
