import type { AuthEvent } from 'latchkey';
import { isFailure } from 'latchkey';
import { type DestinationStream, destination, type Logger, pino } from 'pino';

/** Names under which a credential could end up in a log line, wherever a caller puts one. */
const REDACTED = [
  'password',
  'current_password',
  'new_password',
  'token',
  'access_token',
  'refresh_token',
  'secret',
  'cookie',
  'authorization',
  'set-cookie',
];

const WARNINGS: ReadonlySet<AuthEvent['type']> = new Set([
  'sign_in_refused',
  'reauthentication_refused',
  'password_disabled',
  'refresh_refused',
  'refresh_reused',
  'access_denied',
  'log_stale',
  'log_failed_over',
  'log_restored',
  'clock_wrong',
  'canary_overdue',
  'signing_key_revoked',
]);

const ROUTINE: ReadonlySet<string> = new Set([
  '/auth/feed/pull',
  '/health/live',
  '/health/ready',
  '/metrics',
]);

/** All that is logged of a request: none of it can hold a credential. */
export interface RequestLine {
  readonly request: string;
  readonly method: string;
  /** Without its query, which may hold a one-time token. */
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly ip: string | null;
}

/** Where a server writes what happens: JSON lines, `time` in milliseconds since the epoch. */
export interface Log {
  /** For whatever may come: names that sound like a credential are blotted out. */
  readonly logger: Logger;
  /** For requests alone, whose lines have one form: looking for credentials in each would cost a third of a request. */
  readonly request: (line: RequestLine) => void;
}

/** Makes the log on standard output, written without holding up requests. */
export function createLog(level: string): Log & { readonly flush: () => void } {
  const stream = destination({ dest: 1, sync: false });
  return { ...logTo(stream, level), flush: () => stream.flushSync() };
}

/** Makes the log on a stream. */
export function logTo(stream: DestinationStream, level: string): Log {
  const paths = REDACTED.flatMap((name) => [`["${name}"]`, `*["${name}"]`]);
  const logger = pino({ level, base: null, redact: { paths, censor: '[secret]' } }, stream);
  const requests = pino({ level, base: null }, stream);
  const request = (line: RequestLine): void => {
    if (isRoutine(line)) requests.debug(line, 'request');
    else requests.info(line, 'request');
  };
  return { logger, request };
}

/** What machines ask all the time and is well: each service pulls once a second. The metrics count it. */
function isRoutine({ path, status }: RequestLine): boolean {
  return status === 200 && ROUTINE.has(path);
}

/** Writes an event as a line. Ids are logged, credentials never are part of an event. */
export function eventLogger(logger: Logger): (event: AuthEvent) => void {
  return ({ type, error, ...rest }) => {
    if (type === 'failed') logger.error({ ...rest, error: describe(error) }, type);
    else if (WARNINGS.has(type)) logger.warn(rest, type);
    // One a minute, and good news: the metrics have it.
    else if (type === 'canary_settled') logger.debug(rest, type);
    else logger.info(rest, type);
  };
}

/** The message and the stack of what went wrong inside, with its causes. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  return {
    ...(isFailure(error) ? { code: error.code } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describe(error.cause) }),
  };
}
