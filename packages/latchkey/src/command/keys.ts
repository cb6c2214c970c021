import type { Timestamp } from '@latchkey/verify';
import { Command } from 'commander';
import { isFailure } from '../errors.ts';
import type { ListedKey } from '../latchkey.ts';
import { confirm } from './confirm.ts';
import { Refused } from './refused.ts';
import { withLatchkey } from './with-latchkey.ts';

interface Output {
  readonly json?: true;
}

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
    if (json === true) return void process.stdout.write(`${JSON.stringify(keys.map(written))}\n`);
    for (const key of keys) process.stdout.write(`${lineOf(key)}\n`);
  });
}

async function rotate({ json }: Output): Promise<void> {
  await withLatchkey(async (auth) => {
    const { kid, algorithm, activatesAt } = await auth.keys.rotate();
    const when = timeOf(activatesAt);
    if (json === true)
      return void process.stdout.write(`${JSON.stringify({ kid, algorithm, activatesAt: when })}\n`);
    process.stdout.write(`${kid} (${algorithm}) signs from ${when} on.\n`);
  });
}

async function revoke(kid: string, { yes, json }: Output & { readonly yes?: true }): Promise<void> {
  await withLatchkey(async (auth) => {
    const key = (await auth.keys.list()).find((listed) => listed.kid === kid);
    if (key === undefined) throw unknown(kid);
    await confirm(
      `Revoke ${kid}, which is ${STATES[key.state]}? Its tokens are refused at once; nobody is signed out.`,
      yes === true,
    );
    const receipt = await auth.keys.revoke(kid).catch((error: unknown) => {
      throw isFailure(error, 'LK_NOT_FOUND') ? unknown(kid, { cause: error }) : error;
    });
    const { id, settled, followers } = receipt;
    const deadline = timeOf(receipt.deadline);
    const tokensDeadBy = timeOf(receipt.tokensDeadBy);
    if (json === true) {
      const answer = { kid, receipt: { id, deadline, settled, followers, tokensDeadBy } };
      return void process.stdout.write(`${JSON.stringify(answer)}\n`);
    }
    process.stdout.write(`Revoked ${kid}.\n`);
    if (!settled)
      process.stdout.write(`${followers.pending} still to confirm; from ${deadline} on none accepts it.\n`);
    process.stdout.write(`Who only reads the published keys may accept it until ${tokensDeadBy}.\n`);
  });
}

const STATES = { next: 'the next one', current: 'the one that signs', retired: 'retired' } as const;

function unknown(kid: string, options?: ErrorOptions): Refused {
  return new Refused(`there is no key ${kid}; latchkey keys list shows those that there are`, options);
}

function lineOf({ kid, algorithm, state, createdAt, activatesAt }: ListedKey): string {
  const turn = state === 'retired' ? 'signed' : 'signs';
  const from = activatesAt === null ? '' : `, ${turn} from ${timeOf(activatesAt)}`;
  return `${kid}  ${algorithm}  ${state.padEnd('current'.length)}  made ${timeOf(createdAt)}${from}`;
}

function written(key: ListedKey): object {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    createdAt: timeOf(key.createdAt),
    activatesAt: key.activatesAt === null ? null : timeOf(key.activatesAt),
    usedAt: timeOf(key.usedAt),
  };
}

function timeOf(at: Timestamp): string {
  return new Date(at).toISOString();
}
