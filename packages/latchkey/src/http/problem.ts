import { CODES, type Code, type Failure, failure, isFailure } from '../errors.ts';
import type { RequestHead } from '../foundation/header-source.ts';
import { randomUuid } from '../foundation/random.ts';

/** RFC 9457 with the code and what a caller may act on. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: Code;
  readonly detail?: string;
  readonly errors?: readonly { readonly field: string; readonly reason: string }[];
  readonly reason?: string;
  /** What would have to be proved again, and how many seconds ago at the most. */
  readonly acr?: string | null;
  readonly max_age?: number | null;
  readonly request_id: string;
}

/** What an error is shown as: codes that are not public become the general one, whatever threw becomes `LK_INTERNAL`. */
export function shownFailure(error: unknown): Failure {
  if (!isFailure(error)) return failure('LK_INTERNAL', undefined, { cause: error });
  const { public: shownAs } = CODES[error.code];
  return shownAs === true ? error : failure(shownAs, undefined, { cause: error });
}

/** What is missing where a client's key is asked for: alike for none, an unknown, a wrong and a disabled one. */
export const NO_GOOD_KEY = 'No good key of a client was presented';

/** What a code's title does not say, and whoever asked may know; `null` for nothing. */
export function detailOf(shown: Failure): string | null {
  if (shown.code === 'LK_PASSWORD_REFUSED') return shown.detail.message;
  const isOfKey = shown.code === 'LK_UNAUTHENTICATED' && isFailure(shown.cause, 'LK_KEY_REFUSED');
  return isOfKey ? NO_GOOD_KEY : null;
}

/** Headers that belong to an error's status. */
export function problemHeaders(shown: Failure, request: RequestHead): [string, string][] {
  const headers: [string, string][] = [['Cache-Control', 'no-store']];
  const { status } = CODES[shown.code];
  // RFC 9110 §11.6.1, RFC 6750 §3: an error is named only where a token was sent.
  if (status === 401) {
    headers.push(['WWW-Authenticate', challenge(shown, request)]);
  }
  if (shown.code === 'LK_METHOD_NOT_ALLOWED') headers.push(['Allow', shown.detail.allow.join(', ')]);
  if ('detail' in shown && typeof shown.detail === 'object' && 'retryAfter' in shown.detail) {
    headers.push(['Retry-After', String(Math.max(1, Math.ceil(shown.detail.retryAfter / 1000)))]);
  }
  return headers;
}

function challenge(shown: Failure, request: RequestHead): string {
  // RFC 6749 §5.2: by the scheme that a client with a key has used, and by no other route.
  if (isFailure(shown.cause, 'LK_KEY_REFUSED') && /^basic /i.test(request.headers.get('authorization') ?? ''))
    return 'Basic realm="latchkey", charset="UTF-8"';
  if (shown.code !== 'LK_STEP_UP_REQUIRED')
    return request.headers.has('authorization') ? 'Bearer error="invalid_token"' : 'Bearer';
  // RFC 9470 §3.
  const { acr, maxAge } = shown.detail;
  const wanted = [
    acr === null ? [] : [`acr_values="${acr}"`],
    maxAge === null ? [] : [`max_age="${maxAge}"`],
  ].flat();
  return `Bearer ${['error="insufficient_user_authentication"', ...wanted].join(', ')}`;
}

/** The body of an error's answer. */
export function problemOf(shown: Failure, requestId: string): Problem {
  const { status, title } = CODES[shown.code];
  const detail = detailOf(shown);
  return {
    type: `urn:latchkey:error:${shown.code}`,
    title,
    status,
    code: shown.code,
    ...(detail === null ? {} : { detail }),
    ...(shown.code === 'LK_REQUEST_INVALID' ? { errors: shown.detail.errors } : {}),
    ...(shown.code === 'LK_PASSWORD_REFUSED' ? { reason: shown.detail.reason } : {}),
    ...(shown.code === 'LK_STEP_UP_REQUIRED' ? { acr: shown.detail.acr, max_age: shown.detail.maxAge } : {}),
    request_id: requestId,
  };
}

/** An error as an answer to a program. */
export function problemResponse(error: unknown, request: RequestHead, requestId: string): Response {
  const shown = shownFailure(error);
  const problem = problemOf(shown, requestId);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: [['Content-Type', 'application/problem+json'], ...problemHeaders(shown, request)],
  });
}

/**
 * An error that says how it is to be answered, where a handler of an application
 * lets it pass: as Express asks (`status`), and as Hono does (`getResponse`).
 */
export function answerable(error: Failure, respond: () => Response): Failure {
  const { status } = CODES[shownFailure(error).code];
  return Object.assign(error, { status, getResponse: respond });
}

/** Makes an id under which one request is logged and answered. */
export function newRequestId(): string {
  return randomUuid();
}

const NO_HEAD: RequestHead = { method: 'GET', headers: new Headers() };

/**
 * What a handler of an application lets pass is answered as what it is, and not as
 * a defect of the application. `head` is of the request, where it is known.
 */
export function toBeAnswered(error: unknown, head: RequestHead = NO_HEAD): unknown {
  return isFailure(error) ? answerable(error, () => problemResponse(error, head, newRequestId())) : error;
}
