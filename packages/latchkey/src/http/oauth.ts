import { z } from 'zod';
import { CODES, type Code, type Failure, reasonsOf } from '../errors.ts';
import { readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { detailOf, problemHeaders } from './problem.ts';
import { asIs, commonErrors, isForServices, parse, type Route, type RouteDocument } from './route.ts';
import { requireServiceClient } from './service-client.ts';

/** RFC 6749 §5.2, with the code added. */
const oauthErrorShape = z.object({
  error: z.string(),
  error_description: z.string(),
  code: z.string(),
});

/** The names of RFC 6749 §5.2 and RFC 8707 §2; whatever is not here is a request that is not valid. */
const ERRORS: ReadonlyMap<Code, string> = new Map([
  ['LK_UNAUTHENTICATED', 'invalid_client'],
  ['LK_GRANT_REFUSED', 'invalid_grant'],
  ['LK_GRANT_UNSUPPORTED', 'unsupported_grant_type'],
  ['LK_CLIENT_REFUSED', 'unauthorized_client'],
  ['LK_AUDIENCE_REFUSED', 'invalid_target'],
  ['LK_INTERNAL', 'server_error'],
  ['LK_STORE_UNAVAILABLE', 'temporarily_unavailable'],
  ['LK_NOT_FRESH', 'temporarily_unavailable'],
]);

/** A field of an OAuth request: text alone. */
export const oauthText = z.string('must be text').max(4_096, 'may have 4096 characters at most');

type Fields<Shape extends z.ZodRawShape> = z.infer<z.ZodObject<Shape>>;

type Definition<Body extends z.ZodRawShape> = Pick<
  RouteDocument,
  'summary' | 'answer' | 'errors' | 'askers'
> & {
  readonly path: string;
  readonly body: Body;
  readonly act: (exchange: Exchange, fields: Fields<Body>) => Promise<unknown>;
};

/**
 * Defines an endpoint of OAuth: a form or JSON in, JSON out, errors by RFC 6749. What
 * is not known is ignored, and nothing may stand twice (RFC 6749 §3.2). Where services alone
 * may ask, that is checked when the body has come, and before it is looked at.
 */
export function oauthRoute<Body extends z.ZodRawShape>(definition: Definition<Body>): Route {
  const { path, summary, answer, errors, askers, act } = definition;
  const service = isForServices(askers);
  const body = z.object(definition.body);
  return {
    method: 'POST',
    path,
    document: {
      summary,
      tag: 'Tokens',
      body,
      query: z.object({}),
      media: ['application/x-www-form-urlencoded', 'application/json'],
      askers,
      status: 200,
      answer,
      errors: [...commonErrors('POST', service), ...errors],
      problem: oauthErrorShape,
    },
    ignoresCookie: true,
    run: async (exchange) => {
      const read = await readBody(exchange.request, true).catch(asIs);
      if (service) await requireServiceClient(exchange);
      if (read instanceof Error) throw read;
      const { value } = read;
      const answered = await act(exchange, parse(body, withoutEmpty(value)));
      return Response.json(answered, { headers: { 'Cache-Control': 'no-store' } });
    },
    failure: oauthFailure,
  };
}

/** RFC 6749 §3.2: what is sent without a value is not sent. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== ''));
}

/** RFC 6749 §5.2 allows visible ASCII but for quotes and backslashes. */
function descriptionOf(shown: Failure, title: string): string {
  const text =
    shown.code === 'LK_REQUEST_INVALID' ? reasonsOf(shown.detail.errors) : (detailOf(shown) ?? title);
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
