import type { RequestHead } from '../foundation/header-source.ts';
import { failurePage } from '../pages/failure.ts';
import { isForm } from './body.ts';
import { isSafe } from './exchange.ts';
import { problemHeaders, problemOf, problemResponse, shownFailure } from './problem.ts';

/** An error as an answer: a page where a person waits for it, a problem for a program. */
export function failureResponse(
  error: unknown,
  request: RequestHead,
  requestId: string,
  brand: string,
): Response {
  if (!wantsPage(request)) return problemResponse(error, request, requestId);
  const shown = shownFailure(error);
  const { status, title } = problemOf(shown, requestId);
  const page = failurePage({ brand, signedInAs: null, status, title, text: advice(status), requestId });
  const headers = new Headers(problemHeaders(shown, request));
  headers.set('Content-Type', 'text/html; charset=utf-8');
  return new Response(page, { status, headers });
}

function wantsPage(request: RequestHead): boolean {
  if (!isSafe(request)) return isForm(request);
  return (request.headers.get('accept') ?? '').includes('text/html');
}

function advice(status: number): string {
  if (status === 404) return 'The address may be mistyped, or the page is gone.';
  return status === 429 || status >= 500 ? 'Please try again in a moment.' : 'Go back and try again.';
}
