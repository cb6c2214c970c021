import { z } from 'zod';
import { CODES, type Code, type Failure, type FieldError, failure, invalid, isFailure } from '../errors.ts';
import type { FormProblem } from '../pages/layout.ts';
import { readBody } from './body.ts';
import { type Answer, cookieCredential, type Exchange, requirePrincipal } from './exchange.ts';
import { problemHeaders, problemOf, shownFailure } from './problem.ts';
import { safeReturnTo } from './return-to.ts';

/**
 * Whoever likes; a user by cookie or token, and one who administers; a browser by the cookie alone; a
 * service by its key; or a gateway by its key beside what it was asked with.
 */
export type Asker = 'anybody' | 'user' | 'administrator' | 'browser' | 'service' | 'gateway';

/** Whether nobody may ask but services. */
export function isForServices(askers: readonly Asker[]): boolean {
  return askers.length > 0 && askers.every((asker) => asker === 'service');
}

/** What the OpenAPI document says of a route; pages have none. */
export interface RouteDocument {
  readonly summary: string;
  readonly tag: 'Account' | 'Sessions' | 'Tokens' | 'Revocation' | 'Feed' | 'Set-up' | 'Administration';
  readonly body: z.ZodObject;
  readonly query: z.ZodObject;
  /** What a body may be sent as. */
  readonly media: readonly ('application/json' | 'application/x-www-form-urlencoded')[];
  /** Whose credentials it asks for, any one of them; none, where it looks at no credential. */
  readonly askers: readonly Asker[];
  readonly status: number;
  /** `null` for no body. */
  readonly answer: z.ZodType | null;
  /** What it is answered as, where that is not JSON. */
  readonly produces?: string;
  /** Every code that it may answer. */
  readonly errors: readonly Code[];
  /** The shape of errors, where it is not the problem of RFC 9457. */
  readonly problem?: z.ZodType;
}

/** One method of one path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  readonly document: RouteDocument | null;
  /** Answers, or throws what the handler turns into a problem. */
  readonly run: (exchange: Exchange) => Promise<Response>;
  /** It answers every method alike: none of them may be answered for it. */
  readonly anyMethod?: true;
  /** Neither reads nor sets the cookie, or looks itself at whose page asks. */
  readonly ignoresCookie?: true;
  /** An error as an answer, where it is not a problem. */
  readonly failure?: (shown: Failure, request: Request) => Response;
}

/** The side of a route that people see: the page to which a refused form returns, and where a good one leads. */
export interface Form {
  readonly page: (
    exchange: Exchange,
    view: { values: Readonly<Record<string, string>>; returnTo: string | null; problem: FormProblem },
  ) => Promise<string>;
  /** Where it leads if the form does not say. */
  readonly location: string;
}

type Fields<Shape extends z.ZodRawShape> = z.infer<z.ZodObject<Shape, z.core.$strict>>;

/** What a route is defined by. */
export interface Definition<Body extends z.ZodRawShape, Query extends z.ZodRawShape> {
  readonly method: Route['method'];
  readonly path: string;
  readonly summary: string;
  readonly tag: RouteDocument['tag'];
  /** Whether somebody must be signed in; checked before the body is looked at. */
  readonly signedIn: boolean;
  /** As in `RouteDocument`. Default users, where somebody must be signed in. */
  readonly askers?: readonly Asker[];
  /** Who of them may; checked at the same time. Default everybody who is signed in. */
  readonly guard?: (exchange: Exchange) => Promise<unknown>;
  readonly body: Body;
  readonly query: Query;
  readonly form?: Form;
  readonly status: Answer['status'];
  readonly answer: z.ZodType;
  /** Codes that it may answer besides those that every route of its kind may. */
  readonly errors: readonly Code[];
  readonly act: (exchange: Exchange, input: { body: Fields<Body>; query: Fields<Query> }) => Promise<Answer>;
}

/** Defines a route of the contract: one schema validates its input and documents it. */
export function route<Body extends z.ZodRawShape, Query extends z.ZodRawShape>(
  definition: Definition<Body, Query>,
): Route {
  const { method, path, summary, tag, signedIn, form, status, answer, errors, act } = definition;
  const { guard = requirePrincipal, askers = signedIn ? ['user'] : [] } = definition;
  const body = z.strictObject(definition.body);
  const query = z.strictObject(definition.query);

  const run = async (exchange: Exchange): Promise<Response> => {
    // The body first: a client may take its time with it, and what was good when the
    // request began may have been revoked when it ends. What is wrong with it is said second.
    const read =
      method === 'GET' ? NO_BODY : await readBody(exchange.request, form !== undefined).catch(asIs);
    if (signedIn) await guard(exchange);
    if (read instanceof Error) throw read;
    const input = read;
    const isForm = input.kind === 'form';
    const { fields, returnTo } = isForm
      ? splitForm(input.value, exchange)
      : { fields: input.value, returnTo: null };
    try {
      const result = await act(exchange, {
        query: parse(query, queryOf(exchange.url, isForm)),
        body: parse(body, fields),
      });
      return isForm ? redirect(exchange, result, returnTo ?? form?.location ?? '/') : json(exchange, result);
    } catch (error) {
      if (!isForm || form === undefined) throw error;
      return await refusedForm(exchange, form, { fields, returnTo }, error);
    }
  };
  return {
    method,
    path,
    document: {
      summary,
      tag,
      body,
      query,
      media: ['application/json'],
      askers,
      status,
      answer,
      errors: [...commonErrors(method, signedIn), ...errors],
    },
    run,
  };
}

const NO_BODY = { kind: 'none', value: {} } as const;

/** An error as a value: for one that is to be thrown later. */
export function asIs(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Of a name, where what is wrong is not its value. */
const NO_FIELD = 'is no field of this request';

/** What any route may answer, by what it reads. */
export function commonErrors(method: Route['method'], signedIn: boolean): readonly Code[] {
  return [
    'LK_REQUEST_INVALID',
    'LK_CREDENTIALS_AMBIGUOUS',
    'LK_STORE_UNAVAILABLE',
    ...(signedIn ? (['LK_UNAUTHENTICATED'] as const) : []),
    ...(method === 'GET'
      ? []
      : (['LK_ORIGIN_REFUSED', 'LK_BODY_TOO_LARGE', 'LK_MEDIA_TYPE_UNSUPPORTED'] as const)),
  ];
}

/** Defines a page. */
export function page(path: string, render: (exchange: Exchange) => Promise<Response>): Route {
  return { method: 'GET', path, document: null, run: render };
}

/** An answer with a page. */
export function html(text: string, status = 200, extra: readonly [string, string][] = []): Response {
  const headers = new Headers([...extra]);
  headers.set('Content-Type', 'text/html; charset=utf-8');
  headers.set('Cache-Control', 'no-store');
  return new Response(text, { status, headers });
}

/** RFC 9700 §4.12: 303, so that no browser sends a password again. */
export function seeOther(location: string, headers: readonly [string, string][] = []): Response {
  return new Response(null, {
    status: 303,
    headers: [['Location', location], ['Cache-Control', 'no-store'], ...headers],
  });
}

function json(exchange: Exchange, answer: Answer): Response {
  return new Response(JSON.stringify(answer.body), {
    status: answer.status,
    headers: [
      ['Content-Type', 'application/json'],
      ['Cache-Control', 'no-store'],
      ...cookieHeader(exchange, answer),
    ],
  });
}

function redirect(exchange: Exchange, answer: Answer, location: string): Response {
  return seeOther(location, cookieHeader(exchange, answer));
}

/** Beside a token the cookie is not read: it is changed only where its session is the token's. */
function cookieHeader({ rooms, request }: Exchange, { cookie }: Answer): [string, string][] {
  if (cookie === null) return [];
  const { value, session } = cookie;
  if (request.headers.has('authorization') && cookieCredential(request, rooms.cookie)?.id !== session)
    return [];
  return [['Set-Cookie', value === 'clear' ? rooms.cookie.clear() : rooms.cookie.set(value)]];
}

/** `return_to` belongs to the form and not to what it asks for. */
function splitForm(
  value: unknown,
  { allowed }: Exchange,
): { fields: Record<string, string>; returnTo: string | null } {
  const all = z.record(z.string(), z.string()).parse(value);
  const { return_to: returnTo, ...fields } = all;
  const safe = returnTo === undefined ? '' : safeReturnTo(returnTo, allowed, '');
  return { fields, returnTo: safe === '' ? null : safe };
}

/**
 * Refuses what stands twice in an address, and what is not known.
 *
 * @throws `LK_REQUEST_INVALID`.
 */
export function refuseUnknownQuery(url: URL, known: readonly string[]): void {
  const unknown = Object.keys(queryOf(url, false)).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(unknown.slice(0, 200), NO_FIELD);
}

/**
 * What stands behind the path, each name once.
 *
 * @throws `LK_REQUEST_INVALID`
 */
export function queryOf(url: URL, isForm: boolean): Record<string, string> {
  // A form's action may carry what a page's address did.
  if (isForm) return {};
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (query.has(name))
      throw failure('LK_REQUEST_INVALID', { errors: [{ field: name, reason: 'stands twice' }] });
    query.set(name, value);
  }
  return Object.fromEntries(query);
}

/**
 * Holds a value against a schema.
 *
 * @throws `LK_REQUEST_INVALID` with each field that does not fit.
 */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw failure('LK_REQUEST_INVALID', { errors: result.error.issues.flatMap(fieldErrors) });
}

/** Names the field and what is wrong, and never shows the value. */
function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const field = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: [...issue.path, key].join('.').slice(0, 200),
      reason: NO_FIELD,
    }));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined) return [{ field, reason: 'is required' }];
  return [{ field, reason: issue.message }];
}

async function refusedForm(
  exchange: Exchange,
  form: Form,
  input: { fields: unknown; returnTo: string | null },
  error: unknown,
): Promise<Response> {
  const shown = shownFailure(error);
  const { status, title } = CODES[shown.code];
  if (!isFailure(error) || status === 413 || status === 415 || status === 500) throw error;
  const problem = problemOf(shown, exchange.requestId);
  const named = (problem.errors ?? []).filter(({ field }) => field !== '');
  const fields = Object.fromEntries(named.map(({ field, reason }) => [field, sentence(reason)]));
  if (shown.code === 'LK_PASSWORD_REFUSED') fields[passwordField(exchange)] = shown.detail.message;
  const values = Object.fromEntries(Object.entries(z.record(z.string(), z.string()).parse(input.fields)));
  const view = { values, returnTo: input.returnTo, problem: { summary: `${title}.`, fields } };
  return html(await form.page(exchange, view), status, problemHeaders(shown, exchange.request));
}

function passwordField(exchange: Exchange): string {
  return exchange.url.pathname === '/auth/password' ? 'new_password' : 'password';
}

function sentence(reason: string): string {
  return `This ${reason.replace(/\.$/, '')}.`;
}
