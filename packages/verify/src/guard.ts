import { type Presenting, presentsCredential } from './authorization.ts';
import { isVerifierFailure, VERIFIER_CODES, type VerifierFailure, verifierFailure } from './failures.ts';
import type { Values } from './principal.ts';
import type { ServicePrincipal } from './service-principal.ts';
import type { Demands, Verifier } from './verifier.ts';

/** An answer to somebody who is not let in: a problem of RFC 9457. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who is let in, or the answer that the request gets instead. */
export type Admission<Claims = Values> =
  | { readonly principal: ServicePrincipal<Claims>; readonly refusal: null }
  | { readonly principal: null; readonly refusal: Refusal };

/**
 * What every guard shares: lets in whoever presents a good token.
 *
 * @throws what is no failure of a verifier.
 */
export async function admit<Claims>(
  verifier: Verifier<Claims>,
  presenting: Presenting,
  demands: Demands,
): Promise<Admission<Claims>> {
  try {
    return { principal: await verifier.require(presenting, demands), refusal: null };
  } catch (error) {
    if (!isVerifierFailure(error)) throw error;
    return { principal: null, refusal: refusalOf(error, presenting) };
  }
}

/** A failure as HTTP shows it: why a token is not good is told to nobody. */
export function refusalOf(failure: VerifierFailure, presenting: Presenting): Refusal {
  const { public: shownAs } = VERIFIER_CODES[failure.code];
  const shown = shownAs === true ? failure : verifierFailure(shownAs);
  const { status, title } = VERIFIER_CODES[shown.code];
  const headers: Record<string, string> = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  };
  if (status === 401) headers['WWW-Authenticate'] = challengeOf(shown, presenting);
  if (hasRetryAfter(shown.detail)) {
    headers['Retry-After'] = String(Math.max(1, Math.ceil(shown.detail.retryAfter / 1_000)));
  }
  const problem = {
    type: `urn:latchkey:error:${shown.code}`,
    title,
    status,
    code: shown.code,
    ...(shown.code === 'LK_STEP_UP_REQUIRED' ? { acr: shown.detail.acr, max_age: shown.detail.maxAge } : {}),
  };
  return { status, headers, body: JSON.stringify(problem) };
}

/** RFC 6750 §3: an error is named only where a token was sent. RFC 9470 §3: what would have to be proved. */
function challengeOf(shown: VerifierFailure, presenting: Presenting): string {
  if (shown.code === 'LK_STEP_UP_REQUIRED') {
    const { acr, maxAge } = shown.detail;
    const wanted = [
      'error="insufficient_user_authentication"',
      ...(acr === null ? [] : [`acr_values="${acr}"`]),
      ...(maxAge === null ? [] : [`max_age="${maxAge}"`]),
    ];
    return `Bearer ${wanted.join(', ')}`;
  }
  return presentsCredential(presenting) ? 'Bearer error="invalid_token"' : 'Bearer';
}

function hasRetryAfter(detail: unknown): detail is { readonly retryAfter: number } {
  return typeof detail === 'object' && detail !== null && 'retryAfter' in detail;
}

/** Who was let in with a request, as its guard has left it. */
export class Admitted<Request extends object, Claims> {
  readonly #principals = new WeakMap<Request, ServicePrincipal<Claims>>();

  let(request: Request, principal: ServicePrincipal<Claims>): void {
    this.#principals.set(request, principal);
  }

  /** @throws {TypeError} where no guard of these stood before the handler. */
  of(request: Request): ServicePrincipal<Claims> {
    const principal = this.#principals.get(request);
    if (principal === undefined) throw new TypeError('put a guard before the handler that asks who is there');
    return principal;
  }
}
