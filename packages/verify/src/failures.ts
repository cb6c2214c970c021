import type { Millis, Seconds } from './clock.ts';
import { LatchkeyError } from './errors.ts';
import type { Acr } from './principal.ts';

interface CodeRow {
  readonly status: number;
  readonly title: string;
  /** Whether the code may be seen from outside; else as which general one it is shown. */
  readonly public: true | 'LK_UNAUTHENTICATED';
}

/** Every code that a verifier throws, and how HTTP shows it; the README says when and what to do. */
export const VERIFIER_CODES = {
  LK_CREDENTIALS_AMBIGUOUS: { status: 400, title: 'More than one credential was sent', public: true },
  LK_UNAUTHENTICATED: { status: 401, title: 'Sign in first', public: true },
  LK_TOKEN_STALE: { status: 401, title: 'What the token says has changed', public: true },
  LK_STEP_UP_REQUIRED: { status: 401, title: 'Prove again who you are', public: true },
  LK_BUSY: { status: 503, title: 'Too many tokens wait to be checked', public: true },
  LK_NOT_FRESH: { status: 503, title: 'This service cannot tell what was revoked', public: true },
  LK_ISSUER_UNAVAILABLE: { status: 503, title: 'The issuer cannot be asked', public: true },
  LK_CREDENTIAL_UNSUPPORTED: {
    status: 401,
    title: 'The credential is of a kind that is not accepted',
    public: 'LK_UNAUTHENTICATED',
  },
  LK_TOKEN_REFUSED: { status: 401, title: 'The token is not good', public: 'LK_UNAUTHENTICATED' },
  LK_TOKEN_EXPIRED: { status: 401, title: 'The token has expired', public: 'LK_UNAUTHENTICATED' },
  LK_TOKEN_REVOKED: { status: 401, title: 'The token has been revoked', public: 'LK_UNAUTHENTICATED' },
} as const satisfies Record<string, CodeRow>;

/** The codes of a verifier. */
export type VerifierCode = keyof typeof VERIFIER_CODES;

interface Details {
  /** What would have to be proved; `maxAge` in seconds (RFC 9470 §3). */
  LK_STEP_UP_REQUIRED: { readonly acr: Acr | null; readonly maxAge: Seconds | null };
  LK_BUSY: { readonly retryAfter: Millis };
  LK_NOT_FRESH: { readonly retryAfter: Millis };
  LK_ISSUER_UNAVAILABLE: { readonly retryAfter: Millis };
}

type DetailOf<C extends VerifierCode> = C extends keyof Details ? Details[C] : undefined;

/** What a verifier throws. `status` is what HTTP answers, by which Express, Fastify and others know it. */
export type VerifierFailure = {
  [C in VerifierCode]: LatchkeyError<C, DetailOf<C>> & { readonly status: number };
}[VerifierCode];

/** The error of a code, with the detail that the code asks for. Its message says the cause too: for logs, and shown to nobody. */
export function verifierFailure<C extends VerifierCode>(
  code: C,
  ...rest: DetailOf<C> extends undefined
    ? [detail?: undefined, options?: ErrorOptions]
    : [detail: DetailOf<C>, options?: ErrorOptions]
): LatchkeyError<C, DetailOf<C>> & { readonly status: number } {
  const [detail, options] = rest;
  const { status, title } = VERIFIER_CODES[code];
  const message = options?.cause instanceof Error ? `${title}: ${options.cause.message}` : title;
  return Object.assign(new LatchkeyError(code, message, detail as DetailOf<C>, options), { status });
}

/** Whether an error is one of a verifier, and if a code is named, of that code. */
export function isVerifierFailure<C extends VerifierCode = VerifierCode>(
  error: unknown,
  code?: C,
): error is Extract<VerifierFailure, { code: C }> {
  return (
    error instanceof LatchkeyError &&
    error.code in VERIFIER_CODES &&
    (code === undefined || error.code === code)
  );
}
