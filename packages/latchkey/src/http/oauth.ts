import { z } from 'zod';
import { CODES, type Code, type Failure, failure, invalid, reasonsOf } from '../errors.ts';
import { readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { problemHeaders } from './problem.ts';
import { commonErrors, type Route, type RouteDocument } from './route.ts';

/** RFC 6749 §5.2, with the code added. */
export const oauthErrorShape = z.object({
  error: z.string(),
  error_description: z.string(),
  code: z.string(),
});

/** The names of RFC 6749 §5.2 and RFC 8707 §2; whatever is not here is a request that is not valid. */
const ERRORS: ReadonlyMap<Code, string> = new Map([
  ['LK_GRANT_REFUSED', 'invalid_grant'],
  ['LK_GRANT_UNSUPPORTED', 'unsupported_grant_type'],
  ['LK_CLIENT_REFUSED', 'unauthorized_client'],
  ['LK_AUDIENCE_REFUSED', 'invalid_target'],
  ['LK_INTERNAL', 'server_error'],
  ['LK_STORE_UNAVAILABLE', 'temporarily_unavailable'],
]);

interface Definition extends Pick<RouteDocument, 'summary' | 'body' | 'answer' | 'errors'> {
  readonly path: string;
  readonly act: (exchange: Exchange, fields: OAuthFields) => Promise<unknown>;
}

/** What a client of OAuth sent: text alone, none of it twice, and what is not known is ignored (RFC 6749 §3.2). */
export class OAuthFields {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    this.#fields = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  }

  /**
   * A field, or `null`. RFC 6749 §3.2: sent without a value is not sent.
   *
   * @throws `LK_REQUEST_INVALID` for what is no text, or longer than 4,096 characters.
   */
  find(name: string): string | null {
    const value = this.#fields.get(name);
    if (value === undefined || value === '') return null;
    if (typeof value !== 'string' || value.length > 4_096)
      throw invalid(name, 'must be text, 4096 characters at most');
    return value;
  }

  /** @throws `LK_REQUEST_INVALID` also where it is missing. */
  get(name: string): string {
    const value = this.find(name);
    if (value === null) throw invalid(name, 'is required');
    return value;
  }
}

/** Defines an endpoint of OAuth: a form or JSON in, JSON out, errors by RFC 6749. */
export function oauthRoute({ path, summary, body, answer, errors, act }: Definition): Route {
  return {
    method: 'POST',
    path,
    document: {
      summary,
      tag: 'Tokens',
      body,
      query: z.object({}),
      media: ['application/x-www-form-urlencoded', 'application/json'],
      signedIn: false,
      status: 200,
      answer,
      errors: [...commonErrors('POST', false), ...errors],
      problem: oauthErrorShape,
    },
    ignoresCookie: true,
    run: async (exchange) => {
      const { value } = await readBody(exchange.request, true);
      if (Array.isArray(value))
        throw failure('LK_REQUEST_INVALID', { errors: [{ field: '', reason: 'must be an object' }] });
      return Response.json(await act(exchange, new OAuthFields(value)), {
        headers: { 'Cache-Control': 'no-store' },
      });
    },
    failure: oauthFailure,
  };
}

/** RFC 6749 §5.2 allows visible ASCII but for quotes and backslashes. */
function descriptionOf(shown: Failure, title: string): string {
  const text = shown.code === 'LK_REQUEST_INVALID' ? reasonsOf(shown.detail.errors) : title;
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '');
}

function oauthFailure(shown: Failure, request: Request): Response {
  const { status, title } = CODES[shown.code];
  const error = ERRORS.get(shown.code) ?? 'invalid_request';
  return Response.json(
    { error, error_description: descriptionOf(shown, title), code: shown.code },
    { status, headers: problemHeaders(shown, request) },
  );
}
