import { systemClock } from '@latchkey/verify';
import { Command } from 'commander';
import { readSettings } from '../environment.ts';
import type { BackupSummary } from '../stores/records.ts';
import { summaryOf } from '../stores/sql/backup-lines.ts';
import { writeLines, writeTo } from './backup-file.ts';
import { Refused } from './refused.ts';

interface BackupOptions {
  readonly json?: true;
}

/** `latchkey backup` */
export function backupCommand(): Command {
  return new Command('backup')
    .description('write the database into a file, while servers run')
    .argument('<file>', 'a new file; compressed where it ends in .gz; - for standard output')
    .option('--json', 'for scripts')
    .addHelpText(
      'after',
      `
Users, password hashes, roles, sessions and the revocation log of one moment, as text
that SQLite and PostgreSQL can restore. Not in it: signing keys, receipts, last sightings,
and the root secret. Keep that one elsewhere: without it a backup is of no use, and whoever
has both has everything.`,
    )
    .action(backUp);
}

async function backUp(file: string, { json }: BackupOptions): Promise<void> {
  const { options, sources } = await readSettings(process.env, process.cwd());
  const { store } = options;
  const toOutput = file === '-';
  if (toOutput && process.stdout.isTTY)
    throw new Refused('a backup is nothing to be shown on a terminal: name a file, or pipe it on');
  await store.open(systemClock.now());
  try {
    const ends: string[] = [];
    const lines = keepingEnds(store.backup(systemClock.now()), ends);
    await (toOutput ? writeToOutput(lines) : writeLines(file, lines));
    const summary = summaryOf(ends[0] ?? '', ends[1] ?? '');
    const say = (text: string): void => void (toOutput ? process.stderr : process.stdout).write(`${text}\n`);
    if (json === true) return say(JSON.stringify({ file, ...summary }));
    say(`Backed up ${countsOf(summary)}${toOutput ? '' : ` into ${file}`}.`);
    say(
      `The root secret ${summary.rootKeys.join(' and ')} is not in it: keep ${keptApart(sources)} elsewhere.`,
    );
  } finally {
    await store.close();
  }
}

/** Half a backup is none: here, unlike elsewhere, it matters that somebody has read it all. */
async function writeToOutput(lines: AsyncIterable<string>): Promise<void> {
  await writeTo(process.stdout, lines).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
    throw new Refused('who was to read the backup has stopped before its end: it is of no use', {
      cause: error,
    });
  });
}

/** For people: what a backup holds. */
export function countsOf({ rows }: BackupSummary): string {
  const count = (table: string, one: string): string => {
    const number = rows[table] ?? 0;
    return `${number} ${one}${number === 1 ? '' : 's'}`;
  };
  return `${count('account', 'user')} and ${count('session', 'session')}`;
}

/** Where the secret is, as the owner has to name it to copy it. */
function keptApart(sources: ReadonlyMap<string, string>): string {
  const source = sources.get('secret') ?? 'LATCHKEY_SECRET';
  return source === 'LATCHKEY_SECRET' ? 'what LATCHKEY_SECRET holds' : `a copy of ${source}`;
}

/** Hands lines on, and keeps the first and the last. */
async function* keepingEnds(lines: AsyncIterable<string>, ends: string[]): AsyncGenerator<string> {
  for await (const line of lines) {
    ends[ends.length === 0 ? 0 : 1] = line;
    yield line;
  }
}
