import { systemClock } from '@latchkey/verify';
import { Command } from 'commander';
import { parseConfig } from '../config.ts';
import { readSettings } from '../environment.ts';
import { Watermark } from '../revocation/watermark.ts';
import { requirePossibleHead, requireRootKeys, verifyBackup } from '../stores/sql/backup-lines.ts';
import { countsOf } from './backup.ts';
import { readLines } from './backup-file.ts';
import { confirm } from './confirm.ts';

interface RestoreCommandOptions {
  readonly replace?: true;
  readonly yes?: true;
  readonly json?: true;
}

/** `latchkey restore` */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('put a backup in the place of the database, and end all sessions')
    .argument('<file>', 'as latchkey backup has written it')
    .option('--replace', 'also where the database is not empty')
    .option('--yes', 'without asking')
    .option('--json', 'for scripts')
    .addHelpText(
      'after',
      `
Put the root secret that belongs to the backup in its place first. All of the file is read
before anything is written, and all of it is written or nothing. Servers may run: they refuse
to write meanwhile, and go on by themselves.

What was revoked after the backup cannot be known, so everybody signs in anew, and signing keys
are made anew. All else is as it was: passwords changed since, users and clients disabled
since, roles taken since. Look through them.`,
    )
    .action(restore);
}

async function restore(file: string, { replace, yes, json }: RestoreCommandOptions): Promise<void> {
  const { options, database } = await readSettings(process.env, process.cwd());
  const { store } = options;
  const { rootSecret, watermark } = parseConfig(options, 1);
  const rootKeys = rootSecret.ring.map(({ id }) => id);
  const found = await verifyBackup(readLines(file));
  requireRootKeys(found, rootKeys);
  const seen = watermark === null ? 0 : await new Watermark(watermark).highest();
  requirePossibleHead(found, systemClock.now(), seen);
  await store.open(systemClock.now());
  try {
    const users = await store.users.count();
    const made = new Date(found.at).toISOString();
    if (replace === true && users > 0) {
      await confirm(
        `Replace all that is in ${database} (${users} ${users === 1 ? 'user' : 'users'}) by the backup of ${made} (${countsOf(found)})? Everybody signs in anew.`,
        yes === true,
      );
    }
    const summary = await store.restore(() => readLines(file), {
      now: systemClock.now(),
      replace: replace === true,
      rootKeys,
      seen,
    });
    if (json === true) return void process.stdout.write(`${JSON.stringify({ file, ...summary })}\n`);
    process.stdout.write(`Restored ${countsOf(summary)}, as they were at ${made}. All sessions are ended.\n`);
    process.stdout.write(`Passwords, roles and disabled users are as they were then: look through them.\n`);
  } finally {
    await store.close();
  }
}
