import { Command } from 'commander';
import { isFailure, reasonsOf } from '../errors.ts';
import { type Duration, formatDuration, parseDuration } from '../foundation/durations.ts';
import type { Latchkey, ManagedClient } from '../latchkey.ts';
import { confirm } from './confirm.ts';
import { type Asked, type Output, print, printColumns, printJson, timeOf } from './print.ts';
import { printReceipt } from './receipt.ts';
import { Refused } from './refused.ts';
import { sessionsOf } from './subjects.ts';
import { withLatchkey } from './with-latchkey.ts';

/** `latchkey clients` */
export function clientsCommand(): Command {
  const clients = new Command('clients').description(
    'create services, list clients, rotate their keys, disable and enable clients',
  );
  clients
    .command('list')
    .description('list clients, the default first, and services')
    .option('--json', 'for scripts')
    .action(list);
  clients
    .command('create')
    .description('create a service that answers for audiences; prints its key, once')
    .argument('<name>')
    .requiredOption('--audience <audience>', 'whom it answers for; may be repeated', collect)
    .option('--json', 'for scripts')
    .action(create);
  clients
    .command('rotate')
    .description('give a service another key; prints it, once')
    .argument('<name>')
    .option('--grace <duration>', 'how long the key before stays good, such as 1h; else it ends at once')
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(rotate);
  clients
    .command('disable')
    .description('end all that was given out through a client, and give out nothing new')
    .argument('<name>')
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(disable);
  clients
    .command('enable')
    .description(
      "let a client be used again: a service's key is good again, nothing else that ended comes back",
    )
    .argument('<name>')
    .option('--json', 'for scripts')
    .action(enable);
  for (const command of clients.commands) command.exitOverride();
  return clients;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function list({ json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const clients = await auth.clients.list();
    if (json === true) return printJson({ items: clients });
    printColumns(
      clients.map(({ name, kind, mode, audiences, disabledAt }) => [
        name,
        kind === 'service' ? `service for ${audiences.join(', ')}` : (mode ?? 'configured no longer'),
        disabledAt === null ? '' : `disabled ${timeOf(disabledAt)}`,
      ]),
    );
  });
}

async function create(
  name: string,
  { audience, json }: Output & { readonly audience: readonly string[] },
): Promise<void> {
  await withLatchkey(async (auth) => {
    const { key } = await auth.clients.create({ name, audiences: audience }).catch(async (error: unknown) => {
      throw isFailure(error, 'LK_CLIENT_EXISTS') ? await taken(auth, name, error) : refusedFields(error);
    });
    if (json === true) return printJson({ name, key: key.reveal() });
    print(`${name} may ask with this key, which is shown once:`);
    print(key.reveal());
  });
}

async function taken(auth: Latchkey, name: string, cause: unknown): Promise<Refused> {
  const isService = (await auth.clients.list()).some((each) => each.kind === 'service' && each.name === name);
  const remedy = isService ? `, or give it another key: latchkey clients rotate ${name}` : '';
  return new Refused(`there is a client ${JSON.stringify(name)} already: choose another name${remedy}`, {
    cause,
  });
}

async function rotate(name: string, options: Asked & { readonly grace?: string }): Promise<void> {
  const grace = options.grace === undefined ? undefined : graceOf(options.grace);
  await withLatchkey(async (auth) => {
    const { disabledAt } = await requireService(auth, name);
    await confirm(
      grace === undefined
        ? `Rotate the key of ${name}? The one it has ends at once, and with it all tokens that it got.`
        : `Rotate the key of ${name}? The one it has stays good for ${options.grace ?? ''}, and the one before that ends.`,
      options.yes === true,
    );
    const { key, previousUntil, receipt } = await auth.clients
      .rotate(name, grace === undefined ? {} : { grace })
      .catch((error: unknown) => {
        throw refusedFields(error);
      });
    if (options.json === true)
      return printJson({ name, key: key.reveal(), previousUntil, receipt: await receipt.details() });
    const once = 'with this key, which is shown once';
    print(
      disabledAt === null
        ? `${name} may ask ${once}:`
        : `${name} is disabled; after latchkey clients enable ${name} it may ask ${once}:`,
    );
    print(key.reveal());
    const done = `Rotated the key of ${name}.`;
    if (previousUntil === null) return await printReceipt(auth, receipt, done, options);
    print(done);
    print(`The key before stays good until ${timeOf(previousUntil)}; any that had a grace has ended.`);
  });
}

function graceOf(text: string): Duration {
  try {
    return formatDuration(parseDuration(text));
  } catch (error) {
    const given = JSON.stringify(text);
    throw new Refused(`--grace takes a number and ms, s, m, h or d, such as 1h: ${given} is none`, {
      cause: error,
    });
  }
}

async function requireService(auth: Latchkey, name: string): Promise<ManagedClient> {
  const service = (await auth.clients.list()).find((each) => each.kind === 'service' && each.name === name);
  if (service !== undefined) return service;
  throw new Refused(
    `there is no service ${JSON.stringify(name)}; latchkey clients list shows those that there are`,
  );
}

/** What fields are called where they are typed. */
const TYPED: ReadonlyMap<string, string> = new Map([
  ['audiences', '--audience'],
  ['grace', '--grace'],
]);

/** What was typed is wrong: said in the words that it was typed in. */
function refusedFields(error: unknown): unknown {
  if (!isFailure(error, 'LK_REQUEST_INVALID')) return error;
  const errors = error.detail.errors.map(({ field, reason }) => ({
    field: TYPED.get(field) ?? field,
    reason,
  }));
  return new Refused(reasonsOf(errors), { cause: error });
}

async function disable(name: string, options: Asked): Promise<void> {
  await withLatchkey(async (auth) => {
    const client = (await auth.clients.list()).find((each) => each.name === name);
    if (client === undefined) throw unknown(name);
    await confirm(
      client.kind === 'service'
        ? `Disable the service ${name}? Its key will be refused, and all tokens that it got will end.`
        : `Disable the client ${name}? ${await sessionsOf(auth, { client: name })} will end, and nobody can sign in through it.`,
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
