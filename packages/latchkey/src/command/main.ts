#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { isFailure, reasonsOf } from '../errors.ts';
import { StoreRefused, VERSION } from '../latchkey.ts';
import { adviseCommand } from './advise.ts';
import { backupCommand } from './backup.ts';
import { clientsCommand } from './clients.ts';
import { configCommand } from './config.ts';
import { followersCommand } from './followers.ts';
import { inspectCommand } from './inspect.ts';
import { keysCommand } from './keys.ts';
import { outliveReaders } from './outlive-readers.ts';
import { Refused } from './refused.ts';
import { restoreCommand } from './restore.ts';
import { revokeCommand } from './revoke.ts';
import { serveCommand } from './serve.ts';
import { sessionsCommand } from './sessions.ts';
import { usersCommand } from './users.ts';

const program = new Command('latchkey')
  .description('Authentication: sessions, with a revocation log under them.')
  .version(VERSION)
  .showHelpAfterError('Add --help for what there is.')
  .addCommand(serveCommand())
  .addCommand(usersCommand())
  .addCommand(sessionsCommand())
  .addCommand(clientsCommand())
  .addCommand(revokeCommand())
  .addCommand(followersCommand())
  .addCommand(keysCommand())
  .addCommand(configCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(adviseCommand())
  .addCommand(inspectCommand())
  .exitOverride();
for (const command of program.commands) command.exitOverride();

outliveReaders();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode;
  else {
    process.stderr.write(`latchkey: ${explain(error)}\n`);
    process.exitCode = 1;
  }
}

/** One line that says what to do, for whatever somebody can mend; the stack for the rest. */
function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StoreRefused || error instanceof Refused)
    return error.message;
  if (isFailure(error, 'LK_REQUEST_INVALID')) {
    return reasonsOf(error.detail.errors);
  }
  if (isFailure(error, 'LK_PASSWORD_REFUSED')) return error.detail.message;
  if (isFailure(error, 'LK_STORE_UNAVAILABLE'))
    return `${error.message} (${[error.code, causeOf(error.cause)].filter((part) => part !== '').join(': ')})`;
  if (isFailure(error)) return `${error.message} (${error.code})`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What lies under it, in one line: an address that refuses, a file that is locked. */
function causeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  // Of several addresses of one name that were tried in vain, Node says the code alone.
  return (cause.message === '' ? code : cause.message).replaceAll(/\s+/g, ' ');
}
