/**
 * Latchkey in a Next.js application (app router).
 *
 * Whoever is asked for is asked for here, in the page, the action or the handler
 * that needs it, and never in a proxy or middleware before it: a header said
 * once that this had run already, and could be sent by everybody (CVE-2025-29927).
 *
 * @module
 */
import type { PermissionOf } from '../access/access.ts';
import type { HeaderSource } from '../foundation/header-source.ts';
import type { AnyShape, ApplicationSession, Latchkey, PrincipalOf, Shape } from '../latchkey.ts';
import {
  type AdapterOptions,
  type Admission,
  type Guard,
  type GuardedRequest,
  guard,
  type Loaded,
  type PermissionAbout,
  type PermissionAlone,
  type ResourceFor,
  type Verdict,
} from './guard.ts';

/** A cookie as Next's `cookies().set` takes it. */
export interface NextCookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly httpOnly: true;
  readonly sameSite: 'lax';
  readonly secure: boolean;
  /** In seconds. */
  readonly maxAge: number;
}

/**
 * What of Next is called. The application hands it over from `next/headers` and
 * `next/navigation`, because only in its own files does Next put in the version
 * that suits the place.
 */
export interface NextFunctions {
  readonly headers: () => Promise<HeaderSource>;
  readonly cookies: () => Promise<{ set(cookie: NextCookie): unknown }>;
  readonly redirect: (path: string) => never;
  readonly notFound: () => never;
  /** Needs `experimental: { authInterrupts: true }` in Next's configuration; without it Next answers 500. */
  readonly forbidden: () => never;
}

/** Answers a request to the application's own path, as `route.ts` exports it. */
export type RouteHandler<Context> = (request: Request, context: Context) => Promise<Response>;

type Answer<Admitted, Context> = (
  request: Request,
  admitted: Admitted,
  context: Context,
) => Response | Promise<Response>;

/** Guards of `route.ts`. A person who opens one is led to the sign-in page and back; a program gets a problem. */
export interface NextRouteGuards<S extends Shape> {
  /** Lets in who is signed in. */
  signedIn<Context>(answer: Answer<{ readonly principal: PrincipalOf<S> }, Context>): RouteHandler<Context>;
  /** Lets in who has the permission; nothing found is 404, denied is 403, or 401 where proving again might do. */
  may<Context>(
    permission: PermissionAlone<S>,
    answer: Answer<Admission<S, undefined>, Context>,
  ): RouteHandler<Context>;
  may<Permission extends PermissionAbout<S>, Resource extends ResourceFor<S, Permission>, Context>(
    permission: Permission,
    load: (request: Request, context: Context) => Loaded<Resource>,
    answer: Answer<Admission<S, Resource>, Context>,
  ): RouteHandler<Context>;
}

/** Lets in who has the permission; see `NextLatchkey.may`. */
export interface MayOfPage<S extends Shape> {
  (permission: PermissionAlone<S>, returnTo: string): Promise<Admission<S, undefined>>;
  <Permission extends PermissionAbout<S>, Resource extends ResourceFor<S, Permission>>(
    permission: Permission,
    returnTo: string,
    load: () => Loaded<Resource>,
  ): Promise<Admission<S, Resource>>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Latchkey's doors to a Next application.
 *
 * `principal`, `signedIn`, `may` and `session` are for server components and
 * server actions. An action is an unsafe request that every page of the web can
 * make. Next compares `Origin` with `Host` or `X-Forwarded-Host`, and lets pass
 * what has no `Origin`; here the rule is the one of all unsafe requests, with
 * the configured origin and `Sec-Fetch-Site`. Next doesn't tell the method, so a
 * request counts as unsafe if it has what one that only reads hasn't: a body's
 * type, an action, or an `Origin`. What breaks the rule is `forbidden`.
 */
export interface NextLatchkey<S extends Shape> {
  /** The system itself. Call it where it is used, not where a file begins: building has no secret. */
  readonly auth: () => Latchkey<S>;
  /** Answers Latchkey's own paths, in `app/auth/[[...path]]/route.ts` and `app/.well-known/[...path]/route.ts`. */
  readonly handlers: Readonly<Record<(typeof METHODS)[number], (request: Request) => Promise<Response>>>;
  readonly route: NextRouteGuards<S>;
  /** Who looks at the page; `null` for nobody. A credential that is no longer good is none. */
  readonly principal: () => Promise<PrincipalOf<S> | null>;
  /**
   * Who is signed in; everybody else is led to the sign-in page, and then to
   * `returnTo`: Next doesn't tell a component the path of its page.
   *
   * @throws `LK_STORE_UNAVAILABLE`, and what Next's `redirect` and `forbidden` throw.
   */
  readonly signedIn: (returnTo: string) => Promise<PrincipalOf<S>>;
  /**
   * Lets in who has the permission. `load` finds what it is about; nothing found
   * is `notFound`, denied is `forbidden`, and whoever isn't signed in, or would
   * have to prove again who they are, is led there and then to `returnTo`.
   *
   * @throws as `signedIn`, and what Next's `notFound` throws.
   */
  readonly may: MayOfPage<S>;
  /**
   * The data of the visitor's session, before login too. The first write of a
   * visitor sets a cookie, which Next allows in actions and route handlers alone.
   *
   * @throws as `Latchkey.session`, and what Next's `forbidden` throws.
   */
  readonly session: () => Promise<ApplicationSession<S['data']>>;
}

/** A system, and the guards of its own copy of this package: another copy does not know its errors. */
interface Opened {
  readonly auth: Latchkey;
  readonly guardsFor: (options: AdapterOptions) => Guard;
}

/** What is opened by the first request. */
interface Doors {
  readonly auth: Latchkey;
  readonly guards: Guard;
}

/**
 * Opens Latchkey's doors to a Next application.
 *
 * Hand over a function that makes the system. It is called by the first request,
 * so that `next build` needs no secret and opens nothing. Next loads a file once
 * for pages and once more for route handlers: the first system of an origin is
 * the one of the whole process, so that what one ends is ended for the other at
 * once. An edit of its configuration counts after a restart of `next dev`. A
 * system that is handed over itself is used as it is.
 *
 * Next doesn't tell everything. The address of the connection is unknown: behind
 * proxies of your own set `trustedProxies`, else all attempts at passwords count
 * as of one network. Of two `Authorization` headers the first alone is seen.
 */
export function next<System extends Pick<Latchkey, 'config' | 'handler'>>(
  system: System | (() => System),
  functions: NextFunctions,
  options?: AdapterOptions,
): NextLatchkey<System extends Latchkey<infer S> ? S : never>;
export function next(
  system: Latchkey | (() => Latchkey),
  functions: NextFunctions,
  options: AdapterOptions = {},
): object {
  let found: Doors | null = null;
  const doors = (): Doors => (found ??= open(system, options));
  const handle = async (request: Request): Promise<Response> => doors().auth.handler(request);
  return {
    auth: () => doors().auth,
    handlers: Object.fromEntries(METHODS.map((method) => [method, handle])),
    route: routeGuards(() => doors().guards),
    ...pageGuards(() => doors().guards, functions),
  };
}

function open(system: Latchkey | (() => Latchkey), options: AdapterOptions): Doors {
  const { auth, guardsFor } = typeof system === 'function' ? shared(opened(system())) : opened(system);
  return { auth, guards: guardsFor(options) };
}

function opened(auth: Latchkey): Opened {
  return { auth, guardsFor: (options) => guard(auth, options) };
}

/** Where the copies of one process find each other. */
const SHARED = Symbol.for('latchkey.next');

/** The first system of an origin, for every copy of this file in the process. */
function shared(mine: Opened): Opened {
  const place: typeof globalThis & { [SHARED]?: Map<string, Opened> } = globalThis;
  const systems = (place[SHARED] ??= new Map());
  const { origin } = mine.auth.config;
  const first = systems.get(origin) ?? mine;
  systems.set(origin, first);
  return first;
}

type Permission = PermissionOf<AnyShape['access']>;
type AnyAnswer = Answer<unknown, unknown>;
type Load = (request: Request, context: unknown) => Loaded<unknown>;

function routeGuards(guards: () => Guard): object {
  const guarded =
    (
      judge: (request: Request, context: unknown) => Promise<Verdict<unknown>>,
      answer: AnyAnswer,
    ): RouteHandler<unknown> =>
    async (request, context) => {
      const { admitted, refusal } = await judge(request, context);
      return refusal ?? (await answer(request, admitted, context));
    };
  return {
    signedIn: (answer: AnyAnswer) =>
      guarded(
        (request) => guards().signedIn(request),
        (request, principal, context) => answer(request, { principal }, context),
      ),
    may: (permission: Permission, ...rest: [AnyAnswer] | [Load, AnyAnswer]) => {
      const [load, answer] = rest.length === 1 ? [null, rest[0]] : rest;
      return guarded((request, context) => {
        const find = load === null ? undefined : (): Loaded<unknown> => load(request, context);
        return guards().may(request, permission, find);
      }, answer);
    },
  };
}

function pageGuards(guards: () => Guard, functions: NextFunctions): object {
  const { redirect, notFound, forbidden } = functions;
  const ask = async <Admitted>(
    returnTo: string,
    judge: (request: GuardedRequest) => Promise<Verdict<Admitted>>,
  ): Promise<Verdict<Admitted>> => {
    // Before anything of ours: where a page is built, Next stops here.
    const request = pageRequest(await functions.headers(), returnTo);
    const verdict = await judge(request);
    if (verdict.refusal?.status !== 401 || request.method === 'GET') return verdict;
    // Somebody whose session ends while a form is open is led away as from a page. No more
    // than that: a cookie that is good for a page may be too old for an action (R11).
    const led = await judge({ ...request, method: 'GET' });
    return led.refusal === null ? verdict : led;
  };
  const admit = <Admitted>(verdict: Verdict<Admitted>): Admitted => {
    if (verdict.refusal === null) return verdict.admitted;
    const { refusal, error } = verdict;
    const location = refusal.headers.get('location');
    if (location !== null) return redirect(location);
    if (refusal.status === 404) return notFound();
    if (refusal.status >= 500) throw error;
    return forbidden();
  };
  return {
    principal: async () => {
      const verdict = await ask('/', (request) => guards().signedIn(request));
      const nobody = verdict.refusal?.status === 303 || verdict.refusal?.status === 401;
      return nobody ? null : admit(verdict);
    },
    signedIn: async (returnTo: string) => admit(await ask(returnTo, (request) => guards().signedIn(request))),
    may: async (permission: Permission, returnTo: string, load?: () => Loaded<unknown>) =>
      admit(await ask(returnTo, (request) => guards().may(request, permission, load))),
    session: async () => {
      const request = pageRequest(await functions.headers(), '/');
      const jar = await functions.cookies();
      try {
        return await guards().session(request, (text) => jar.set(parseOwnCookie(text)));
      } catch (error) {
        const refused = error instanceof Error && 'status' in error && Number(error.status) < 500;
        if (refused) return forbidden();
        throw error;
      }
    },
  };
}

/** The request of a component or an action, as far as Next tells. Whoever waits for a page is a person. */
function pageRequest(headers: HeaderSource, returnTo: string): GuardedRequest {
  const reads = !['next-action', 'content-type', 'origin'].some((name) => headers.has(name));
  return {
    method: reads ? 'GET' : 'POST',
    url: returnTo,
    headers: {
      get: (name) => (name === 'accept' ? 'text/html' : headers.get(name)),
      has: (name) => name === 'accept' || headers.has(name),
    },
  };
}

/** Reads a `Set-Cookie` of ours (`sessions/cookie.ts`) into what Next takes. */
function parseOwnCookie(text: string): NextCookie {
  const [pair = '', ...attributes] = text.split('; ');
  const at = pair.indexOf('=');
  const maxAge = attributes.find((attribute) => attribute.startsWith('Max-Age='))?.slice(8);
  return {
    name: pair.slice(0, at),
    value: pair.slice(at + 1),
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: attributes.includes('Secure'),
    maxAge: Number(maxAge),
  };
}
