import type { AuthEvent } from 'latchkey';
import { isFailure } from 'latchkey';
import { destination, type Logger, pino } from 'pino';

/** Names under which a credential could end up in a log line, wherever a caller puts one. */
const REDACTED = [
  'password',
  'current_password',
  'new_password',
  'token',
  'secret',
  'cookie',
  'authorization',
  'set-cookie',
];

/** Makes the logger: JSON lines on standard output, written without holding up requests. */
export function createLogger(level: string): { readonly logger: Logger; readonly flush: () => void } {
  const stream = destination({ dest: 1, sync: false });
  const paths = REDACTED.flatMap((name) => [`["${name}"]`, `*["${name}"]`]);
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths, censor: '[secret]' } },
    stream,
  );
  return { logger, flush: () => stream.flushSync() };
}

/** Writes an event as a line. Ids are logged, credentials never are part of an event. */
export function eventLogger(logger: Logger): (event: AuthEvent) => void {
  return ({ type, error, ...rest }) => {
    if (type === 'failed') logger.error({ ...rest, error: describe(error) }, type);
    else if (type === 'sign_in_refused' || type === 'reauthentication_refused' || type === 'log_stale')
      logger.warn(rest, type);
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
