import { Hono } from 'hono';
import { CODES, failure, isFailure } from '../errors.ts';
import type { Presented } from '../flows/authenticate.ts';
import { clientAddress } from './address.ts';
import { allowListedOrigin, preflight } from './cors.ts';
import { type Connection, type Exchange, isSafe, type Services } from './exchange.ts';
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

/** What a request was found to be for. */
interface Match {
  /** `null` for a path of nobody's, or by a method that it does not take. */
  readonly route: Route | null;
  readonly params: Readonly<Record<string, string>>;
  /** That its path takes; none for a path of nobody's. */
  readonly methods: readonly string[];
}

/** Builds the one handler. `ready` opens what the first request needs. */
export function handler(services: Services, ready: () => Promise<void>): Handler {
  const { rooms, allowed } = services;
  const everywhere = securityHeaders({ secure: rooms.config.secure, formTargets: allowed.listed });

  const answer = async (request: Request, connection: Connection, match: Match): Promise<Response> => {
    const requestId = connection.requestId ?? newRequestId();
    const response = await attempt(rooms, request, requestId, match.route, async () => {
      const route = admit(request, match, allowed);
      await ready();
      return route.run(exchangeOf(services, request, connection, { requestId, params: match.params }));
    });
    for (const [name, value] of everywhere) response.headers.set(name, value);
    response.headers.set('X-Request-Id', requestId);
    allowListedOrigin(request, response.headers, allowed.listed);
    return response;
  };

  const app = new Hono<Bindings>();
  const paths = Map.groupBy(ROUTES, (route) => route.path);
  for (const [path, routes] of paths) {
    const methods = allowedMethods(routes);
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const route of routes) {
      app.on(route.anyMethod === true ? EVERY_METHOD : route.method, pattern, (c) =>
        answer(c.req.raw, c.env.connection, { route, params: c.req.param(), methods }),
      );
    }
    app.options(pattern, (c) => {
      const response = preflight(c.req.raw, methods, allowed.listed);
      for (const [name, value] of everywhere) response.headers.set(name, value);
      return response;
    });
    app.all(pattern, (c) => answer(c.req.raw, c.env.connection, { route: null, params: {}, methods }));
  }
  app.notFound((c) => answer(c.req.raw, c.env.connection, { route: null, params: {}, methods: [] }));
  return async (request, connection) => app.fetch(request, { connection });
}

/** The route of a request that may be looked at. */
function admit(request: Request, { route, methods }: Match, allowed: Services['allowed']): Route {
  refuseLargeHeaders(request.headers);
  if (!isSafe(request) && route?.ignoresCookie !== true) refuseCrossSite(request, allowed);
  if (route !== null) return route;
  throw methods.length === 0 ? failure('LK_NOT_FOUND') : failure('LK_METHOD_NOT_ALLOWED', { allow: methods });
}

function exchangeOf(
  services: Services,
  request: Request,
  { peer, cut }: Connection,
  given: Pick<Exchange, 'requestId' | 'params'>,
): Exchange {
  const { authenticator, rooms } = services;
  const { origin, trustedProxies } = rooms.config;
  const ip = clientAddress(() => request.headers.get('x-forwarded-for'), peer, trustedProxies);
  const checkAgain = async (): Promise<Presented | null> =>
    // Of this issuer alone: no service can act as its callers on their accounts.
    authenticator.authenticate(request.headers, { safe: isSafe(request), audience: origin });
  let asked: Promise<Presented | null> | null = null;
  const presented = (): Promise<Presented | null> => (asked ??= checkAgain());
  const url = new URL(request.url);
  return { ...services, ...given, request, url, ip, cut: cut ?? null, presented, checkAgain };
}

/** Turns what `act` throws into an answer, and tells of what is nobody's fault out there. */
async function attempt(
  { emit, config }: Services['rooms'],
  request: Request,
  requestId: string,
  route: Route | null,
  act: () => Promise<Response>,
): Promise<Response> {
  try {
    return await act();
  } catch (error) {
    const shown = shownFailure(error);
    if (shown.code === 'LK_INTERNAL' || CODES[shown.code].status === 503) {
      const code = isFailure(error) ? error.code : shown.code;
      emit({ type: 'failed', code, error, request: requestId });
    }
    return route?.failure?.(shown, request) ?? failureResponse(error, request, requestId, config.brand);
  }
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
