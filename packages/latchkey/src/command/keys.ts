import { Command } from 'commander';
import { isFailure } from '../errors.ts';
import type { ListedKey } from '../latchkey.ts';
import { confirm } from './confirm.ts';
import { type Asked, type Output, print, printColumns, printJson, timeOf } from './print.ts';
import { printReceipt } from './receipt.ts';
import { Refused } from './refused.ts';
import { withLatchkey } from './with-latchkey.ts';

/** `latchkey keys` */
export function keysCommand(): Command {
  const keys = new Command('keys').description('list, rotate and revoke the keys that sign access tokens');
  keys
    .command('list')
    .description('show which key signs, which is next, and which still verify')
    .option('--json', 'for scripts')
    .action(list);
  keys
    .command('rotate')
    .description('have the next key sign, as soon as everybody has seen it')
    .option('--json', 'for scripts')
    .action(rotate);
  keys
    .command('revoke')
    .description('end trust in a key at once, where it may have been stolen; nobody is signed out')
    .argument('<kid>', 'as latchkey keys list shows it')
    // One of 64 begins with a hyphen.
    .allowUnknownOption()
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .action(revoke);
  for (const command of keys.commands) command.exitOverride();
  return keys;
}

async function list({ json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const keys = await auth.keys.list();
    if (json === true) return printJson(keys);
    printColumns(keys.map(cellsOf));
  });
}

async function rotate({ json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const rotation = await auth.keys.rotate();
    if (json === true) return printJson(rotation);
    const { kid, algorithm, activatesAt } = rotation;
    print(`${kid} (${algorithm}) signs from ${timeOf(activatesAt)} on.`);
  });
}

async function revoke(kid: string, options: Asked): Promise<void> {
  await withLatchkey(async (auth) => {
    const key = (await auth.keys.list()).find((listed) => listed.kid === kid);
    if (key === undefined) throw unknown(kid);
    await confirm(
      `Revoke ${kid}, which is ${STATES[key.state]}? Its tokens are refused at once; nobody is signed out.`,
      options.yes === true,
    );
    const receipt = await auth.keys.revoke(kid).catch((error: unknown) => {
      throw isFailure(error, 'LK_NOT_FOUND') ? unknown(kid, { cause: error }) : error;
    });
    await printReceipt(auth, receipt, `Revoked ${kid}.`, options);
  });
}

const STATES = { next: 'the next one', current: 'the one that signs', retired: 'retired' } as const;

function unknown(kid: string, options?: ErrorOptions): Refused {
  return new Refused(`there is no key ${kid}; latchkey keys list shows those that there are`, options);
}

function cellsOf({ kid, algorithm, state, createdAt, activatesAt }: ListedKey): readonly string[] {
  const turn = state === 'retired' ? 'signed' : 'signs';
  const from = activatesAt === null ? '' : `${turn} from ${timeOf(activatesAt)}`;
  return [kid, algorithm, state, `made ${timeOf(createdAt)}`, from];
}
