import { failure, isFailure } from '../../errors.ts';
import { StoreRefused } from '../store.ts';
import type { Address } from './postgres-options.ts';

/*
 * What the server says is told by its SQLSTATE
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html): messages are
 * translated. Whatever has none comes from the connection.
 */

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK = '40P01';
const FOREIGN_KEY = '23503';
const NO_SUCH_STATEMENT = '26000';
const DUPLICATE_STATEMENT = '42P05';
const FEATURE_NOT_SUPPORTED = '0A000';
const READ_ONLY = '25006';
const PERMISSION = '42501';
const NO_DATABASE = '3D000';
/** Whoever idles in a transaction, or whose transaction takes too long, is disconnected. */
const TIMED_OUT: ReadonlySet<string> = new Set(['25P03', '25P04']);

/** Classes of what no statement of ours is to blame for. */
const UNAVAILABLE: readonly string[] = [
  // The connection, and whoever is let in.
  '08',
  '28',
  NO_DATABASE,
  PERMISSION,
  // Another transaction.
  '40',
  READ_ONLY,
  ...TIMED_OUT,
  // A standby, a lock that is not to be had.
  '55',
  // Resources, the operator, the system, the server itself.
  '53',
  '57',
  '58',
  'F0',
  'XX',
];

/** Certificates that Node's TLS does not accept. */
const UNTRUSTED = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/;

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** The server's SQLSTATE, or `null` where the error is not the server's. */
function sqlState(error: unknown): string | null {
  return error instanceof Error && 'severity' in error ? codeOf(error) : null;
}

/**
 * Whether the statement was not run because the session does not have it prepared:
 * a pooler has put another session under the connection.
 */
export function isUnprepared(error: unknown): boolean {
  const state = sqlState(error);
  return state === NO_SUCH_STATEMENT || state === DUPLICATE_STATEMENT;
}

/** Whether the statement was not run because what it answers has other columns since it was prepared. */
export function isOutdated(error: unknown): boolean {
  // The state means much else too, and the message is translated: the routine is neither.
  return (
    sqlState(error) === FEATURE_NOT_SUPPORTED &&
    error instanceof Error &&
    'routine' in error &&
    error.routine === 'RevalidateCachedQuery'
  );
}

/**
 * Whether the server gave work up that may succeed when it runs again: against
 * another transaction, for a row that was pointed at and deleted meanwhile (which a
 * new look does not find), or for a statement that is to be prepared again.
 */
export function passes(error: unknown): boolean {
  const state = sqlState(error);
  const lost = state === SERIALIZATION_FAILURE || state === DEADLOCK || state === FOREIGN_KEY;
  return lost || isUnprepared(error) || isOutdated(error);
}

/**
 * Whether the connection must not be used again: it is broken, or leads to a server
 * that is going down or takes no writes, beside which there may be a better one.
 */
export function isLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state === null) return !isOurs(error);
  const { [0]: first, [1]: second } = state;
  return (
    `${first}${second}` === '08' || state.startsWith('57P') || state === READ_ONLY || TIMED_OUT.has(state)
  );
}

/** A wrong call, or what was said about an error already. */
function isOurs(error: unknown): boolean {
  return (
    !(error instanceof Error) ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof StoreRefused ||
    isFailure(error)
  );
}

/** What is thrown for an error at run time: `LK_STORE_UNAVAILABLE` where the database is what fails. */
export function unavailable(error: unknown): unknown {
  const state = sqlState(error);
  if (state === null) return isOurs(error) ? error : storeUnavailable(error);
  const blameless = UNAVAILABLE.some((start) => state.startsWith(start));
  return blameless || isUnprepared(error) || isOutdated(error) ? storeUnavailable(error) : error;
}

function storeUnavailable(cause: unknown): Error {
  return failure('LK_STORE_UNAVAILABLE', { retryAfter: 1_000 }, { cause });
}

/** What is thrown where the connection was lost while a transaction was committed. */
export function outcomeUnknown(cause: unknown): Error {
  return storeUnavailable(
    new Error('the outcome of the transaction is unknown: the connection was lost during COMMIT', { cause }),
  );
}

/** What is thrown for an error while the store is opened: `StoreRefused` where somebody has to act. */
export function refused(error: unknown, { name, user, database, schema }: Address): unknown {
  const cause = isFailure(error, 'LK_STORE_UNAVAILABLE') ? error.cause : error;
  const refuse = (what: string): StoreRefused => new StoreRefused(`${name} ${what}`, { cause });
  const state = sqlState(cause);
  const code = codeOf(cause);
  if (state === null) {
    if (code !== null && UNTRUSTED.test(code))
      return refuse(
        `has a certificate that is not trusted (${code}): name its issuer by sslrootcert= in the URL`,
      );
    const message = cause instanceof Error ? cause.message : '';
    if (message.includes('does not support SSL'))
      return refuse('takes no TLS: switch it on there, or ask for none by sslmode=disable in the URL');
    // An answer to the server's challenge that could not be given, or was not the server's own.
    if (message.startsWith('SASL')) return refuse('asks for a password: put the right one into the URL');
    return error;
  }
  if (state.startsWith('28'))
    return refuse(`does not let ${quoted(user)} in: check the user and password of the URL, and pg_hba.conf`);
  switch (state) {
    case NO_DATABASE:
      return refuse(
        `has no such database: make it with: CREATE DATABASE ${quoted(database)} ENCODING 'UTF8'`,
      );
    case PERMISSION:
      return refuse(
        `does not let ${quoted(user)} make its tables: let an administrator run: ` +
          `CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}; GRANT ALL ON SCHEMA ${quoted(schema)} TO ${quoted(user)}`,
      );
    case READ_ONLY:
      return refuse('can only be read: name the primary, and a user who may write');
    default:
      return error;
  }
}

/** As an identifier of SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
