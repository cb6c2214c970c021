import { type Acr, LatchkeyError, type Millis, type Seconds } from '@latchkey/verify';

/** What is wrong with one field of a request; `field` is empty where it is the whole. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

interface CodeRow {
  readonly status: number;
  readonly title: string;
  /**
   * Whether the code may be seen from outside. Those that may not are shown as
   * the general one named here, so that nobody can tell which it was.
   */
  readonly public:
    | true
    | 'LK_UNAUTHENTICATED'
    | 'LK_CREDENTIALS_REFUSED'
    | 'LK_GRANT_REFUSED'
    | 'LK_INTERNAL';
}

/** Every code that Latchkey throws, and how HTTP shows it. `docs/errors.md` says when and what to do. */
export const CODES = {
  LK_REQUEST_INVALID: { status: 400, title: 'The request is not valid', public: true },
  LK_CREDENTIALS_AMBIGUOUS: { status: 400, title: 'More than one credential was sent', public: true },
  LK_PASSWORD_REFUSED: { status: 400, title: 'This password cannot be used', public: true },
  LK_GRANT_REFUSED: { status: 400, title: 'The grant is not good, or no longer', public: true },
  LK_GRANT_UNSUPPORTED: { status: 400, title: 'This kind of grant is not known here', public: true },
  LK_CLIENT_REFUSED: { status: 400, title: 'The client may not do this', public: true },
  LK_AUDIENCE_REFUSED: { status: 400, title: 'No tokens are issued for this audience', public: true },
  LK_UNAUTHENTICATED: { status: 401, title: 'Sign in first', public: true },
  LK_CREDENTIALS_REFUSED: { status: 401, title: 'The address or the password is wrong', public: true },
  LK_STEP_UP_REQUIRED: { status: 401, title: 'Prove again who you are', public: true },
  LK_FORBIDDEN: { status: 403, title: 'You may not do this', public: true },
  LK_GATEWAY_REFUSED: { status: 403, title: 'The gateway has not proved which it is', public: true },
  LK_ORIGIN_REFUSED: { status: 403, title: 'The request comes from another site', public: true },
  LK_NOT_FOUND: { status: 404, title: 'Not found', public: true },
  LK_METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here', public: true },
  LK_NOT_ACCEPTABLE: { status: 406, title: 'This is answered in another media type', public: true },
  LK_EMAIL_TAKEN: { status: 409, title: 'This address already has an account', public: true },
  LK_CONFLICT: { status: 409, title: 'Somebody else changed this meanwhile', public: true },
  LK_CLIENT_EXISTS: { status: 409, title: 'A client has this name already', public: true },
  LK_LOCKOUT: { status: 409, title: 'This would lock out who administers', public: true },
  LK_BODY_TOO_LARGE: { status: 413, title: 'The body is too large', public: true },
  LK_MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    title: 'The body is of a type that is not read here',
    public: true,
  },
  LK_THROTTLED: { status: 429, title: 'Too many attempts', public: true },
  LK_HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large', public: true },
  LK_INTERNAL: { status: 500, title: 'Something went wrong here', public: true },
  LK_BUSY: { status: 503, title: 'Too busy for this now', public: true },
  LK_STORE_UNAVAILABLE: { status: 503, title: 'The store cannot be reached', public: true },
  LK_NOT_FRESH: { status: 503, title: 'This node cannot tell the time, or what was revoked', public: true },
  LK_USER_UNKNOWN: { status: 401, title: 'No such user', public: 'LK_CREDENTIALS_REFUSED' },
  LK_PASSWORD_WRONG: { status: 401, title: 'The password is wrong', public: 'LK_CREDENTIALS_REFUSED' },
  LK_PASSWORD_DISABLED: {
    status: 401,
    title: 'The password has failed too often',
    public: 'LK_CREDENTIALS_REFUSED',
  },
  LK_USER_DISABLED: { status: 401, title: 'The user is disabled', public: 'LK_CREDENTIALS_REFUSED' },
  LK_CREDENTIAL_MALFORMED: {
    status: 401,
    title: 'The credential is malformed',
    public: 'LK_UNAUTHENTICATED',
  },
  LK_CREDENTIAL_UNSUPPORTED: {
    status: 401,
    title: 'The credential is of a kind that is not accepted',
    public: 'LK_UNAUTHENTICATED',
  },
  LK_SESSION_UNKNOWN: { status: 401, title: 'No such session', public: 'LK_UNAUTHENTICATED' },
  LK_SESSION_REVOKED: { status: 401, title: 'The session has ended', public: 'LK_UNAUTHENTICATED' },
  LK_SESSION_EXPIRED: { status: 401, title: 'The session has expired', public: 'LK_UNAUTHENTICATED' },
  LK_SESSION_IDLE: { status: 401, title: 'The session was idle too long', public: 'LK_UNAUTHENTICATED' },
  LK_SESSION_USER_DISABLED: {
    status: 401,
    title: "The session's user is disabled",
    public: 'LK_UNAUTHENTICATED',
  },
  LK_SESSION_ROTATED: { status: 401, title: 'The session has a newer secret', public: 'LK_UNAUTHENTICATED' },
  LK_KEY_REFUSED: { status: 401, title: "The client's key is not good", public: 'LK_UNAUTHENTICATED' },
  LK_TOKEN_REFUSED: { status: 401, title: 'The token is not good', public: 'LK_UNAUTHENTICATED' },
  LK_TOKEN_EXPIRED: { status: 401, title: 'The token has expired', public: 'LK_UNAUTHENTICATED' },
  LK_TOKEN_REVOKED: { status: 401, title: 'The token has been revoked', public: 'LK_UNAUTHENTICATED' },
  LK_REFRESH_REFUSED: { status: 400, title: 'The refresh token is not good', public: 'LK_GRANT_REFUSED' },
  LK_REFRESH_REUSED: {
    status: 400,
    title: 'The refresh token had been used before',
    public: 'LK_GRANT_REFUSED',
  },
  LK_CLAIM_REFUSED: { status: 500, title: 'A claim may not be in a token', public: 'LK_INTERNAL' },
} as const satisfies Record<string, CodeRow>;

export type Code = keyof typeof CODES;

/** Why a password was refused (NIST SP 800-63B-4 §3.1.1.2 wants the reason told). */
export type PasswordRefusal = 'too_short' | 'too_long' | 'common' | 'context' | 'personal' | 'same';

/** What a code carries besides itself; codes that are not here carry nothing. */
interface Details {
  LK_REQUEST_INVALID: { readonly errors: readonly FieldError[] };
  LK_PASSWORD_REFUSED: { readonly reason: PasswordRefusal; readonly message: string };
  /** What would have to be proved; `maxAge` in seconds (RFC 9470 §3). */
  LK_STEP_UP_REQUIRED: { readonly acr: Acr | null; readonly maxAge: Seconds | null };
  LK_FORBIDDEN: { readonly permission: string };
  LK_CLAIM_REFUSED: { readonly claim: string; readonly why: string };
  LK_METHOD_NOT_ALLOWED: { readonly allow: readonly string[] };
  LK_THROTTLED: { readonly retryAfter: Millis };
  LK_BUSY: { readonly retryAfter: Millis };
  LK_STORE_UNAVAILABLE: { readonly retryAfter: Millis };
  LK_NOT_FRESH: { readonly retryAfter: Millis };
}

export type DetailOf<C extends Code> = C extends keyof Details ? Details[C] : undefined;

/** The error of a code, with the detail that the code asks for. */
export function failure<C extends Code>(
  code: C,
  ...rest: DetailOf<C> extends undefined
    ? [detail?: undefined, options?: ErrorOptions]
    : [detail: DetailOf<C>, options?: ErrorOptions]
): LatchkeyError<C, DetailOf<C>> {
  const [detail, options] = rest;
  return new LatchkeyError(code, messageOf(code, detail), detail as DetailOf<C>, options);
}

/** The title, and what a reader of the log would look for in the detail; never what somebody sent. */
function messageOf(code: Code, detail: unknown): string {
  const { title } = CODES[code];
  if (typeof detail !== 'object' || detail === null) return title;
  if ('errors' in detail && Array.isArray(detail.errors)) return `${title}: ${reasonsOf(detail.errors)}`;
  return 'message' in detail ? `${title}: ${String(detail.message)}` : title;
}

/** The wrong fields in one line. */
export function reasonsOf(errors: readonly FieldError[]): string {
  return errors.map(({ field, reason }) => `${field} ${reason}`.trim()).join('; ');
}

/** A `LatchkeyError` of a code in the table, whatever the code: what `isFailure` tells apart. */
export type Failure = { [C in Code]: LatchkeyError<C, DetailOf<C>> }[Code];

/** Whether `error` is one of ours, and if a code is named, of that code. */
export function isFailure<C extends Code = Code>(
  error: unknown,
  code?: C,
): error is Extract<Failure, { code: C }> {
  return error instanceof LatchkeyError && error.code in CODES && (code === undefined || error.code === code);
}

/** One field of the request is wrong. */
export function invalid(
  field: string,
  reason: string,
): LatchkeyError<'LK_REQUEST_INVALID', DetailOf<'LK_REQUEST_INVALID'>> {
  return failure('LK_REQUEST_INVALID', { errors: [{ field, reason }] });
}
