import { Hono } from 'hono';
import { CODES, failure, isFailure } from '../errors.ts';
import type { Presented } from '../flows/authenticate.ts';
import { clientAddress } from './address.ts';
import { allowListedOrigin, preflight } from './cors.ts';
import { type Connection, isSafe, type Services } from './exchange.ts';
import { failureResponse } from './failure-response.ts';
import { refuseCrossSite } from './origin-rule.ts';
import { newRequestId, shownFailure } from './problem.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { securityHeaders } from './security-headers.ts';

/** The most that all headers may have, in bytes; more is a mistake or an attack. */
const MAX_HEADERS = 16 * 1024;

/** Answers a request to one of our paths; never throws. */
export type Handler = (request: Request, connection: Connection) => Promise<Response>;

/** Hono's name for it. */
const EVERY_METHOD = 'ALL';

interface Bindings {
  readonly Bindings: { readonly connection: Connection };
}

/** Builds the one handler. `ready` opens what the first request needs. */
export function handler(services: Services, ready: () => Promise<void>): Handler {
  const { rooms, allowed } = services;
  const everywhere = securityHeaders({ secure: rooms.config.secure, formTargets: allowed.listed });

  const answer = async (
    request: Request,
    connection: Connection,
    params: Record<string, string>,
    route: Route | null,
    methods: readonly string[],
  ): Promise<Response> => {
    const requestId = connection.requestId ?? newRequestId();
    const response = await attempt(request, requestId, route, async () => {
      refuseLargeHeaders(request.headers);
      if (!isSafe(request) && route?.ignoresCookie !== true) refuseCrossSite(request, allowed);
      if (route === null) {
        throw methods.length === 0
          ? failure('LK_NOT_FOUND')
          : failure('LK_METHOD_NOT_ALLOWED', { allow: methods });
      }
      await ready();
      const ip = clientAddress(
        () => request.headers.get('x-forwarded-for'),
        connection.peer,
        rooms.config.trustedProxies,
      );
      const checkAgain = async (): Promise<Presented | null> =>
        services.authenticator.authenticate(request.headers, {
          safe: isSafe(request),
          // Of this issuer alone: no service can act as its callers on their accounts.
          audience: rooms.config.origin,
        });
      let asked: Promise<Presented | null> | null = null;
      const presented = (): Promise<Presented | null> => (asked ??= checkAgain());
      const url = new URL(request.url);
      const cut = connection.cut ?? null;
      return route.run({ ...services, request, url, params, ip, requestId, cut, presented, checkAgain });
    });
    for (const [name, value] of everywhere) response.headers.set(name, value);
    response.headers.set('X-Request-Id', requestId);
    allowListedOrigin(request, response.headers, allowed.listed);
    return response;
  };

  const attempt = async (
    request: Request,
    requestId: string,
    route: Route | null,
    act: () => Promise<Response>,
  ): Promise<Response> => {
    try {
      return await act();
    } catch (error) {
      const shown = shownFailure(error);
      if (shown.code === 'LK_INTERNAL' || CODES[shown.code].status === 503) {
        rooms.emit({
          type: 'failed',
          code: isFailure(error) ? error.code : shown.code,
          error,
          request: requestId,
        });
      }
      return (
        route?.failure?.(shown, request) ?? failureResponse(error, request, requestId, rooms.config.brand)
      );
    }
  };

  const app = new Hono<Bindings>();
  const paths = Map.groupBy(ROUTES, (route) => route.path);
  for (const [path, routes] of paths) {
    const methods = allowedMethods(routes);
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const route of routes) {
      app.on(route.anyMethod === true ? EVERY_METHOD : route.method, pattern, (c) =>
        answer(c.req.raw, c.env.connection, c.req.param(), route, methods),
      );
    }
    app.options(pattern, (c) => {
      const response = preflight(c.req.raw, methods, allowed.listed);
      for (const [name, value] of everywhere) response.headers.set(name, value);
      return response;
    });
    app.all(pattern, (c) => answer(c.req.raw, c.env.connection, {}, null, methods));
  }
  app.notFound((c) => answer(c.req.raw, c.env.connection, {}, null, []));
  return async (request, connection) => app.fetch(request, { connection });
}

function refuseLargeHeaders(headers: Headers): void {
  let length = 0;
  for (const [name, value] of headers) length += name.length + value.length + 4;
  if (length > MAX_HEADERS) throw failure('LK_HEADERS_TOO_LARGE');
}

function allowedMethods(routes: readonly Route[]): readonly string[] {
  const methods = routes.map((route) => route.method);
  return methods.includes('GET') ? ['HEAD', ...methods] : methods;
}
