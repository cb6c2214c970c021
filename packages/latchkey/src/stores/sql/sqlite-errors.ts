import { failure } from '../../errors.ts';
import { StoreRefused } from '../store.ts';

/** Primary result codes (https://www.sqlite.org/rescode.html). */
const OK = 0;
const BUSY = 5;
const LOCKED = 6;
const NOMEM = 7;
const READONLY = 8;
const INTERRUPT = 9;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const NOTADB = 26;

/** What no statement of ours is to blame for. */
const UNAVAILABLE: ReadonlySet<number> = new Set([
  BUSY,
  LOCKED,
  NOMEM,
  READONLY,
  INTERRUPT,
  IOERR,
  CORRUPT,
  FULL,
  CANTOPEN,
  PROTOCOL,
  NOTADB,
]);

/** SQLite's primary result code, or `OK` where the error is not SQLite's. */
function resultCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return OK;
  // The upper bytes of an extended code say more of the same.
  return error.errcode & 0xff;
}

/** Whether another connection holds the lock that was asked for: nothing was done, and it may be tried again. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === BUSY;
}

/** What is thrown for an error at run time: `LK_STORE_UNAVAILABLE` where the database is what fails. */
export function unavailable(error: unknown): unknown {
  if (!UNAVAILABLE.has(resultCode(error))) return error;
  return failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 }, { cause: error });
}

/** What is thrown for an error while the file is opened: `StoreRefused` where somebody has to act. */
export function refused(error: unknown, name: string): unknown {
  const refuse = (what: string): StoreRefused => new StoreRefused(`${name} ${what}`, { cause: error });
  switch (resultCode(error)) {
    case NOTADB:
      return refuse('is not a SQLite database: move it away, or name another file');
    case CORRUPT:
      return refuse('is damaged: restore it from a backup');
    case READONLY:
      return refuse('cannot be written: let the user who runs Latchkey write the file and its folder');
    case CANTOPEN:
      return refuse('cannot be opened: let the user who runs Latchkey write the file and its folder');
    default:
      return unavailable(error);
  }
}
